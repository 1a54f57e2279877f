/*
 * Suites: by what the authenticator of a group is made.  A row in mac.c says
 * of each all that the rest of tap asks.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_SUITE_H
#define TAP_PROTOCOL_SUITE_H

#include <stdbool.h>

enum mac_suite {
	MAC_HMAC_MD5,    /* the papers' */
	MAC_HMAC_SHA256, /* PROTOCOL.md's extension */
	MAC_SUITES,
};

/* By which of theirs the programs in the kernel can compute it. */
enum suite_kernel {
	SUITE_KERNEL_NONE, /* by none: its groups are the receiver's */
	SUITE_KERNEL_MD5,
	SUITE_KERNEL_SHA256,
};

struct suite {
	const char *name;      /* as key files have it */
	unsigned bits;         /* of authenticator, where a key names none */
	unsigned extra_max;    /* frames beyond SYN3 */
	unsigned keygen_bytes; /* of secret, of a key that tap makes */
	bool binds_service;    /* it covers the port and a realm */
	enum suite_kernel kernel;
	const struct br_hash_class_ *hash; /* of the HMAC */
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

#endif
