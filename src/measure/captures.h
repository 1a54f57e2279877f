/*
 * Captures on all devices that some targets are reached by, read as one.
 */
#ifndef TAP_MEASURE_CAPTURES_H
#define TAP_MEASURE_CAPTURES_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/target_addr.h"
#include "os/pcap.h"
#include "os/route.h"

#define CAPTURES_MAX 8u /* devices */

struct captures {
	struct cap caps[CAPTURES_MAX];
	uint32_t devices[CAPTURES_MAX];
	size_t count;
	size_t at; /* whose turn it is */
};

/*
 * Find the ways to targets: *routes, one for each, is the caller's to
 * free.  0, or -errno with the reason in why (WHY_MAX).
 */
int captures_routes(struct route **routes, const struct target_addr *targets,
		    size_t count, char *why);

/* Capture on a device, too, unless that is done.  0 or -errno, likewise. */
int captures_add(struct captures *c, uint32_t device, const char *filter,
		 char *why);
void captures_close(struct captures *c);

/*
 * The next packet, without waiting: 1, 0 once each device had its turn
 * (see cap_next()), or -errno.
 */
int captures_next(struct captures *c, struct cap_packet *packet);

/* What to poll for.  Returns their number. */
nfds_t captures_poll(const struct captures *c, struct pollfd fds[CAPTURES_MAX]);

/* Packets that came too fast to be seen. */
unsigned captures_lost(struct captures *c);

#endif
