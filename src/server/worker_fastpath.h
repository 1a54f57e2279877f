/*
 * The worker's part of the ingress program: opened, changed, and read.
 */
#ifndef TAP_SERVER_WORKER_FASTPATH_H
#define TAP_SERVER_WORKER_FASTPATH_H

#include "server/worker.h"
#include "daemon/stats.h"

#define WORKER_FASTPATH_STATS (INGRESS_COUNTS + 2)

/*
 * One memory of replays for the receiver and the ingress program: before the
 * ingress program is to accept anything it knows all that the receiver knows;
 * from then on what the receiver accepts is told it first, and what it accepts
 * is read as soon as there is time.  store.h's `ahead` is set for as long.
 *
 * In the monitor, once the firewall's rules stand, and for as long as
 * they do; where the ingress program can't be, it is off and the log says why.
 */
void worker_fastpath_open(struct worker *g);
/*
 * Accept nothing ahead of the receiver, until the next tick: before the rules
 * are replaced, since those that come may not let pass what is accepted.
 */
void worker_fastpath_pause(struct worker *g);
/* Another configuration; after a pause. */
void worker_fastpath_change(struct worker *g);
void worker_fastpath_close(struct worker *g);
/* Every second or so; see ingress_tick(). */
void worker_fastpath_tick(struct worker *g);

/* The receiver has begun anew, with no worker at work. */
void worker_fastpath_remember(struct worker *g);

/* The SYNs of a record, FRAME_MAX at the most; returns how many. */
size_t worker_fastpath_syns(const struct ingress_record *r,
			    struct packet *syns);
/*
 * In the worker: the next record as SYNs, FRAME_MAX at the most.  Returns
 * how many; if they are a group that was accepted, accepted tells of it,
 * else its count is 0.  It stays the next until it is taken.
 */
size_t worker_fastpath_take(struct worker *g, struct packet *syns,
			    struct receiver_accepted *accepted);
void worker_fastpath_taken(struct worker *g);
/* Wrong guesses that the ingress program saw. */
void worker_fastpath_charge(struct worker *g, const struct receiver_now *now);

/* Write up to WORKER_FASTPATH_STATS items; returns how many. */
size_t worker_fastpath_stats(struct worker *g, struct stat_item *items);

#endif
