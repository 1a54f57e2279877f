/*
 * The worker's part of the door: put up, changed, told who was accepted, and
 * taken away.
 */
#ifndef TAP_SERVER_WORKER_DOOR_H
#define TAP_SERVER_WORKER_DOOR_H

#include "daemon/stats.h"
#include "server/worker.h"

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
int worker_door_commit(struct worker *g);
void worker_door_abandon(struct worker *g);
/*
 * Whether no stranger finds a listener of a port that it covers.  From then on
 * the worker counts on it as far as that is so.
 */
bool worker_door_trust(struct worker *g);
/* The same of the configuration that is prepared: without a look at others. */
bool worker_door_will_do(const struct worker *g);
/* It is to stay now; whether it is pinned. */
bool worker_door_confirm(struct worker *g);
/* Every second or so: it is put back, where somebody took it. */
void worker_door_tick(struct worker *g);
/*
 * Rules are installed that do without it: what an earlier server has pinned,
 * and this one has not taken over, is taken away.
 */
void worker_door_settle(const struct worker *g);
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

void worker_door_stats(struct worker *g, struct stats *s);

#endif
