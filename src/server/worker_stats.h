/*
 * What there is to say of a worker: the numbers of --status.
 */
#ifndef TAP_SERVER_WORKER_STATS_H
#define TAP_SERVER_WORKER_STATS_H

#include "server/worker.h"
#include "daemon/prometheus.h"
#include "daemon/stats.h"

#define WORKER_STATS (19u + VERIFY_ACCEPTED) /* and the reasons to refuse */

/* Packets that the kernel dropped before the worker saw them. */
uint64_t worker_drops(const struct worker *g);
/*
 * What there is to say of it: WORKER_STATS items.  Returns their
 * number.
 */
size_t worker_stats(struct worker *g, struct stat_item *items);
/* In the worker: a connection was let in. */
void worker_stats_accept(struct worker *g, const struct receiver_event *e);
/* The same of each key of the configuration, as metrics. */
void worker_stats_keys(const struct worker *g, const struct metrics *m);

#endif
