/*
 * Names of network devices by their index.  Devices come, go and are
 * renamed: the kernel is asked anew after each change.
 */
#ifndef TAP_OS_IFNAME_H
#define TAP_OS_IFNAME_H

#include <net/if.h>
#include <stdint.h>

#include "os/netlink.h"

#define LINKS_CACHED 64u /* by the low bits of the index */

struct links {
	struct netlink nl; /* readable when something has changed */
	int query;	   /* a socket to ask by */
	struct {
		uint32_t index;
		char name[IF_NAMESIZE];
	} cache[LINKS_CACHED];
};

/* 0 or -errno. */
int links_open(struct links *links);
void links_close(struct links *links);
/* Take note of changes; call when links->nl.fd is readable. */
void links_update(struct links *links);
/* The device's name, until the next call; NULL where there is none. */
const char *links_name(struct links *links, uint32_t index);

#endif
