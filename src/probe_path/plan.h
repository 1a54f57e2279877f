/*
 * A trial's plan as text, for the far side and for files: what was sent,
 * as hexadecimal packets, and what the near side heard.  A line each, in
 * this order (tap-probe-path(8) has an example):
 *
 *   tap path plan 1
 *   near ADDRESS
 *   far ADDRESS
 *   port NUMBER
 *   rounds NUMBER
 *   probe field NAME ROUND PACKET
 *   probe frame ROLE FRAMES GROUP ROUND PACKET
 *   probe connection PACKET
 *   heard NANOSECONDS PACKET
 *   end
 */
#ifndef TAP_PROBE_PATH_PLAN_H
#define TAP_PROBE_PATH_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "probe_path/trial.h"

/* Of all probes, and all that may be heard of them. */
#define PATH_PLAN_MAX (4u << 20)

/* Write a plan, with or without what was heard. */
void path_plan_write(struct text *t, const struct trial *trial,
		     bool with_heard);

/*
 * Read one into a trial that has the caller's memory for probes and
 * heard packets.  0, or the number of the line that is wrong, with the
 * reason in why (WHY_MAX).
 */
unsigned path_plan_read(struct trial *trial, const char *bytes, size_t len,
			char *why);

#endif
