/*
 * What link address a neighbour has (rtnetlink(7), RTM_GETNEIGH).
 */
#ifndef TAP_OS_NEIGHBOUR_H
#define TAP_OS_NEIGHBOUR_H

#include <stddef.h>
#include <stdint.h>

#include "os/netlink.h"
#include "protocol/packet.h"

#define NEIGHBOUR_MAX 8u /* bytes: what struct sockaddr_ll has room for */

struct neighbour {
	uint8_t bytes[NEIGHBOUR_MAX];
	size_t len;
};

/*
 * Who has an address at a device, by a socket of route_open().  0; -ENOENT
 * where the kernel has not heard of it, or not lately; or another -errno, as
 * of Linux before 5.0, which cannot be asked.
 */
int neighbour_find(struct netlink *nl, const struct packet_addr *addr,
		   uint32_t device, struct neighbour *neighbour);

#endif
