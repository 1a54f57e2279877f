/*
 * Addresses as the programs in the kernel have them.
 */
#ifndef TAP_FASTPATH_BPF_ADDR_H
#define TAP_FASTPATH_BPF_ADDR_H

#include <stdint.h>

#include "protocol/acl.h"
#include "protocol/packet.h"
#include "fastpath/ingress_map.h"

/* One of theirs, of IP version 4 or 6. */
struct packet_addr ingress_addr_read(const struct ingress_addr *addr,
				     uint64_t family);

/*
 * A rule's network for them, with the mask's bits alone, as they compare
 * them.  Its version of IP; 0: any address.
 */
uint8_t ingress_addr_net(struct ingress_addr *addr, struct ingress_addr *mask,
			 const struct acl_net *net);

#endif
