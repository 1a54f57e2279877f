/*
 * What is known of a path, as a table for a person (in the form of the
 * papers': 000, table 1), as columns for a script, and as JSON;
 * tap-probe-path(8) has the meaning of every column and name.
 */
#ifndef TAP_PROBE_PATH_REPORT_H
#define TAP_PROBE_PATH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/table.h"
#include "probe_path/verdict.h"
#include "probe_path/hops.h"
#include "probe_path/trial.h"

/* One address of a host, and what was found. */
struct path_result {
	char address[64];
	const struct trial *trial;
	const struct path *path;
	const struct path_trail *trail; /* not traced: traced is false */
	const char *trouble;            /* why there is no far side, or "" */
	bool no_key_wanted; /* by the far side, though one was given */
	unsigned unsent;    /* probes that the kernel refused to send */
};

/* Before the first result, between two, and after the last. */
void path_report_begin(FILE *out, enum report_form form, const char *host,
		       uint16_t port);
void path_report_next(FILE *out, enum report_form form);
void path_report_end(FILE *out, enum report_form form,
		     enum path_verdict verdict);
void path_report_write(FILE *out, enum report_form form,
		       const struct path_result *r);

/* The worst of two, for all addresses of a host. */
enum path_verdict path_report_worse(enum path_verdict a, enum path_verdict b);

#endif
