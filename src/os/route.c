#include "os/route.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int
route_open(struct netlink *nl)
{
	return netlink_open(nl, NETLINK_ROUTE);
}

int
route_watch(struct netlink *nl)
{
	static const int groups[] = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };

	return netlink_watch(nl, NETLINK_ROUTE, groups,
			     sizeof groups / sizeof groups[0]);
}

/* Types of routes that refuse or drop packets. */
static bool
is_barrier(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE ||
		type == RTN_PROHIBIT || type == RTN_THROW;
}

static int
take(void *context, const struct netlink_reply *reply)
{
	struct netlink_attr attrs[RTA_MAX + 1];
	struct route *route = context;
	struct rtmsg found;
	size_t addr_len;

	if (reply->type != RTM_NEWROUTE || reply->len < sizeof found) {
		return 0;
	}
	memcpy(&found, reply->payload, sizeof found);
	if (netlink_attrs(reply->payload, reply->len, sizeof found, attrs,
			  RTA_MAX) < 0) {
		return -EBADMSG;
	}
	if (is_barrier(found.rtm_type)) {
		return -ENETUNREACH;
	}
	addr_len = found.rtm_family == AF_INET ? 4 : 16;
	if (attrs[RTA_PREFSRC].len != addr_len || attrs[RTA_OIF].len != 4) {
		return -EADDRNOTAVAIL;
	}
	route->src.family = found.rtm_family == AF_INET ? 4 : 6;
	memcpy(route->src.bytes, attrs[RTA_PREFSRC].payload, addr_len);
	memcpy(&route->device, attrs[RTA_OIF].payload, 4);
	return 0;
}

int
route_find(struct netlink *nl, const struct packet_addr *dst, uint32_t device,
	   struct route *route)
{
	bool v4 = dst->family == 4;
	uint8_t addr_len = v4 ? 4 : 16;
	struct rtmsg request = {
		.rtm_family = v4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (uint8_t)(addr_len * 8),
	};
	NETLINK_MSG(msg, 64);
	int rc;

	memset(route, 0, sizeof *route);
	netlink_begin(&msg, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_ACK, nl->seq++);
	netlink_header(&msg, &request, sizeof request);
	netlink_put(&msg, RTA_DST, dst->bytes, addr_len);
	if (device) {
		netlink_put(&msg, RTA_OIF, &device, sizeof device);
	}
	rc = netlink_call(nl, &msg, take, route);
	if (rc == 0 && route->src.family == 0) {
		rc = -ENETUNREACH;
	}
	return rc;
}
