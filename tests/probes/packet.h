/* SPDX-License-Identifier: ISC */
/*
 * TCP over IPv4 or IPv6 as nobody's stack would send it: every field is the
 * caller's, wrong ones too.  RFC 791, 8200, 9293.
 */
#ifndef PROBES_PACKET_H
#define PROBES_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	URG = 32,
};

enum {
	HOP = 0,
	ICMP4 = 1,
	TCP = 6,
	ROUTING = 43,
	FRAGMENT = 44,
	AH = 51,
	ICMP6 = 58,
	DESTINATION = 60,
};

#define PACKET_BYTES 2304u /* 2000 bytes of data, and all headers */
#define PIECES_MAX 6u      /* what one packet is cut into */
#define EXTS_MAX 12u
#define CUTS_MAX 4u

/* An extension header of IPv6: all but the number of the next. */
struct ext {
	uint8_t number, len, body[39];
};

struct spec {
	bool v6;
	uint8_t src[16], dst[16]; /* 4 bytes of them for IPv4 */
	uint16_t sport, dport;
	uint8_t flags, hi; /* hi: the low 4 bits of byte 12 */
	uint32_t seq, ack;
	uint16_t window;
	uint8_t opts[40];
	size_t opts_len; /* of TCP; a multiple of 4 */
	size_t data_len; /* zeros */
	uint16_t badsum; /* turns these bits of the checksum */
	uint8_t ttl, tos;
	bool may_fragment;
	uint8_t ipopts[40];
	size_t ipopts_len; /* a multiple of 4 */
	struct ext exts[EXTS_MAX];
	size_t ext_count;
	uint16_t cuts[CUTS_MAX]; /* sizes of the first pieces */
	size_t cut_count;
	unsigned missing; /* 1 + the piece that is not sent, or 0 */
	uint32_t tag;     /* IPv4's id, IPv6's label and fragment id */
};

/* An IP packet, without a link's header. */
struct packet {
	uint8_t bytes[PACKET_BYTES];
	size_t len;
};

/* All that is sent of a packet, in order: how many. */
size_t packet_build(struct packet out[PIECES_MAX], const struct spec *s);

/* Its own header, for one that carries no TCP: id and hop limit as usual. */
void packet_wrap(struct packet *out, bool v6, const uint8_t *src,
		 const uint8_t *dst, uint8_t protocol, const void *payload,
		 size_t len);

/* RFC 1071, over a pseudo header where src is not NULL. */
uint16_t packet_sum(bool v6, const uint8_t *src, const uint8_t *dst,
		    uint8_t protocol, const uint8_t *bytes, size_t len);

uint16_t get16(const uint8_t *at);
uint32_t get32(const uint8_t *at);
void put16(uint8_t *at, uint16_t value);
void put32(uint8_t *at, uint32_t value);

#endif
