/*
 * The authenticators of TAP (papers: 000, 3.5, "TAP-hmac protocol"):
 * HMAC (RFC 2104) over the first three frames.  Besides seal.h, the only
 * user of BearSSL's HMAC.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_MAC_H
#define TAP_PROTOCOL_MAC_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/kernel_suite.h"

#define MAC_SECRET_MIN 16 /* bytes; the papers' keys have 16 */
#define MAC_SECRET_MAX 64 /* the block of both hashes: more adds nothing */
#define MAC_REALM_MAX 32
#define MAC_PROOF_BYTES 32

enum mac_suite {
	MAC_HMAC_MD5,    /* the papers' */
	MAC_HMAC_SHA256, /* PROTOCOL.md's extension */
	MAC_SUITES,
};

/* What all else asks of a suite: a row each, in mac.c. */
struct suite {
	const char *name;      /* as key files have it */
	unsigned bits;         /* of authenticator, where a key names none */
	unsigned extra_max;    /* frames beyond SYN3 */
	unsigned keygen_bytes; /* of secret, of a key that tap makes */
	bool binds_service;    /* it covers the port and a realm */
	enum suite_kernel kernel;
	const br_hash_class *hash; /* of the HMAC */
};

extern const struct suite suites[MAC_SUITES];

/* What they call a suite; none: of one that there is not, too. */
static inline enum suite_kernel
suite_kernel(unsigned suite)
{
	return suite < MAC_SUITES ? suites[suite].kernel : SUITE_KERNEL_NONE;
}

/* Their names in this order, and NULL. */
void suite_names(const char *names[MAC_SUITES + 1]);

/* A key ready for use: holds secret state, to be wiped by its owner. */
struct mac_key {
	br_hmac_key_context hmac;
	uint8_t suite; /* enum mac_suite */
	uint8_t extra; /* frames beyond SYN3, 0 to 3 */
	uint8_t realm_len;
	uint8_t realm[MAC_REALM_MAX];
};

/*
 * Make a key from its secret, MAC_SECRET_MIN to MAC_SECRET_MAX bytes;
 * realm_len is at most MAC_REALM_MAX, and 0 where the suite binds no
 * service.  Nothing of the caller's memory is kept.
 */
void mac_key_init(struct mac_key *key, enum mac_suite suite, unsigned extra,
		  const uint8_t *secret, size_t secret_len,
		  const uint8_t *realm, size_t realm_len);

/*
 * The states of the hash behind the inner and the outer pad (RFC 2104, 4),
 * as numbers: 4 of MD5, 8 of SHA-256; of suites that the kernel's programs
 * have.  They are as secret as the key itself.
 */
void mac_key_states(const struct mac_key *key, uint32_t inner[8],
		    uint32_t outer[8]);

/*
 * What the authenticator is computed over, up to where the port comes,
 * or S0 where the suite binds none: at most MAC_INPUT_MAX bytes.  Returns how
 * many.
 */
#define MAC_INPUT_MAX (4 + 1 + MAC_REALM_MAX + 2 + 12)
size_t mac_input(const struct mac_key *key, uint8_t *input);

/*
 * The authenticator for a connection to `port` (host order) whose first
 * three frames are seq[0..2].  Writes SYN3 and the key's extra frames
 * to seq[3..], as a sender sends them, and to tag (may be NULL) the
 * number by which a receiver remembers the group.
 */
void mac_sign(const struct mac_key *key, uint16_t port, uint32_t *seq,
	      uint64_t *tag);

/*
 * The whole HMAC of a text that is no group's (it has to begin unlike
 * the inputs of mac_sign), to prove that one has the key; the rest of
 * out is 0 where the suite's HMAC is shorter.
 */
void mac_prove(const struct mac_key *key, const uint8_t *text, size_t len,
	       uint8_t out[MAC_PROOF_BYTES]);

#endif
