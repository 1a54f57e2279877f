#include "os/netdev.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The attributes that matter; later ones are passed over. */
#define LINK_ATTRS IFLA_LINK_NETNSID

struct asked {
	int (*device)(void *context, const struct device *device);
	int (*address)(void *context, uint32_t device,
		       const struct packet_addr *addr);
	void *context;
};

int
devices_watch(struct netlink *nl)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV6_IFADDR };

	return netlink_watch(nl, NETLINK_ROUTE, groups,
			     sizeof groups / sizeof groups[0]);
}

bool
devices_changed(struct netlink *nl)
{
	return netlink_drain(nl->fd);
}

static bool
number(const struct netlink_attr *attr, uint32_t *value)
{
	if (attr->len != sizeof *value) {
		return false;
	}
	memcpy(value, attr->payload, sizeof *value);
	return true;
}

static bool
is_kind(const struct netlink_attr *info, const char *kind)
{
	struct netlink_attr attrs[IFLA_INFO_KIND + 1];
	size_t len = strlen(kind);

	if (!info->payload ||
	    netlink_attrs(info->payload, info->len, 0, attrs, IFLA_INFO_KIND) <
		    0) {
		return false;
	}
	return attrs[IFLA_INFO_KIND].len >= len &&
		memcmp(attrs[IFLA_INFO_KIND].payload, kind, len) == 0;
}

/*
 * What has no header of its own to a program at the device, as the kernel has
 * it (dev_is_mac_header_xmit()); but for GRE, which may have one.
 */
static bool
is_bare(unsigned type)
{
	return type == ARPHRD_NONE || type == ARPHRD_PPP ||
		type == ARPHRD_RAWIP || type == ARPHRD_TUNNEL ||
		type == ARPHRD_TUNNEL6 || type == ARPHRD_SIT;
}

static int
take_link(void *context, const struct netlink_reply *reply)
{
	const struct asked *asked = context;
	struct netlink_attr attrs[LINK_ATTRS + 1];
	struct device device = { 0 };
	struct ifinfomsg header;
	uint32_t other = 0;

	if (reply->type != RTM_NEWLINK || reply->len < sizeof header ||
	    netlink_attrs(reply->payload, reply->len, sizeof header, attrs,
			  LINK_ATTRS) < 0) {
		return 0;
	}
	memcpy(&header, reply->payload, sizeof header);
	device.index = (uint32_t)header.ifi_index;
	device.up = header.ifi_flags & IFF_UP;
	device.ethernet = header.ifi_type == ARPHRD_ETHER;
	device.bare = is_bare(header.ifi_type);
	if (number(&attrs[IFLA_MASTER], &other)) {
		device.master = other;
	}
	device.enslaved = device.master != 0;
	/* The other end of a veth is not below it. */
	device.stacked = device.ethernet && number(&attrs[IFLA_LINK], &other) &&
		other != 0 && !attrs[IFLA_LINK_NETNSID].payload &&
		!is_kind(&attrs[IFLA_LINKINFO], "veth");
	device.bridge = is_kind(&attrs[IFLA_LINKINFO], "bridge");
	device.vrf = is_kind(&attrs[IFLA_LINKINFO], "vrf");
	if (attrs[IFLA_IFNAME].payload) {
		snprintf(device.name, sizeof device.name, "%.*s",
			 (int)attrs[IFLA_IFNAME].len,
			 (const char *)attrs[IFLA_IFNAME].payload);
	}
	return asked->device(asked->context, &device);
}

static int
take_address(void *context, const struct netlink_reply *reply)
{
	const struct asked *asked = context;
	struct netlink_attr attrs[IFA_LOCAL + 1];
	const struct netlink_attr *found;
	struct packet_addr addr = { 0 };
	struct ifaddrmsg header;

	if (reply->type != RTM_NEWADDR || reply->len < sizeof header ||
	    netlink_attrs(reply->payload, reply->len, sizeof header, attrs,
			  IFA_LOCAL) < 0) {
		return 0;
	}
	memcpy(&header, reply->payload, sizeof header);
	/* Of a point-to-point link, IFA_ADDRESS is the other end's. */
	found = &attrs[attrs[IFA_LOCAL].payload ? IFA_LOCAL : IFA_ADDRESS];
	if (header.ifa_family == AF_INET && found->len == 4) {
		addr.family = 4;
	} else if (header.ifa_family == AF_INET6 && found->len == 16) {
		addr.family = 6;
	} else {
		return 0;
	}
	memcpy(addr.bytes, found->payload, found->len);
	return asked->address(asked->context, header.ifa_index, &addr);
}

static int
dump(uint16_t type, int (*take)(void *, const struct netlink_reply *),
     struct asked *asked)
{
	const struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	NETLINK_MSG(msg, 16);
	struct netlink nl;
	int rc = netlink_open(&nl, NETLINK_ROUTE);

	if (rc < 0) {
		return rc;
	}
	netlink_begin(&msg, type, NLM_F_REQUEST | NLM_F_DUMP, nl.seq++);
	netlink_header(&msg, &header, sizeof header);
	rc = netlink_call(&nl, &msg, take, asked);
	netlink_close(&nl);
	return rc;
}

int
devices_each(int (*take)(void *, const struct device *), void *context)
{
	struct asked asked = { .device = take, .context = context };

	return dump(RTM_GETLINK, take_link, &asked);
}

int
devices_each_address(int (*take)(void *, uint32_t, const struct packet_addr *),
		     void *context)
{
	struct asked asked = { .address = take, .context = context };

	return dump(RTM_GETADDR, take_address, &asked);
}
