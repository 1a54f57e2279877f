/*
 * What the kernel knows of TCP sockets (NETLINK_SOCK_DIAG, sock_diag(7)):
 * whether a connection exists, and which ones do.
 */
#ifndef TAP_OS_SOCK_DIAG_H
#define TAP_OS_SOCK_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "os/netlink.h"
#include "protocol/packet.h"

/* A connection from this host's view. */
struct sock_diag_connection {
	struct packet_addr local, remote;
	uint16_t local_port, remote_port;
	/*
	 * The index of the device that its packets come or go by; 0: not known.
	 * Without it a socket that is bound to a device is not found (IPv6
	 * link-local, SO_BINDTODEVICE, VRF); others are in any case.
	 */
	uint32_t device;
};

struct sock_diag_socket {
	struct sock_diag_connection connection;
	uint32_t uid;  /* whose it is */
	uint32_t mark; /* see sock_diag_each_opening(); else 0 */
	bool opening;  /* its SYN is not answered yet */
};

/* 0 or -errno. */
int sock_diag_open(struct netlink *nl);

/*
 * Whether a socket has this connection, in any state but listening.
 * 1, 0, or -errno.
 */
int sock_diag_exists(struct netlink *nl,
		     const struct sock_diag_connection *connection);
/*
 * The inode by which /proc/PID/fd names that socket.  0 (and *inode), or
 * -errno: -ENOENT where there is none.
 */
int sock_diag_inode(struct netlink *nl,
		    const struct sock_diag_connection *connection,
		    uint32_t *inode);

/*
 * Reset that connection: both ends hear of it.  Asked with this process's
 * rights.  0, or -errno: -ENOENT where there is none, -EOPNOTSUPP where the
 * kernel is without it (CONFIG_INET_DIAG_DESTROY).
 */
int sock_diag_destroy(const struct sock_diag_connection *connection);

/* Call `take` for each connection that somebody has.  0 or -errno. */
int sock_diag_each(struct netlink *nl,
		   void (*take)(void *context, const struct sock_diag_socket *),
		   void *context);
/*
 * For each whose SYN is not answered yet, with its mark: asked with this
 * process's rights, of which CAP_NET_ADMIN may know it.
 */
int sock_diag_each_opening(void (*take)(void *context,
					const struct sock_diag_socket *),
			   void *context);

#endif
