/*
 * A check of what a port scanner sees: the scan, what it is compared
 * with, and the report of both.
 */
#ifndef TAP_SCAN_CHECK_RUN_H
#define TAP_SCAN_CHECK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scan_check/results.h"
#include "scan_check/distinguish.h"
#include "scan_check/pattern.h"
#include "measure/progress.h"
#include "scan_check/report.h"
#include "scan_check/scan.h"

struct check {
	/* The caller's: what is wanted. */
	const char *host; /* as the user named it */
	struct target_addr *targets;
	uint16_t *ports;
	uint8_t *expected;
	struct findings findings; /* with these three, and the scans */
	bool has_expected;
	uint16_t reference;    /* one of ports to compare with, or 0 */
	unsigned samples_each; /* of it and of each other port */
	unsigned rate;
	bool has_rate;        /* it was asked for */
	bool polite;          /* at that rate, whatever the hosts bear */
	bool nmap;            /* run it */
	const char *nmap_xml; /* or read this */
	const char *before;   /* a result to compare with, or NULL */
	const char *write;    /* a file for packets, or NULL */
	bool as_client, json;
	bool patterns[PATTERN_KINDS]; /* to compare by, too */

	/* Its own. */
	struct distinguish_sample *samples, *pattern_samples;
	struct report report;
	struct report_leak *leaks;
	struct progress progress;
};

/* Scan, compare, and print.  An exit status. */
int check_run(struct check *c);

/* One line on standard error; returns TAP_USAGE. */
int check_complain(const char *object, const char *why);

#endif
