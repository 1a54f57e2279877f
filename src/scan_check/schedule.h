/*
 * What is sent next: each of a number of probes once in order, and then
 * those that are worth another try; or rounds of all of them, each in a
 * random order, so that where ports don't differ none is sent at better
 * times than another.  Pure: memory and random numbers are the caller's.
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_SCHEDULE_H
#define TAP_SCAN_CHECK_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule {
	size_t count;
	size_t fresh;  /* so many were never sent: from here on */
	size_t *queue; /* a ring of those to be sent again */
	size_t at, queued;
	unsigned rounds; /* of samples; 0: none */
	unsigned round;
	size_t *order;   /* of this round */
	size_t place;    /* in it */
	uint64_t random; /* the state of a generator */
};

/* queue and order hold count each; seed is a random number. */
void schedule_init(struct schedule *r, size_t count, size_t *queue,
		   size_t *order, unsigned rounds, uint64_t seed);

/* A probe is to be sent again.  Each is in the queue at most once. */
void schedule_again(struct schedule *r, size_t probe);
/* Take the first that is to be sent again; false where there is none. */
bool schedule_repeat(struct schedule *r, size_t *probe);
/* Take the next that was never sent: its place in order. */
bool schedule_fresh(struct schedule *r, size_t *place);
/* The next sample, which stays until schedule_sampled(). */
bool schedule_sample(const struct schedule *r, size_t *probe);
void schedule_sampled(struct schedule *r);

/* Whether something is left to be sent. */
bool schedule_waits(const struct schedule *r);

#endif
