/*
 * Resets as the kernel's own for a port without a listener: it builds
 * the IP header the same way for us as for itself (tcp_v4_send_reset),
 * from a raw socket that fragments nothing, so that TTL, ID and DF are
 * its own.
 */
#ifndef TAP_SERVER_TCP_RESET_H
#define TAP_SERVER_TCP_RESET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "protocol/packet.h"

struct reset {
	int fd4, fd6; /* fd6 is -1 where the host has no IPv6 */
	/* IPv6 flow labels, as this host's kernel makes them. */
	bool labels, labels_reflect, labels_marked;
	/* What the kernel checks signatures of, it does not reset. */
	bool knows_md5, knows_ao;
	struct hash_key hash;
};

/* 0 or -errno.  hash is a secret random key. */
int reset_open(struct reset *reset, const struct hash_key *hash);
void reset_close(struct reset *reset);

/*
 * Answer a packet, whose IP header begins at bytes, with a reset.
 * device is where it came in.  0 or -errno.
 */
int reset_send(struct reset *reset, const struct packet *p,
	       const uint8_t *bytes, uint32_t device);

#endif
