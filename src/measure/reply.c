#include "measure/reply.h"

#include <string.h>

#include "base/bytes.h"

#define EXTENSIONS_MAX 8 /* more headers than any honest packet chains */

enum protocol {
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMP6 = 58,
};

/* What an IP header says, and where its payload is. */
struct ip {
	struct packet_addr src, dst;
	uint8_t ttl, tos, protocol;
	uint16_t id;
	bool dont_fragment;
	uint32_t label;
	const uint8_t *payload;
	size_t len;   /* bytes that are there */
	size_t whole; /* bytes there were, by the header's word */
};

/* What is left for the payload, of a packet whose header says `whole`. */
static int
take_payload(struct ip *ip, const struct cursor *c, size_t whole)
{
	if (c->bad) {
		return -1;
	}
	ip->payload = c->pos;
	ip->whole = whole;
	ip->len = cursor_left(c) < whole ? cursor_left(c) : whole;
	return 0;
}

static int
parse_ip4(struct ip *ip, struct cursor c)
{
	size_t header = (cursor_u8(&c) & 15) * 4u;
	size_t total;
	uint16_t fragment;

	ip->tos = cursor_u8(&c);
	total = cursor_u16(&c);
	ip->id = cursor_u16(&c);
	fragment = cursor_u16(&c);
	ip->dont_fragment = fragment & 0x4000;
	ip->ttl = cursor_u8(&c);
	ip->protocol = cursor_u8(&c);
	cursor_u16(&c);
	packet_addr_take(&ip->src, 4, &c);
	packet_addr_take(&ip->dst, 4, &c);
	if (header < PACKET_IP4_HEADER || header > total || fragment & 0x1fff) {
		return -1;
	}
	cursor_bytes(&c, header - PACKET_IP4_HEADER);
	return take_payload(ip, &c, total - header);
}

/* Step over one extension header; false at anything else. */
static bool
skip_extension(struct ip *ip, struct cursor *c, size_t *whole)
{
	size_t left = cursor_left(c);
	uint8_t kind = ip->protocol;
	uint8_t next;
	size_t extra;

	switch (kind) {
	case 0:   /* hop-by-hop options */
	case 43:  /* routing */
	case 44:  /* fragment */
	case 51:  /* authentication */
	case 60:  /* destination options */
	case 135: /* mobility */
		break;
	default:
		return false;
	}
	next = cursor_u8(c);
	extra = cursor_u8(c);
	if (kind == 44) {
		/* A later fragment begins anywhere. */
		c->bad |= (cursor_u16(c) & 0xfff8) != 0;
		cursor_bytes(c, 4);
	} else {
		cursor_bytes(c, 6);
		cursor_bytes(c, extra * (kind == 51 ? 4u : 8u));
	}
	left -= cursor_left(c);
	c->bad |= left > *whole;
	*whole -= c->bad ? 0 : left;
	ip->protocol = next;
	return !c->bad;
}

static int
parse_ip6(struct ip *ip, struct cursor c)
{
	uint32_t word = cursor_u32(&c);
	size_t whole = cursor_u16(&c);

	ip->tos = (uint8_t)(word >> 20);
	ip->label = word & 0xfffff;
	ip->protocol = cursor_u8(&c);
	ip->ttl = cursor_u8(&c);
	packet_addr_take(&ip->src, 6, &c);
	packet_addr_take(&ip->dst, 6, &c);
	for (int n = 0; n < EXTENSIONS_MAX; n++) {
		if (!skip_extension(ip, &c, &whole)) {
			break;
		}
	}
	return take_payload(ip, &c, whole);
}

static int
parse_ip(struct ip *ip, const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);

	memset(ip, 0, sizeof *ip);
	if (len == 0) {
		return -1;
	}
	switch (bytes[0] >> 4) {
	case 4:
		return parse_ip4(ip, c);
	case 6:
		return parse_ip6(ip, c);
	default:
		return -1;
	}
}

