/*
 * Networks of rules, in the kernel's programs.
 */
#ifndef TAP_FASTPATH_BPF_NET_H
#define TAP_FASTPATH_BPF_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/bpf_hash.h"
#include "fastpath/ingress_map.h"

struct net {
	const struct ingress_addr *addr, *mask;
	uint32_t family; /* 4, 6, or 0: any address */
};

static inline_always bool
net_has(struct net net, uint32_t family, const struct ingress_addr *addr)
{
	const uint64_t *n = net.addr->word, *m = net.mask->word;

	return net.family == 0 ||
		(net.family == family && ((n[0] ^ addr->word[0]) & m[0]) == 0 &&
		 ((n[1] ^ addr->word[1]) & m[1]) == 0);
}

#endif
