#include "measure/captures.h"

#include "base/why.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
captures_routes(struct route **routes, const struct target_addr *targets,
		size_t count, char *why)
{
	struct netlink nl;
	int rc;

	*routes = calloc(count, sizeof **routes);
	rc = *routes ? route_open(&nl) : -ENOMEM;
	if (rc < 0) {
		return why_errno(why, rc, "route");
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = route_find(&nl, &targets[i].addr, targets[i].device,
				&(*routes)[i]);
		if (rc < 0) {
			why_errno(why, rc, targets[i].text);
		}
	}
	netlink_close(&nl);
	return rc;
}

int
captures_add(struct captures *c, uint32_t device, const char *filter, char *why)
{
	char name[IF_NAMESIZE];
	int rc;

	for (size_t i = 0; i < c->count; i++) {
		if (c->devices[i] == device) {
			return 0;
		}
	}
	if (c->count == CAPTURES_MAX || !if_indextoname(device, name)) {
		return why_errno(why, -ENODEV, "capture");
	}
	rc = cap_open(&c->caps[c->count], name, filter, why);
	if (rc == 0) {
		c->devices[c->count++] = device;
	}
	return rc;
}

void
captures_close(struct captures *c)
{
	for (size_t i = 0; i < c->count; i++) {
		cap_close(&c->caps[i]);
	}
	c->count = 0;
}

int
captures_next(struct captures *c, struct cap_packet *packet)
{
	int rc = 0;

	for (; c->at < c->count; c->at++) {
		rc = cap_next(&c->caps[c->at], packet);
		if (rc == 1) {
			return 1;
		}
		if (rc < 0) {
			break;
		}
	}
	c->at = 0;
	return rc;
}

nfds_t
captures_poll(const struct captures *c, struct pollfd fds[CAPTURES_MAX])
{
	for (size_t i = 0; i < c->count; i++) {
		fds[i] = (struct pollfd){ c->caps[i].fd, POLLIN, 0 };
	}
	return c->count;
}

unsigned
captures_lost(struct captures *c)
{
	unsigned lost = 0;

	for (size_t i = 0; i < c->count; i++) {
		lost += cap_lost(&c->caps[i]);
	}
	return lost;
}
