#include "os/route.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
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

/* An address of a family of the kernel's; any other length is none. */
static struct packet_addr
address_of(unsigned family, const uint8_t *bytes, size_t len)
{
	struct packet_addr addr = { 0 };

	if (len == (family == AF_INET ? 4u : 16u)) {
		addr.family = family == AF_INET ? 4 : 6;
		memcpy(addr.bytes, bytes, len);
	}
	return addr;
}

/* A gateway of the other family than the route's has its family before it. */
static struct packet_addr
via(const struct netlink_attr *attr)
{
	uint16_t family;

	if (attr->len < sizeof family) {
		return (struct packet_addr){ 0 };
	}
	memcpy(&family, attr->payload, sizeof family);
	return address_of(family, attr->payload + sizeof family,
			  attr->len - sizeof family);
}

static int
take(void *context, const struct netlink_reply *reply)
{
	struct netlink_attr attrs[RTA_MAX + 1];
	struct route *route = context;
	struct rtmsg found;

	if (reply->type != RTM_NEWROUTE || reply->len < sizeof found ||
	    netlink_attrs(reply->payload, reply->len, sizeof found, attrs,
			  RTA_MAX) < 0) {
		return -EBADMSG;
	}
	memcpy(&found, reply->payload, sizeof found);
	if (is_barrier(found.rtm_type)) {
		return -ENETUNREACH;
	}
	route->src = address_of(found.rtm_family, attrs[RTA_PREFSRC].payload,
				attrs[RTA_PREFSRC].len);
	route->gateway = attrs[RTA_VIA].payload
		? via(&attrs[RTA_VIA])
		: address_of(found.rtm_family, attrs[RTA_GATEWAY].payload,
			     attrs[RTA_GATEWAY].len);
	if (attrs[RTA_OIF].len == sizeof route->device) {
		memcpy(&route->device, attrs[RTA_OIF].payload,
		       sizeof route->device);
	}
	route->several = attrs[RTA_MULTIPATH].payload != NULL;
	return 1;
}

static void
put_ports(struct netlink_msg *msg, const struct route_flow *flow)
{
	if (flow->dport) {
		netlink_put_u8(msg, RTA_IP_PROTO, IPPROTO_TCP);
		netlink_put_be16(msg, RTA_DPORT, flow->dport);
	}
	if (flow->sport) {
		netlink_put_be16(msg, RTA_SPORT, flow->sport);
	}
}

int
route_of_flow(struct netlink *nl, const struct route_flow *flow, bool written,
	      struct route *route)
{
	bool v4 = flow->dst.family == 4;
	uint8_t addr_len = v4 ? 4 : 16;
	struct rtmsg request = {
		.rtm_family = v4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (uint8_t)(addr_len * 8),
		.rtm_src_len = (uint8_t)(flow->src.family ? addr_len * 8 : 0),
		.rtm_flags = written ? RTM_F_FIB_MATCH : 0,
	};
	NETLINK_MSG(msg, 64);
	int rc;

	memset(route, 0, sizeof *route);
	/* One message answers it, or an error: no acknowledgement is read. */
	netlink_begin(&msg, RTM_GETROUTE, NLM_F_REQUEST, nl->seq++);
	netlink_header(&msg, &request, sizeof request);
	netlink_put(&msg, RTA_DST, flow->dst.bytes, addr_len);
	if (flow->src.family) {
		netlink_put(&msg, RTA_SRC, flow->src.bytes, addr_len);
	}
	if (flow->device) {
		netlink_put(&msg, RTA_OIF, &flow->device, sizeof flow->device);
	}
	if (flow->mark) {
		netlink_put(&msg, RTA_MARK, &flow->mark, sizeof flow->mark);
	}
	if (flow->has_uid) {
		netlink_put(&msg, RTA_UID, &flow->uid, sizeof flow->uid);
	}
	put_ports(&msg, flow);
	rc = netlink_call(nl, &msg, take, route);
	return rc == 0 && route->device == 0 && !route->several ? -ENETUNREACH
								: rc;
}

int
route_find(struct netlink *nl, const struct packet_addr *dst, uint32_t device,
	   struct route *route)
{
	const struct route_flow flow = { .dst = *dst, .device = device };
	int rc = route_of_flow(nl, &flow, false, route);

	return rc == 0 && route->src.family == 0 ? -EADDRNOTAVAIL : rc;
}
