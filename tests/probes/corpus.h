/* SPDX-License-Identifier: ISC */
/*
 * Every kind of packet that told a hidden port from another, or that might:
 * each has a name, by which what differs is reported, and what is known to
 * differ is named.
 */
#ifndef PROBES_CORPUS_H
#define PROBES_CORPUS_H

#include "probes/packet.h"

#define KINDS_MAX 3000u
#define KIND_NAME 80u

struct kind {
	char name[KIND_NAME]; /* "flags 012", "ipopt 94040000 flags 02" */
	struct spec spec;     /* without ports and tag */
};

struct corpus {
	struct kind kinds[KINDS_MAX];
	size_t count;
	struct spec usual; /* of which all are made: corpus_usual() */
};

/* Where it is sent from and to. */
struct scene {
	bool v6;
	uint8_t src[16], dst[16];
	uint8_t local[16]; /* IPv6: the target's link-local address */
};

/* A SYN as Linux sends it, without ports. */
struct spec corpus_usual(const struct scene *scene);

/*
 * All kinds for a version of IP.  Of the network of src, 200 and up are
 * nobody's; .201 (::c9) is dropped by the target's INPUT, .202 (::ca)
 * rejected; 198.51.100.9 (2001:db8::9) is of a network that the target
 * reaches by another device.
 */
void corpus_make(struct corpus *c, const struct scene *scene);

#endif
