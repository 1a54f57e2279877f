/*
 * Numbers for Prometheus: its text format, in a file that node_exporter's
 * textfile collector reads.  The file changes as a whole or not at all, and
 * is removed when the daemon ends.
 */
#ifndef TAP_DAEMON_PROMETHEUS_H
#define TAP_DAEMON_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "daemon/stats.h"

#define METRICS_EVERY_MS 5000u

struct metrics {
	const char *path;   /* or NULL: nobody wants any */
	const char *prefix; /* "tap_server" */
	FILE *file;         /* the writer's */
	uint64_t begun_ms;
	pid_t writer; /* a process, since a file system may hang; or 0 */
	int error;    /* of the last time, or 0 */
	bool written; /* there is a file of ours */
};

/*
 * Whether it is time to write again.  What became of the last time is logged,
 * once as long as it stays the same: also that it is not done yet.
 */
bool metrics_due(struct metrics *m, uint64_t ms);
/*
 * Have it done in another process: what is a metric of the stats, and what
 * more() (or NULL) writes to m->file.
 */
typedef void metrics_more(const struct metrics *m, const void *context);
void metrics_start(struct metrics *m, const struct stats *stats,
		   metrics_more *more, const void *context);
/* The daemon ends: nobody is to take its last numbers for new ones. */
void metrics_remove(struct metrics *m);

/* For more(): the head of a metric whose samples follow. */
void metrics_put_head(const struct metrics *m, const char *name,
		      const char *type, const char *help);
/* A label's value, in quotes. */
void metrics_put_value(const struct metrics *m, const char *value);

#endif
