/*
 * Raw sockets: IP packets out, as they are.
 */
#ifndef TAP_OS_RAWSOCK_H
#define TAP_OS_RAWSOCK_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define RAWSOCK_BATCH 8u /* packets sent at once; a group has six */

struct rawsock {
	int fd4, fd6; /* fd6 is -1 where the host has no IPv6 */
	uint32_t mark;
};

/* 0 or -errno. */
int rawsock_open(struct rawsock *raw);
void rawsock_close(struct rawsock *raw);

/*
 * Send packets of one flow, in order: from src to dst through a device
 * (an index, or 0), with a firewall mark.  0, or -errno; then some may
 * have been sent.
 */
int rawsock_send(struct rawsock *raw, const struct packet_addr *src,
		 const struct packet_addr *dst, uint32_t device, uint32_t mark,
		 const struct packet_view *packets, size_t count);

#endif
