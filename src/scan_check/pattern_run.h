/*
 * Samples of patterns: each port's and the reference's, round by round in
 * random order, at a bounded rate; answers are taken as they come.
 */
#ifndef TAP_SCAN_CHECK_PATTERN_RUN_H
#define TAP_SCAN_CHECK_PATTERN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/captures.h"
#include "scan_check/pattern.h"
#include "scan_check/results.h"

struct pattern_options {
	bool wanted[PATTERN_KINDS];
	size_t reference; /* its place among the ports */
	unsigned rate;    /* packets a second */
	unsigned samples; /* of each pattern, at each port */
	void (*progress)(void *context, size_t done, size_t total);
	void *context;
};

/* Where the samples of a pattern at a port begin, in samples. */
size_t pattern_at(const struct findings *f, size_t target, size_t port,
		  enum pattern pattern, unsigned samples);

/*
 * Fill in samples: options->samples for each target, port and pattern of
 * all, of which only those wanted are used.  0, or -errno with the reason
 * in why (WHY_MAX).
 */
int pattern_run(const struct findings *f, struct distinguish_sample *samples,
		const struct pattern_options *options, char *why);

#endif
