/*
 * What there is to say of a guard: the numbers of --status.
 */
#ifndef TAP_SERVER_WORKER_STATS_H
#define TAP_SERVER_WORKER_STATS_H

#include "server/worker.h"
#include "daemon/stats.h"

#define GUARD_STATS 40

/* Packets that the kernel dropped before the guard saw them. */
uint64_t guard_drops(const struct guard *g);
/*
 * What there is to say of it: up to GUARD_STATS items.  Returns their
 * number.
 */
size_t guard_stats(struct guard *g, struct stat_item *items);

#endif
