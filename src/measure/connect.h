/*
 * Connections that are only begun, to see what becomes of them.
 */
#ifndef TAP_MEASURE_CONNECT_H
#define TAP_MEASURE_CONNECT_H

#include <stdint.h>

#include "protocol/packet.h"

#define DIAL_WAITING (-1) /* not decided yet */

struct dial {
	int fd; /* writable when it is decided */
	uint16_t sport;
	int error; /* errno of how it ended, 0: connected; or waiting */
};

/* Begin; device: an index, for link-local addresses, or 0.  0 or -errno. */
int dial_begin(struct dial *dial, const struct packet_addr *addr,
	       uint32_t device, uint16_t port);
/* Look how it is; sets error. */
void dial_look(struct dial *dial);
/* End it at once, with a reset where it is connected. */
void dial_end(struct dial *dial);

#endif
