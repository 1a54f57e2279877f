/*
 * The guard's part of the sieve: opened, changed, and read.
 */
#ifndef TAP_GUARD_SIEVE_H
#define TAP_GUARD_SIEVE_H

#include "guard.h"
#include "stat.h"

#define GUARD_SIEVE_STATS (SIEVE_COUNTS + 2)

/*
 * In the monitor, once the firewall's rules stand, and for as long as
 * they do; where the sieve can't be, it is off and the log says why.
 */
void guard_sieve_open(struct guard *g);
void guard_sieve_change(struct guard *g);
void guard_sieve_close(struct guard *g);
/* Every second or so; see sieve_tick(). */
void guard_sieve_tick(struct guard *g);

/* In the worker: the next record as `count` SYNs, FRAME_MAX at the most. */
size_t guard_sieve_take(struct guard *g, struct packet *syns);
/* Wrong guesses that the sieve saw. */
void guard_sieve_charge(struct guard *g, const struct gate_now *now);

/* Write up to GUARD_SIEVE_STATS items; returns how many. */
size_t guard_sieve_stats(struct guard *g, struct stat_item *items);

#endif
