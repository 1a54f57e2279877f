#include "fastpath/bpf_addr.h"

#include <string.h>

struct packet_addr
sieve_addr_read(const struct sieve_addr *addr, uint64_t family)
{
	struct packet_addr read = { .family = family == 4 ? 4 : 6 };

	memcpy(read.bytes, addr, sizeof read.bytes);
	return read;
}

uint8_t
sieve_addr_net(struct sieve_addr *addr, struct sieve_addr *mask,
	       const struct acl_net *net)
{
	memcpy(addr, net->addr.bytes, sizeof *addr);
	memcpy(mask, net->mask, sizeof *mask);
	return net->addr.family;
}
