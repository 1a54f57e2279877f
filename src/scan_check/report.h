/*
 * Results of a scan as a person reads them, as a script does, and as
 * JSON; tap-scan-check(8) has the meaning of every column and name.
 */
#ifndef TAP_SCAN_CHECK_REPORT_H
#define TAP_SCAN_CHECK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/table.h"
#include "scan_check/results.h"
#include "scan_check/distinguish.h"

/* What one thing about a port and its reference looks like. */
struct report_leak {
	size_t at;      /* of the port, in the table */
	const char *by; /* a pattern, or "all" scans; NULL: the place's scan */
	struct distinguish leak;
};

struct report {
	const char *host; /* as the user named it */
	const struct findings *findings;
	bool raw; /* else connect scans alone were possible */
	uint64_t
		authenticated; /* SYNs of this host, by tap client, meanwhile */
	bool has_nmap, has_expected, has_before;
	uint16_t reference; /* the port compared with, or 0 */
	unsigned samples;
	const struct report_leak *leaks;
	size_t distinguish_count;
};

void report_write(FILE *out, const struct report *r, enum report_form form);

/* How many places are not as they should be. */
struct report_counts {
	size_t disagree, unexpected, changed, leaks;
};

struct report_counts report_count(const struct report *r);

#endif
