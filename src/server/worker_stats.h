/*
 * What there is to say of a worker: the numbers of --status.
 */
#ifndef TAP_SERVER_WORKER_STATS_H
#define TAP_SERVER_WORKER_STATS_H

#include "server/worker.h"
#include "daemon/stats.h"

#define WORKER_STATS (18u + VERIFY_ACCEPTED) /* and the reasons to refuse */

/* Packets that the kernel dropped before the worker saw them. */
uint64_t worker_drops(const struct worker *g);
/*
 * What there is to say of it: WORKER_STATS items.  Returns their
 * number.
 */
size_t worker_stats(struct worker *g, struct stat_item *items);

#endif
