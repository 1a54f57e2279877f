/*
 * The authenticator of a group, for the ingress program's program in the
 * kernel: what mac_sign() does, from states of the hash that tap has computed.
 */
#ifndef TAP_FASTPATH_BPF_MAC_H
#define TAP_FASTPATH_BPF_MAC_H

#include <linux/bpf.h>
#include <stdbool.h>

#include "fastpath/bpf_hash.h"
#include "fastpath/ingress_map.h"
#include "protocol/frame.h"

#define swap32 __builtin_bswap32
/*
 * A function that the kernel checks once, for any argument, and not anew
 * wherever it is called.  Linux before 5.12 lets none have a pointer.
 */
#define FUNCTION __attribute__((noinline))

static void *(*map_lookup)(const void *,
			   const void *) = (void *)BPF_FUNC_map_lookup_elem;

/* What is the processor's own. */
extern const char scratch_map;

/*
 * Read anew each time: for each value that it remembers, the verifier would
 * go through all of the hashes again.
 */
static inline_always uint32_t
extra_of(const struct ingress_key *key)
{
	return *(const volatile uint8_t *)&key->extra;
}

/*
 * Memory to work in; the first of what a program has in scratch_map.
 */
struct ingress_work {
	uint8_t block[2 * INGRESS_BLOCK]; /* twice, for the verifier */
	uint32_t w[16], state[8];
	uint64_t tag; /* by which the group is remembered; see mac_sign() */
};

/* Write port, S0, S1 and S2 into the block; see mac_sign(). */
static inline_always void
fill_block(uint8_t *block, const struct ingress_key *key, uint16_t port,
	   const uint32_t *s)
{
	uint32_t at = key->port_at & (INGRESS_BLOCK - 1);

	__builtin_memcpy(block, key->block, INGRESS_BLOCK);
	if (key->port_bytes) {
		block[at] = port >> 8;
		block[at + 1] = (uint8_t)port;
		at += 2;
	}
#pragma clang loop unroll(full)
	for (int i = 0; i < 12; i++) {
		block[at + i] = (uint8_t)(s[i / 4] >> (24 - i % 4 * 8));
	}
}

/* The first hash of the HMAC (RFC 2104, 2): of the block that is there. */
static inline_always void
begin_inner(struct ingress_work *work, const struct ingress_key *key,
	    bool is_md5)
{
	const uint32_t *words = (const uint32_t *)work->block;
	volatile uint32_t *state = work->state, *w = work->w;

#pragma clang loop unroll(full)
	for (int i = 0; i < 16; i++) {
		w[i] = is_md5 ? words[i] : swap32(words[i]);
	}
#pragma clang loop unroll(full)
	for (int i = 0; i < 8; i++) {
		state[i] = key->inner[i];
	}
}

/* The second one: of what the first gave, padded to a block. */
static inline_always void
begin_outer(struct ingress_work *work, const struct ingress_key *key,
	    bool is_md5)
{
	const int digest = is_md5 ? 16 : 32; /* bytes */
	volatile uint32_t *state = work->state, *w = work->w;

#pragma clang loop unroll(full)
	for (int i = 0; i < 8; i++) {
		w[i] = !is_md5 || i < 4 ? state[i] : 0;
		w[8 + i] = 0;
		state[i] = key->outer[i];
	}
	w[4] = is_md5 ? 0x80 : w[4];
	w[8] = is_md5 ? 0 : 0x80000000;
	w[14] = is_md5 ? (INGRESS_BLOCK + digest) * 8 : 0;
	w[15] = is_md5 ? 0 : (INGRESS_BLOCK + digest) * 8;
}

/* Two numbers of the state, as they stand in the digest. */
static inline_always uint64_t
digest_at(const struct ingress_work *work, int at, bool is_md5)
{
	const uint32_t one = work->state[at], other = work->state[at + 1];

	return is_md5 ? (uint64_t)swap32(one) << 32 | swap32(other)
		      : (uint64_t)one << 32 | other;
}

/* A block of either hash, of what is in the work. */
FUNCTION int
hash_block(int is_md5)
{
	const uint32_t zero = 0;
	struct ingress_work *work = map_lookup(&scratch_map, &zero);

	if (!work) {
		return 0;
	}
	if (is_md5) {
		md5(work->state, work->w);
	} else {
		sha256(work->state, work->w);
	}
	return 1;
}

/* The leftmost 128 bits of the authenticator. */
static inline_always void
authenticate(struct ingress_work *work, const struct ingress_key *key,
	     uint64_t *high, uint64_t *low)
{
	bool is_md5 =
		*(const volatile uint8_t *)&key->suite == SUITE_KERNEL_MD5;

	begin_inner(work, key, is_md5);
	hash_block(is_md5);
	begin_outer(work, key, is_md5);
	hash_block(is_md5);
	*high = digest_at(work, 0, is_md5);
	*low = digest_at(work, 2, is_md5);
}

#endif
