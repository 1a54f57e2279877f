/*
 * Packets written: an IPv4 header without options or an IPv6 header
 * alone, TCP, and fragments.  RFC 791, 8200, 9293.  The checksum of an
 * IPv4 header is left to the kernel, which fills it in for a raw packet.
 *
 * Pure.
 */
#ifndef TAP_MEASURE_BUILD_H
#define TAP_MEASURE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define BUILD_TTL 64u            /* as Linux has it */
#define BUILD_FRAGMENT_HEADER 8u /* of IPv6 */

struct build_ip {
	struct packet_addr src, dst;
	uint8_t protocol; /* enum packet_protocol */
	uint8_t ttl, tos;
	uint16_t id;        /* IPv4 */
	bool dont_fragment; /* IPv4 */
	uint32_t label;     /* IPv6 */
};

struct build_tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags, reserved; /* reserved: four bits */
	const uint8_t *options;
	size_t options_len; /* a multiple of 4 */
	const uint8_t *data;
	size_t data_len;
};

/* How long an IP header is. */
size_t build_ip_len(uint8_t family);

/* Write an IP header, of a packet with so much payload.  Its length. */
size_t build_ip(uint8_t *out, const struct build_ip *ip, size_t payload);

/* Write a whole packet of TCP, its checksum too.  Returns its length. */
size_t build_tcp(uint8_t *out, const struct build_ip *ip,
		 const struct build_tcp *tcp);

/* Correct the length in the IP header of a packet that has len bytes. */
void build_length(uint8_t *bytes, size_t len);

/*
 * Write one of the two fragments of such a packet, the first of which has
 * `split` bytes of payload, a multiple of 8.  IPv4 has 16 bits of the id.
 * Returns its length: of IPv6, BUILD_FRAGMENT_HEADER more than it takes.
 */
size_t build_fragment(uint8_t *out, const uint8_t *bytes, size_t len,
		      unsigned part, size_t split, uint32_t id);

#endif
