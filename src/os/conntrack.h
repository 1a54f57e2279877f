/*
 * Connection tracking (ctnetlink): make the kernel know of connections
 * that were there before it began to track.
 */
#ifndef TAP_OS_CONNTRACK_H
#define TAP_OS_CONNTRACK_H

#include "os/sock_diag.h"
#include "os/netlink.h"

/* 0 or -errno. */
int conntrack_open(struct netlink *nl);

/*
 * Enter an established connection that `remote` opened.  0 also where
 * it is known already; else -errno.
 */
int conntrack_add(struct netlink *nl, const struct sock_diag_connection *c);

#endif
