/*
 * Connection tracking (ctnetlink): which connections the kernel knows, and
 * have it know of others.  A connection is named by a packet of who opened
 * it: by the addresses and ports of that, as it came in.
 */
#ifndef TAP_OS_CONNTRACK_H
#define TAP_OS_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "os/netlink.h"
#include "protocol/packet.h"

/* 0 or -errno. */
int conntrack_open(struct netlink *nl);

/* What the kernel itself gives an established connection. */
#define CONNTRACK_ESTABLISHED_SECONDS 432000u

/*
 * Enter an established connection, which is forgotten if no packet of it comes
 * for so long.  0 also where it is known already; else -errno.
 */
int conntrack_add(struct netlink *nl, const struct packet *p, uint32_t seconds);
/*
 * The same, and what is known already counts as established from now on:
 * where the answers go another way, the kernel would not see it.
 */
int conntrack_establish(struct netlink *nl, const struct packet *p,
			uint32_t seconds);

/* Whether it is known, and established: 1, 0 or -errno. */
int conntrack_is_established(struct netlink *nl, const struct packet *p);

/*
 * Whether the kernel tracks connections in this network namespace: 1, 0 or
 * -errno.  By a datagram to this host itself, of either family that it has:
 * rules that exempt these (NOTRACK) are not seen.
 */
int conntrack_is_on(struct netlink *nl);

struct conntrack_entry {
	struct packet packet;  /* of who opened it */
	struct packet_addr to; /* where its packets are sent: translated, or */
	uint16_t to_port;      /* the same */
};

/*
 * The connection of a packet of either end, as it comes or goes on either side
 * of this host, in whatever state.  1, 0 where there is none, or -errno.
 */
int conntrack_find(struct netlink *nl, const struct packet *p,
		   struct conntrack_entry *out);
/* Forget one.  0 also where it is not known; else -errno. */
int conntrack_remove(struct netlink *nl, const struct packet *p);

/* Call `take` for each that is established and was answered.  0 or -errno. */
int conntrack_each(struct netlink *nl,
		   void (*take)(void *context, const struct conntrack_entry *),
		   void *context);

#endif
