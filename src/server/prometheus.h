/*
 * Numbers for Prometheus: its text format, in a file that node_exporter's
 * textfile collector reads.
 */
#ifndef TAP_SERVER_PROMETHEUS_H
#define TAP_SERVER_PROMETHEUS_H

#include <stddef.h>

#include "daemon/stats.h"

#define METRICS_EVERY_MS 5000u

/*
 * Write the items that are numbers to a file, which changes as a whole
 * or not at all.  prefix is "tap_server".  0 or -errno.
 */
int metrics_write(const char *path, const char *prefix,
		  const struct stat_item *items, size_t count);

#endif
