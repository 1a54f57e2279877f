/*
 * How the kernel would send to an address (rtnetlink(7), RTM_GETROUTE).
 */
#ifndef TAP_OS_ROUTE_H
#define TAP_OS_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/netlink.h"
#include "protocol/packet.h"

struct route {
	struct packet_addr src;     /* what it would send from; 0: not said */
	struct packet_addr gateway; /* family 0: dst is on the link */
	uint32_t device;            /* index */
	bool several;               /* of these, as one is only written down */
};

/* What rules of policy routing look at. */
struct route_flow {
	struct packet_addr src, dst; /* src: family 0, where it is to choose */
	uint32_t device;             /* it is to leave by; an index, or 0 */
	uint32_t mark;
	bool has_uid;
	uint32_t uid;
	uint16_t sport, dport; /* of TCP; 0: none */
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

/*
 * The way of one flow: the next hop that its ports choose, or (`written`) the
 * route as it is written down, which may have several.  As route_find().
 */
int route_of_flow(struct netlink *nl, const struct route_flow *flow,
		  bool written, struct route *route);

#endif
