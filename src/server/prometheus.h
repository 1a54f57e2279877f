/*
 * Numbers for Prometheus: its text format, in a file that node_exporter's
 * textfile collector reads.
 */
#ifndef TAP_SERVER_PROMETHEUS_H
#define TAP_SERVER_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/stats.h"

#define METRICS_EVERY_MS 5000u

/* Who writes them: a process, since a file system may be slow, or hang. */
struct metrics {
	uint64_t begun_ms;
	pid_t writer; /* or 0 */
	int error;    /* of the last time, or 0 */
};

/*
 * Whether it is time to write again.  What became of the last time is said
 * in the log, once as long as it goes on: also that it is not done yet.
 */
bool metrics_due(struct metrics *m, const char *path, uint64_t now_ms);
/* Have it done, by metrics_write(). */
void metrics_start(struct metrics *m, const char *path, const char *prefix,
		   const struct stat_item *items, size_t count);

/*
 * Write the items that are numbers to a file, which changes as a whole
 * or not at all.  prefix is "tap_server".  0 or -errno.
 */
int metrics_write(const char *path, const char *prefix,
		  const struct stat_item *items, size_t count);

#endif
