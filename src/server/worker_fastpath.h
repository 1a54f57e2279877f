/*
 * The guard's part of the sieve: opened, changed, and read.
 */
#ifndef TAP_SERVER_WORKER_FASTPATH_H
#define TAP_SERVER_WORKER_FASTPATH_H

#include "server/worker.h"
#include "daemon/stats.h"

#define GUARD_SIEVE_STATS (SIEVE_COUNTS + 2)

/*
 * One memory of replays for the gate and the sieve: before the sieve is
 * to accept anything it knows all that the gate knows; from then on what
 * the gate accepts is told it first, and what it accepts is read as soon
 * as there is time.  store.h's `ahead` is set for as long.
 *
 * In the monitor, once the firewall's rules stand, and for as long as
 * they do; where the sieve can't be, it is off and the log says why.
 */
void guard_sieve_open(struct guard *g);
/*
 * Accept nothing ahead of the gate, until the next tick: before the rules are
 * replaced, since those that come may not let pass what is accepted.
 */
void guard_sieve_pause(struct guard *g);
/* Another configuration; after a pause. */
void guard_sieve_change(struct guard *g);
void guard_sieve_close(struct guard *g);
/* Every second or so; see sieve_tick(). */
void guard_sieve_tick(struct guard *g);

/* The gate has begun anew, with no worker at work. */
void guard_sieve_remember(struct guard *g);

/* The SYNs of a record, FRAME_MAX at the most; returns how many. */
size_t guard_sieve_syns(const struct sieve_record *r, struct packet *syns);
/*
 * In the worker: the next record as SYNs, FRAME_MAX at the most.  Returns
 * how many; if they are a group that was accepted, accepted tells of it,
 * else its count is 0.  It stays the next until it is taken.
 */
size_t guard_sieve_take(struct guard *g, struct packet *syns,
			struct gate_accepted *accepted);
void guard_sieve_taken(struct guard *g);
/* Wrong guesses that the sieve saw. */
void guard_sieve_charge(struct guard *g, const struct gate_now *now);

/* Write up to GUARD_SIEVE_STATS items; returns how many. */
size_t guard_sieve_stats(struct guard *g, struct stat_item *items);

#endif
