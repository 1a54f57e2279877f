#include "os/ifname.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int
ifname_open(struct ifnames *links)
{
	const int group = RTNLGRP_LINK;
	int rc;

	memset(links, 0, sizeof *links);
	rc = netlink_watch(&links->nl, NETLINK_ROUTE, &group, 1);
	links->query = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (rc == 0 && links->query < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		ifname_close(links);
	}
	return rc;
}

void
ifname_close(struct ifnames *links)
{
	netlink_close(&links->nl);
	if (links->query >= 0) {
		close(links->query);
	}
	links->query = -1;
}

void
ifname_update(struct ifnames *links)
{
	/*
	 * Any notification, or the loss of one, makes us read the names again.
	 */
	netlink_drain(links->nl.fd);
	memset(links->cache, 0, sizeof links->cache);
}

const char *
ifname_name(struct ifnames *links, uint32_t index)
{
	size_t at = index % IFNAME_CACHED;
	struct ifreq request = { .ifr_ifindex = (int)index };

	if (index == 0) {
		return NULL;
	}
	if (links->cache[at].index != index) {
		links->cache[at].index = 0;
		if (ioctl(links->query, SIOCGIFNAME, &request) < 0) {
			return NULL;
		}
		memcpy(links->cache[at].name, request.ifr_name, IF_NAMESIZE);
		links->cache[at].index = index;
	}
	return links->cache[at].name;
}
