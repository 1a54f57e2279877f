/*
 * Connections begun without waiting, to see what becomes of them.
 */
#ifndef TAP_MEASURE_CONNECT_H
#define TAP_MEASURE_CONNECT_H

#include <stdint.h>

#include "protocol/packet.h"

#define DIAL_WAITING (-1) /* not decided yet */

struct dial {
	int fd; /* writable when it is decided */
	uint16_t sport;
	int error; /* how it ended: an errno, 0 for connected, or DIAL_WAITING
		    */
};

/*
 * Begin to connect. device is an index for link-local addresses, else 0.
 * Returns 0 or -errno.
 */
int dial_begin(struct dial *dial, const struct packet_addr *addr,
	       uint32_t device, uint16_t port);
/* Ask the kernel how it went; sets error. */
void dial_look(struct dial *dial);
/* Have it as an ordinary connection, which blocks: its descriptor. */
int dial_take(struct dial *dial);
/* Close it, by a reset where it is connected. */
void dial_end(struct dial *dial);

#endif
