/*
 * A packet that may answer a probe: TCP, UDP, or an ICMP error with the
 * packet it is about, out of a hostile buffer.  RFC 791, 792, 768, 4443,
 * 8200, 9293.
 *
 *   ICMP error: type:8 code:8 checksum:16 more:32 | IP header | 8 bytes
 *   or more of what it carried
 *
 * Pure.
 */
#ifndef TAP_MEASURE_REPLY_H
#define TAP_MEASURE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define ANSWER_OPTIONS_MAX (PACKET_TCP_HEADER_MAX - PACKET_TCP_HEADER)

enum answer_kind {
	ANSWER_TCP = 1,
	ANSWER_UDP,
	ANSWER_ICMP, /* an error, of IPv4 or IPv6 */
};

/* From where to where; ports in host order. */
struct answer_flow {
	struct packet_addr src, dst;
	uint16_t sport, dport;
};

struct answer {
	enum answer_kind kind;
	struct answer_flow flow; /* ports are 0 for ICMP */
	uint8_t ttl;             /* or hop limit */
	uint8_t tos;             /* or traffic class */
	uint16_t id;             /* IPv4 */
	bool dont_fragment;      /* IPv4 */
	uint32_t label;          /* IPv6 */
	/* Behind its own headers: data, or as much as ICMP quotes. */
	size_t data_len;

	/* TCP */
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags, reserved; /* reserved: the four bits */
	uint8_t options[ANSWER_OPTIONS_MAX];
	size_t options_len;

	/* ICMP, and what it quotes: a packet sent from flow.dst. */
	uint8_t type, code;
	enum answer_kind quoted_kind; /* TCP or UDP */
	struct answer_flow quoted;
	uint32_t quoted_seq;   /* TCP */
	uint16_t quoted_id;    /* IPv4 */
	uint32_t quoted_label; /* IPv6 */
};

/*
 * Parse len bytes that begin with an IP header, of a packet that had
 * wire_len.  0, or -1 where it can't be an answer: cut short, a later
 * fragment, another protocol, an ICMP message that is no error.
 * Checksums are not looked at: between virtual devices of one machine
 * they are left for a card to fill in that there is not.
 */
int answer_parse(struct answer *a, const uint8_t *bytes, size_t len,
		 size_t wire_len);

#endif
