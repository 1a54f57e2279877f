/*
 * What an attacker has: groups recorded before, or from the wire now.
 */
#ifndef TAP_REPLAY_TEST_CAPTURE_H
#define TAP_REPLAY_TEST_CAPTURE_H

#include "replay_test/recording.h"

/* Read a file of packets.  0, or -errno with the reason in why. */
int material_read(struct recording *r, const char *path, char *why);

/*
 * Record from a device until there is a group, and what answers it; for
 * so many seconds at most.  progress is told, now and then, how many are
 * left.  0, or -errno with the reason in why.
 */
int material_record(struct recording *r, const char *device, unsigned seconds,
		    void (*progress)(void *context, unsigned left),
		    void *context, char *why);

#endif
