/*
 * Names of network devices by their index.  Devices come, go and are
 * renamed: the kernel is asked anew after each change.
 */
#ifndef TAP_OS_IFNAME_H
#define TAP_OS_IFNAME_H

#include <net/if.h>
#include <stdint.h>

#include "os/netlink.h"

#define IFNAME_CACHED 64u /* by the low bits of the index */

struct ifnames {
	struct netlink nl; /* readable when something has changed */
	int query;         /* a socket to ask by */
	struct {
		uint32_t index;
		char name[IF_NAMESIZE];
	} cache[IFNAME_CACHED];
};

/* 0 or -errno. */
int ifname_open(struct ifnames *links);
void ifname_close(struct ifnames *links);
/* Take note of changes; call when links->nl.fd is readable. */
void ifname_update(struct ifnames *links);
/* The device's name, until the next call; NULL where there is none. */
const char *ifname_name(struct ifnames *links, uint32_t index);

#endif
