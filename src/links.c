#include "links.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int
links_open(struct links *links)
{
	int group = RTNLGRP_LINK;
	int rc;

	memset(links, 0, sizeof *links);
	rc = netlink_open(&links->nl, NETLINK_ROUTE);
	if (rc == 0 && setsockopt(links->nl.fd, SOL_NETLINK,
				  NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof group) < 0) {
		rc = -errno;
		links_close(links);
	}
	return rc;
}

void
links_close(struct links *links)
{
	netlink_close(&links->nl);
}

void
links_update(struct links *links)
{
	uint8_t ignored[4096];

	/* What changed does not matter, nor whether some of it was lost. */
	while (recv(links->nl.fd, ignored, sizeof ignored, MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS) {
	}
	memset(links->cache, 0, sizeof links->cache);
}

const char *
links_name(struct links *links, uint32_t index)
{
	size_t at = index % LINKS_CACHED;

	if (index == 0) {
		return NULL;
	}
	if (links->cache[at].index != index) {
		if (!if_indextoname(index, links->cache[at].name)) {
			links->cache[at].index = 0;
			return NULL;
		}
		links->cache[at].index = index;
	}
	return links->cache[at].name;
}
