/*
 * A scan: all probes of a table, sent at a bounded rate, repeated as
 * nmap repeats them, until each has a state; or a number of samples of
 * each, in random order, to compare ports by.
 */
#ifndef TAP_SCAN_CHECK_SCAN_H
#define TAP_SCAN_CHECK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scan_check/results.h"
#include "scan_check/distinguish.h"
#include "scan_check/io.h"

#define SCAN_RATE 200u /* packets a second, unless told otherwise */
#define SCAN_RATE_MAX 100000u

struct scan_options {
	unsigned rate;        /* packets a second, or a bound on them */
	bool adapts;          /* as fast as the hosts bear; not with samples */
	unsigned samples;     /* 0: none; only states are looked for */
	uint32_t timeout_min; /* ms, to wait for an answer */
	struct scan_io_options io;
	void (*progress)(void *context, size_t done, size_t total);
	void *context;
};

struct scan_summary {
	unsigned lost;   /* packets that came too fast to be captured */
	unsigned unsent; /* probes that the kernel refused to send */
	int unsent_errno;
};

/*
 * Fill in a table's states, and samples: options->samples for each of
 * its places.  0, or -errno with the reason in why (WHY_MAX).
 */
int scan_run(struct findings *findings, struct distinguish_sample *samples,
	     const struct scan_options *options, struct scan_summary *summary,
	     char *why);

#endif
