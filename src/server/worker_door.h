/*
 * The worker's part of the door: put up, changed, told who was accepted, and
 * taken away.
 */
#ifndef TAP_SERVER_WORKER_DOOR_H
#define TAP_SERVER_WORKER_DOOR_H

#include "daemon/stats.h"
#include "server/worker.h"

#define WORKER_DOOR_STATS 8u

/*
 * In the monitor, before rules are installed that may count on it; the log
 * says what it is like.
 */
void worker_door_open(struct worker *g);
/*
 * Make what another configuration needs: 0 or -errno.  When that stands, put it
 * in the place of the old one; or throw it away.
 */
int worker_door_prepare(struct worker *g, const struct server_conf *conf);
void worker_door_commit(struct worker *g);
void worker_door_abandon(struct worker *g);
/*
 * Strangers are let go on to a closed port only where the door has no listener
 * for them: without it, rules with hide=closed become hide=filtered.  Returns
 * how they look, for the status.
 */
const char *worker_door_choose(const struct worker *g,
			       struct server_conf *conf);
/* It is to stay now; whether it is pinned. */
bool worker_door_confirm(struct worker *g);
/* Every second or so. */
void worker_door_tick(struct worker *g);
/* Nothing is to be hidden any more. */
void worker_door_remove(struct worker *g);
/* The start has failed: what this run put up goes, and that alone. */
void worker_door_undo(struct worker *g);

/*
 * What the receiver has just said of a packet: who was accepted is told to the
 * door, before verdicts are sent.  Where it can't be told, nobody is accepted.
 */
void worker_door_admit(struct worker *g, const struct receiver_packet *in,
		       struct receiver_result *result);

/* Write up to WORKER_DOOR_STATS items; returns how many. */
size_t worker_door_stats(struct worker *g, struct stat_item *items);

#endif
