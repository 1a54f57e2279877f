/*
 * How the kernel would send to an address (rtnetlink(7), RTM_GETROUTE).
 */
#ifndef TAP_OS_ROUTE_H
#define TAP_OS_ROUTE_H

#include <stdint.h>

#include "os/netlink.h"
#include "protocol/packet.h"

struct route {
	struct packet_addr src; /* what it would send from */
	uint32_t device;        /* index */
};

/* 0 or -errno. */
int route_open(struct netlink *nl);
/*
 * A socket that is readable when a route or an address of this host changed
 * (netlink_drain()).  0 or -errno.
 */
int route_watch(struct netlink *nl);

/*
 * The way to dst, through a device where one is given (an index, or 0).
 * 0; -ENETUNREACH and the like: there is none; or another -errno.
 */
int route_find(struct netlink *nl, const struct packet_addr *dst,
	       uint32_t device, struct route *route);

#endif
