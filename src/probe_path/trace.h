/*
 * Trace a path as tracebox does: SYNs whose time to live ends on the way.
 */
#ifndef TAP_PROBE_PATH_TRACE_H
#define TAP_PROBE_PATH_TRACE_H

#include "probe_path/near_side.h"
#include "probe_path/hops.h"

/*
 * Fill in a trail, up to so many hops where they are known (or 0), by a
 * near side whose trial is over.  0, or -errno with the reason in why
 * (WHY_MAX).
 */
int path_trace_run(struct path_near *n, struct path_trail *trail, unsigned hops,
		   char *why);

#endif
