/*
 * The far side of a trial: it waits for near sides, captures what comes
 * of their plans, and tells them.  It sends nothing but on connections
 * that were made to it.
 */
#ifndef TAP_PROBE_PATH_FAR_SIDE_H
#define TAP_PROBE_PATH_FAR_SIDE_H

#include <stdint.h>

#include "conf/keyfile.h"

struct path_far_options {
	const char *device; /* or NULL: all */
	uint16_t port;
	const struct key_file *keys; /* who may use it; or NULL: all */
	const char *write;           /* a file for packets, or NULL */
};

/*
 * Serve until SIGINT or SIGTERM.  0, or -errno with the reason in why
 * (WHY_MAX).
 */
int path_far_run(const struct path_far_options *options, char *why);

#endif
