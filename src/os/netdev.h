/*
 * The network devices of this host, and its addresses (rtnetlink(7)).
 */
#ifndef TAP_OS_NETDEV_H
#define TAP_OS_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "os/netlink.h"
#include "protocol/packet.h"

struct device {
	uint32_t index;
	char name[IF_NAMESIZE];
	bool up;
	bool ethernet;   /* frames begin as those of Ethernet; no loopback */
	bool bare;       /* they begin with IP: tun, WireGuard, ppp, a tunnel */
	bool enslaved;   /* to a bridge, a bond, ... */
	uint32_t master; /* its index; or 0 */
	bool stacked;    /* Ethernet on another device of this host: a VLAN */
	bool bridge;     /* others are its parts */
	bool vrf;        /* none that packets go through, but a routing table */
};

/* Open a socket that is readable when one of them changed.  Or -errno. */
int devices_watch(struct netlink *nl);
/* Take note of that.  Whether there was any change. */
bool devices_changed(struct netlink *nl);

/* Call take for each; it returns 0 to go on.  0 or -errno. */
int devices_each(int (*take)(void *context, const struct device *device),
		 void *context);
/* Likewise for each address, and the index of its device. */
int devices_each_address(int (*take)(void *context, uint32_t device,
				     const struct packet_addr *addr),
			 void *context);

#endif
