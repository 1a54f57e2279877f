/*
 * The worker's part of the ingress program: opened, changed, and read.
 */
#ifndef TAP_SERVER_WORKER_FASTPATH_H
#define TAP_SERVER_WORKER_FASTPATH_H

#include "fastpath/ingress_groups.h"
#include "server/worker.h"
#include "daemon/stats.h"

/*
 * One memory of replays for the receiver and the ingress program: before the
 * ingress program is to accept anything it knows all that the receiver knows;
 * from then on what the receiver accepts is told it first, and what it accepts
 * is read as soon as there is time.  replay_file.h's `ahead` is set for as
 * long.
 *
 * In the monitor, before the first worker; where the ingress program can't
 * be, it is off and the log says why.
 */
void worker_fastpath_open(struct worker *g);
/*
 * Accept nothing ahead of the receiver until the next tick. Called before the
 * rules are replaced, since the new ones may not pass what the program accepts.
 */
void worker_fastpath_pause(struct worker *g);
/* A worker that crashed may have left the program's maps in any state. */
void worker_fastpath_recover(struct worker *g);
/* Another configuration; after a pause, with no worker at work. */
void worker_fastpath_change(struct worker *g);
/*
 * After a pause, with no worker at work; settled: the last one has read all
 * that the program told.
 */
void worker_fastpath_close(struct worker *g, bool settled);
/*
 * Every second or so, once a worker works and the firewall's rules stand;
 * see ingress_tick().
 */
void worker_fastpath_tick(struct worker *g);
/* At the start: tick until it is as it is to stay, but not for long. */
void worker_fastpath_await(struct worker *g, struct monitor *m);

/*
 * In the worker, which has begun: one memory, and the groups to go on with,
 * for take(), which gets the worker.
 */
void worker_fastpath_remember(struct worker *g);
void worker_fastpath_inherit(struct worker *g, ingress_groups_take *take);

/* Whether those of a record go through this host. */
bool worker_fastpath_forwarded(const struct ingress_record *r);
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

void worker_fastpath_stats(struct worker *g, struct stats *s);

#endif
