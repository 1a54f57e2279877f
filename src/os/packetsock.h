/*
 * Packet sockets (packet(7)): IP packets put out at a device to a neighbour,
 * behind routing, the firewall and address translation.
 */
#ifndef TAP_OS_PACKETSOCK_H
#define TAP_OS_PACKETSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/neighbour.h"
#include "protocol/packet.h"

/* A socket that receives nothing, or -errno. */
int packetsock_open(void);
/*
 * Whether packets name a neighbour at a device (an index), as those of
 * Ethernet do and those of tunnels don't.  0; -EOPNOTSUPP for loopback, where
 * the kernel wants packets that were routed, and for what else there is; or
 * another -errno.
 */
int packetsock_device(int fd, uint32_t device, bool *has_neighbours);
/*
 * Send packets in order, with a mark for who sorts them at the device; `to`
 * NULL: none is named.  -errno where none was sent; what did not follow the
 * first, TCP sends again.
 */
int packetsock_send(int fd, uint32_t device, const struct neighbour *to,
		    uint32_t mark, const struct packet_view *packets,
		    size_t count);

#endif
