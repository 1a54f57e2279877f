#include "fastpath/bpf_addr.h"

#include <string.h>

struct packet_addr
ingress_addr_read(const struct ingress_addr *addr, uint64_t family)
{
	struct packet_addr read = { .family = family == 4 ? 4 : 6 };

	memcpy(read.bytes, addr, sizeof read.bytes);
	return read;
}

uint8_t
ingress_addr_net(struct ingress_addr *addr, struct ingress_addr *mask,
		 const struct acl_net *net)
{
	memcpy(addr, net->addr.bytes, sizeof *addr);
	memcpy(mask, net->mask, sizeof *mask);
	return net->addr.family;
}
