/*
 * Extension headers of IPv6 (RFC 8200, 4): the one list of them.  The
 * programs in the kernel compile these functions, too.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_EXTENSION_HEADER_H
#define TAP_PROTOCOL_EXTENSION_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/inline.h"

#define IP6_EXTENSIONS_MAX 8 /* more headers than any honest packet chains */
#define IP6_EXTENSION_MIN 8  /* bytes that each of them has */

enum ip6_extension {
	IP6_HOP_BY_HOP = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_AUTHENTICATION = 51,
	IP6_DESTINATION = 60,
	IP6_MOBILITY = 135,
	IP6_HOST_IDENTITY = 139,
	IP6_SHIM6 = 140,
};

/* Its bytes, by the second of them; 0: the kind is no extension header's. */
static inline_always uint32_t
ip6_extension_size(uint8_t kind, uint8_t len)
{
	switch (kind) {
	case IP6_FRAGMENT:
		return 8;
	case IP6_AUTHENTICATION: /* 8 bytes, then fours */
		return 8 + len * 4u;
	case IP6_HOP_BY_HOP:
	case IP6_ROUTING:
	case IP6_DESTINATION:
	case IP6_MOBILITY:
	case IP6_HOST_IDENTITY:
	case IP6_SHIM6:
		return 8 + len * 8u;
	default:
		return 0;
	}
}

static inline_always bool
ip6_is_extension(uint8_t kind)
{
	return ip6_extension_size(kind, 0) > 0;
}

/* Whether segments are left: TCP's checksum has another address. */
static inline_always bool
ip6_is_to_be_routed(uint8_t kind, const uint8_t first[IP6_EXTENSION_MIN])
{
	return kind == IP6_ROUTING && first[3] != 0;
}

/* Whether it is a part: offset and M are 0 in one of a whole (RFC 6946). */
static inline_always bool
ip6_is_fragment(uint8_t kind, const uint8_t first[IP6_EXTENSION_MIN])
{
	return kind == IP6_FRAGMENT && (first[2] || first[3] & 0xf9);
}

/* Whether it is one, but the first. */
static inline_always bool
ip6_is_later_fragment(uint8_t kind, const uint8_t first[IP6_EXTENSION_MIN])
{
	return kind == IP6_FRAGMENT && (first[2] || first[3] & 0xf8);
}

#endif
