/*
 * A SYN, read by the ingress program's program in the kernel.  What packet.h
 * tells of all packets, here only of those that the ingress program may judge:
 * the rest is the receiver's.
 */
#ifndef TAP_FASTPATH_BPF_PACKET_H
#define TAP_FASTPATH_BPF_PACKET_H

#include <stdbool.h>

#include "fastpath/bpf_mac.h"
#include "fastpath/ingress_map.h"

#define swap16 __builtin_bswap16

/* A number that the loader puts in: the bytes ahead of IP, 14 or none. */
extern const char link_header;

/* The compiler is not to take it for an address. */
static inline_always uint32_t
link_bytes(void)
{
	uint64_t bytes = (uint64_t)&link_header;

	__asm__ volatile("" : "+r"(bytes));
	return (uint32_t)bytes;
}

struct syn {
	struct ingress_group_key group_key;
	uint32_t seq;
	uint16_t sport;
	bool data;
	uint32_t device;     /* where it came in; 0: it is not known */
	bool device_matters; /* some rule names one, which is not known */
	bool may_route;      /* tc has it, without a tag, and it is for us */
	uint32_t tcp_at;     /* in the frame */
	uint64_t becomes;    /* another frame of its group; 0: it stays */
	uint32_t mark; /* of packets that were accepted; 0: not accepted in the
			  kernel */
	bool accepted;
};

static inline_always int
parse_tcp(struct syn *s, const uint8_t *tcp, const uint8_t *end,
	  uint32_t tcp_len)
{
	uint32_t header;

	if (tcp + 20 > end || tcp_len < 20) {
		return -1;
	}
	header = (uint32_t)(tcp[12] >> 4) * 4;
	/* SYN; but neither ACK, RST nor FIN. */
	if ((tcp[13] & 0x17) != 0x02 || header < 20 || header > tcp_len) {
		return -1;
	}
	s->sport = swap16(*(const uint16_t *)tcp);
	s->group_key.dport = swap16(*(const uint16_t *)(tcp + 2));
	s->seq = swap32(*(const uint32_t *)(tcp + 4));
	s->group_key.tag = swap16(*(const uint16_t *)(tcp + 14));
	s->data = tcp_len > header;
	return tcp + header > end ? -1 : 0;
}

static inline_always int
parse_ip4(struct syn *s, const uint8_t *ip, const uint8_t *end)
{
	uint32_t header, total;

	if (ip + 20 > end) {
		return -1;
	}
	header = (uint32_t)(ip[0] & 15) * 4;
	total = swap16(*(const uint16_t *)(ip + 2));
	if (ip[0] >> 4 != 4 || header < 20 || header > total || ip[9] != 6 ||
	    swap16(*(const uint16_t *)(ip + 6)) & 0x3fff ||
	    total > (uint64_t)(end - ip)) {
		return -1;
	}
	s->group_key.family = 4;
	s->group_key.src.word[0] = *(const uint32_t *)(ip + 12);
	s->group_key.dst.word[0] = *(const uint32_t *)(ip + 16);
	s->tcp_at = link_bytes() + header;
	return parse_tcp(s, ip + header, end, total - header);
}

/* Extension headers are the receiver's. */
static inline_always int
parse_ip6(struct syn *s, const uint8_t *ip, const uint8_t *end)
{
	uint32_t payload;

	if (ip + 40 > end || ip[0] >> 4 != 6 || ip[6] != 6) {
		return -1;
	}
	payload = swap16(*(const uint16_t *)(ip + 4));
	if (payload + 40ull > (uint64_t)(end - ip)) {
		return -1;
	}
	s->group_key.family = 6;
	__builtin_memcpy(&s->group_key.src, ip + 8, 16);
	__builtin_memcpy(&s->group_key.dst, ip + 24, 16);
	s->tcp_at = link_bytes() + 40;
	return parse_tcp(s, ip + 40, end, payload);
}

/* Of a frame of Ethernet, in network order; 0: it is none. */
static inline_always uint16_t
protocol_of(const uint8_t *at, const uint8_t *end)
{
	return at + 14 > end ? 0 : *(const uint16_t *)(at + 12);
}

static inline_always int
parse(struct syn *s, const uint8_t *at, const uint8_t *end, uint16_t protocol)
{
	switch (protocol) {
	case swap16(0x0800):
		return parse_ip4(s, at + link_bytes(), end);
	case swap16(0x86dd):
		return parse_ip6(s, at + link_bytes(), end);
	default:
		return -1;
	}
}

/* RFC 1624, equation 3: a checksum when a word gives place to another. */
static inline_always uint32_t
change(uint32_t sum, uint32_t before, uint32_t after)
{
	return sum + (~before & 0xffff) + after;
}

/* What makes a frame into another one of its group, in network order. */
struct change {
	uint32_t seq;
	uint16_t sport, sum;
};

/* tcp: of a frame whose first 20 bytes are there */
static inline_always struct change
change_to(const struct syn *s, const uint8_t *tcp)
{
	const uint32_t seq = INGRESS_FRAME_SEQ(s->becomes);
	const uint16_t sport = INGRESS_FRAME_SPORT(s->becomes);
	uint32_t sum = (uint16_t)~swap16(*(const uint16_t *)(tcp + 16));

	sum = change(sum, s->sport, sport);
	sum = change(sum, s->seq >> 16, seq >> 16);
	sum = change(sum, s->seq & 0xffff, seq & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (struct change){ swap32(seq), swap16(sport),
				swap16((uint16_t)~sum) };
}

#endif
