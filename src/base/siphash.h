/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash of the
 * tables.  Who sends packets chooses what is hashed; without the key it
 * can't choose which entries fall together.  Not an authenticator: that
 * is mac.h.
 *
 * Pure.
 */
#ifndef TAP_BASE_SIPHASH_H
#define TAP_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* The hash of len bytes, words read little-endian as SipHash has them. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);

#endif
