/*
 * When to send what to a host that is scanned: how long to wait for an
 * answer, how often to try again, how fast to go.  After nmap's manual
 * ("Timing and performance") and RFC 6298.  Times are milliseconds of a
 * clock that does not go back, unless they say otherwise.
 *
 * Pure.
 */
#ifndef TAP_MEASURE_TIMING_H
#define TAP_MEASURE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

/* nmap's usual limits (-T3). */
#define TIMING_TIMEOUT_FIRST 1000u
#define TIMING_TIMEOUT_MIN 100u
#define TIMING_TIMEOUT_MAX 10000u
#define TIMING_TRIES_MAX 11u /* ten retransmissions */
/*
 * The longest pause between two probes.  Most systems send at most about
 * one ICMP error a second to a host (RFC 1812, 4.3.2.8; Linux:
 * icmp_ratelimit): with this pause each of them gets through.
 */
#define TIMING_PAUSE_MAX 1000u
#define TIMING_PAUSE_FIRST 5u

enum timing_kind {
	TIMING_TCP,
	TIMING_UDP,
	TIMING_KINDS,
};

struct timing {
	/* Of round trips, in microseconds, as RFC 6298 has them; 0: none. */
	uint32_t srtt, rttvar;
	uint32_t timeout_min;
	uint32_t pause;
	uint64_t next;     /* nothing is sent before */
	unsigned best_try; /* the latest try that got an answer, from 0 */
	bool sends_icmp[TIMING_KINDS];
};

/* A host that nothing is known of. */
void timing_init(struct timing *p, uint32_t timeout_min);

/* How long to wait for the answer to a probe sent now. */
uint32_t timing_timeout(const struct timing *p);

/* Whether a probe that was sent `tries` times is worth another one. */
bool timing_again(const struct timing *p, unsigned tries);

/* Whether a probe may go out now. */
bool timing_ready(const struct timing *p, uint64_t now);
/*
 * One went out.  Where the host answers such probes by ICMP and this one
 * is repeated, its error may have been left out: the longest pause.
 */
void timing_sent(struct timing *p, uint64_t now, enum timing_kind kind,
		 bool repeated);

/*
 * An answer, to this try (from 0), after so many microseconds.  One to a
 * repeated probe means that some before were lost: go slower.
 */
void timing_answered(struct timing *p, unsigned try, uint32_t microseconds);
/* The answer to such a probe was an ICMP error. */
void timing_icmp(struct timing *p, enum timing_kind kind);

/* A bucket of tokens: so many packets a second, and few at once. */
struct timing_bucket {
	unsigned rate;
	uint64_t filled; /* microseconds */
	uint64_t level;  /* in packets x 10^6 */
};

#define TIMING_BURST 8u /* below the smallest queue of a network card */

void timing_bucket_init(struct timing_bucket *b, unsigned rate,
			uint64_t now_us);
/* Take one, if there is one. */
bool timing_bucket_take(struct timing_bucket *b, uint64_t now_us);

#endif
