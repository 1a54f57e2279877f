/*
 * What netfilter's client has for its escort: raw sockets, the names of
 * devices, and the monitor, which knows programs.
 */
#ifndef TAP_CLIENT_BACKEND_NETFILTER_H
#define TAP_CLIENT_BACKEND_NETFILTER_H

#include "client/outbound.h"
#include "os/ifname.h"
#include "client/socket_owner.h"
#include "os/rawsock.h"

struct carrier {
	struct rawsock raw;
	struct links links; /* updated by the caller */
	int to_monitor;	    /* for monitor_ask() */
	char program[OWNER_PATH_MAX];
};

/* Nothing is open yet. */
void carrier_init(struct carrier *c);
/* Open all, and let the escort work with it.  0 or -errno. */
int carrier_open(struct carrier *c, struct escort *escort);
void carrier_close(struct carrier *c);

#endif