static int
parse_tcp(struct answer *a, const struct ip *ip)
{
	struct cursor c = cursor_over(ip->payload, ip->len);
	const uint8_t *options;
	size_t header;
	uint8_t offset;

	a->kind = ANSWER_TCP;
	a->flow.sport = cursor_u16(&c);
	a->flow.dport = cursor_u16(&c);
	a->seq = cursor_u32(&c);
	a->ack = cursor_u32(&c);
	offset = cursor_u8(&c);
	a->flags = cursor_u8(&c);
	a->window = cursor_u16(&c);
	cursor_u16(&c);
	a->urgent = cursor_u16(&c);
	a->reserved = offset & 15;
	header = (offset >> 4) * 4u;
	if (c.bad || header < PACKET_TCP_HEADER || header > ip->whole) {
		return -1;
	}
	a->options_len = header - PACKET_TCP_HEADER;
	options = cursor_bytes(&c, a->options_len);
	if (!options) {
		return -1;
	}
	memcpy(a->options, options, a->options_len);
	a->data_len = ip->whole - header;
	return 0;
}

static int
parse_udp(struct answer *a, const struct ip *ip)
{
	struct cursor c = cursor_over(ip->payload, ip->len);
	size_t len;

	a->kind = ANSWER_UDP;
	a->flow.sport = cursor_u16(&c);
	a->flow.dport = cursor_u16(&c);
	len = cursor_u16(&c);
	if (c.bad || len < 8 || len > ip->whole) {
		return -1;
	}
	a->data_len = len - 8;
	return 0;
}

/* The packet that an ICMP error is about: its first bytes are enough. */
static int
parse_quoted(struct answer *a, const uint8_t *bytes, size_t len)
{
	struct cursor c;
	struct ip ip;

	if (parse_ip(&ip, bytes, len) < 0 ||
	    (ip.protocol != PROTOCOL_TCP && ip.protocol != PROTOCOL_UDP)) {
		return -1;
	}
	a->quoted_kind = ip.protocol == PROTOCOL_TCP ? ANSWER_TCP : ANSWER_UDP;
	a->quoted.src = ip.src;
	a->quoted.dst = ip.dst;
	a->quoted_id = ip.id;
	a->quoted_label = ip.label;
	c = cursor_over(ip.payload, ip.len);
	a->quoted.sport = cursor_u16(&c);
	a->quoted.dport = cursor_u16(&c);
	a->quoted_seq = cursor_u32(&c);
	return c.bad ? -1 : 0;
}

/* Errors: of IPv4 these types, of IPv6 all below 128. */
static bool
is_error(uint8_t family, uint8_t type)
{
	if (family == 6) {
		return type > 0 && type < 128;
	}
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static int
parse_icmp(struct answer *a, const struct ip *ip)
{
	struct cursor c = cursor_over(ip->payload, ip->len);

	a->kind = ANSWER_ICMP;
	a->type = cursor_u8(&c);
	a->code = cursor_u8(&c);
	cursor_u16(&c);
	cursor_u32(&c);
	if (c.bad || !is_error(ip->src.family, a->type)) {
		return -1;
	}
	a->data_len = ip->whole - 8;
	return parse_quoted(a, c.pos, cursor_left(&c));
}

int
answer_parse(struct answer *a, const uint8_t *bytes, size_t len,
	     size_t wire_len)
{
	struct ip ip;
	int rc = -1;

	memset(a, 0, sizeof *a);
	if (len > wire_len || parse_ip(&ip, bytes, len) < 0) {
		return -1;
	}
	a->flow.src = ip.src;
	a->flow.dst = ip.dst;
	a->ttl = ip.ttl;
	a->tos = ip.tos;
	a->id = ip.id;
	a->dont_fragment = ip.dont_fragment;
	a->label = ip.label;
	if (ip.protocol == PROTOCOL_TCP) {
		rc = parse_tcp(a, &ip);
	} else if (ip.protocol == PROTOCOL_UDP) {
		rc = parse_udp(a, &ip);
	} else if (ip.protocol ==
		   (ip.src.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6)) {
		rc = parse_icmp(a, &ip);
	}
	return rc;
}
