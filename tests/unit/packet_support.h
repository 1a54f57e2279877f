/*
 * Packets, byte by byte, for the tests of packet.
 */
#ifndef TAP_PACKET_SUPPORT_H
#define TAP_PACKET_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define BUILT_ROOM 512
#define BUILT_OPTIONS 20u

struct built {
	uint8_t bytes[BUILT_ROOM];
	size_t len;
	size_t tcp_at;
};

/* MSS, SACK permitted, time stamps, NOP, window scale: as Linux sends. */
extern const uint8_t built_options[BUILT_OPTIONS];

struct built built_ip4(size_t ip_options, const uint8_t *options,
		       size_t options_len, size_t data_len);
/* A chain of these extension headers, each of `units` more 8 bytes. */
struct built built_ip6(const uint8_t *kinds, size_t count, unsigned units,
		       size_t data_len);
/* Append; the lengths and checksums are then wrong. */
void built_u32(struct built *b, uint32_t value);
/* Put length and checksum of the IPv4 header right. */
void built_finish_ip4(struct built *b);

/* The one's complement sum as RFC 1071 words it, byte by byte. */
uint16_t built_sum(const uint8_t *bytes, size_t len, uint64_t sum);
/* Of a packet whose checksum field counts as it stands: 0 where right. */
uint16_t built_checksum(const struct built *b);

/* From a block of just that size, so that a byte too far is noticed. */
int built_parse_len(struct packet *p, const struct built *b, size_t len,
		    size_t wire);
int built_parse(struct packet *p, const struct built *b);

#endif
