/*
 * What netfilter's client has for its outbound: the way of frames, the names
 * of devices, and the monitor, which knows programs.
 */
#ifndef TAP_CLIENT_BACKEND_NETFILTER_H
#define TAP_CLIENT_BACKEND_NETFILTER_H

#include "client/outbound.h"
#include "os/ifname.h"
#include "client/socket_owner.h"
#include "client/way.h"

struct netfilter {
	struct way way;
	struct ifnames links; /* updated by the caller */
	int to_monitor;       /* for monitor_ask() */
	char program[SOCKET_OWNER_PATH_MAX];
};

/* Nothing is open yet. */
void netfilter_init(struct netfilter *c);
void netfilter_close(struct netfilter *c);

#endif
