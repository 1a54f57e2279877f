/*
 * What there is to say of a worker: the numbers of --status.
 */
#ifndef TAP_SERVER_WORKER_STATS_H
#define TAP_SERVER_WORKER_STATS_H

#include "server/worker.h"
#include "daemon/prometheus.h"
#include "daemon/stats.h"

/* Packets that the kernel dropped before the worker saw them. */
uint64_t worker_drops(const struct worker *g);
void worker_stats(struct worker *g, struct stats *s);
/* In the worker: a connection was let in. */
void worker_stats_accept(struct worker *g, const struct receiver_event *e);
/* The same of each key of the worker's configuration, as metrics. */
metrics_more worker_stats_keys;

#endif
