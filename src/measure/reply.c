#include "measure/reply.h"

#include <string.h>

#include "base/bytes.h"

static int
parse_tcp(struct answer *a, const uint8_t *bytes, const struct packet_ip *ip)
{
	struct packet p;

	if (packet_parse_tcp(&p, bytes, ip) != PACKET_OK) {
		return -1;
	}
	a->kind = ANSWER_TCP;
	a->flow.sport = p.sport;
	a->flow.dport = p.dport;
	a->seq = p.seq;
	a->ack = p.ack;
	a->reserved = p.reserved;
	a->flags = p.flags;
	a->window = p.window;
	a->urgent = p.urgent;
	a->options_len = p.options_len;
	memcpy(a->options, bytes + p.options_at, p.options_len);
	a->data_len = p.data_len;
	return 0;
}

static int
parse_udp(struct answer *a, struct cursor c, const struct packet_ip *ip)
{
	size_t len;

	a->kind = ANSWER_UDP;
	a->flow.sport = cursor_u16(&c);
	a->flow.dport = cursor_u16(&c);
	len = cursor_u16(&c);
	if (c.bad || len < 8 || len > ip->len) {
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
	struct packet_ip ip;

	if (packet_parse_ip(&ip, bytes, len) != PACKET_OK ||
	    (ip.protocol != PACKET_TCP && ip.protocol != PACKET_UDP)) {
		return -1;
	}
	a->quoted_kind = ip.protocol == PACKET_TCP ? ANSWER_TCP : ANSWER_UDP;
	a->quoted.src = ip.src;
	a->quoted.dst = ip.dst;
	a->quoted_id = ip.id;
	a->quoted_label = ip.label;
	c = cursor_over(bytes + ip.at, ip.there);
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
parse_icmp(struct answer *a, struct cursor c, const struct packet_ip *ip)
{
	a->kind = ANSWER_ICMP;
	a->type = cursor_u8(&c);
	a->code = cursor_u8(&c);
	cursor_u16(&c);
	cursor_u32(&c);
	if (c.bad || !is_error(ip->src.family, a->type)) {
		return -1;
	}
	a->data_len = ip->len - 8;
	return parse_quoted(a, c.pos, cursor_left(&c));
}

int
answer_parse(struct answer *a, const uint8_t *bytes, size_t len,
	     size_t wire_len)
{
	struct packet_ip ip;
	struct cursor c;

	memset(a, 0, sizeof *a);
	if (len > wire_len || packet_parse_ip(&ip, bytes, len) != PACKET_OK) {
		return -1;
	}
	a->flow.src = ip.src;
	a->flow.dst = ip.dst;
	a->ttl = ip.ttl;
	a->tos = ip.tos;
	a->id = ip.id;
	a->dont_fragment = ip.dont_fragment;
	a->label = ip.label;
	c = cursor_over(bytes + ip.at, ip.there);
	if (ip.protocol == PACKET_TCP) {
		return parse_tcp(a, bytes, &ip);
	}
	if (ip.protocol == PACKET_UDP) {
		return parse_udp(a, c, &ip);
	}
	if (ip.protocol == (ip.src.family == 4 ? PACKET_ICMP : PACKET_ICMP6)) {
		return parse_icmp(a, c, &ip);
	}
	return -1;
}
