#include "protocol/packet.h"

#include <string.h>

#include "base/bytes.h"
#include "protocol/extension_header.h"

/* A signature by MD5 has 18 bytes, by AO more than 4. */
#define MD5_LEN 18
#define AO_LEN_MIN 5

enum tcp_option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MD5 = 19,
	OPTION_AO = 29,
	OPTION_FASTOPEN = 34,
};

/* Where the fields are that a rewrite changes, from the TCP header on. */
enum tcp_field {
	TCP_SPORT = 0,
	TCP_DPORT = 2,
	TCP_SEQ = 4,
	TCP_ACK = 8,
	TCP_OFFSET = 12,
	TCP_FLAGS = 13,
	TCP_WINDOW = 14,
	TCP_CHECKSUM = 16,
};

bool
packet_is_plain(const struct packet *p)
{
	return p->tcp_at ==
		(p->src.family == 4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER);
}

bool
packet_is_syn(const struct packet *p)
{
	return (p->flags &
		(PACKET_SYN | PACKET_ACK | PACKET_RST | PACKET_FIN)) ==
		PACKET_SYN;
}

bool
packet_addr_equal(const struct packet_addr *a, const struct packet_addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static int
parse_options(struct packet *p, struct cursor c)
{
	while (cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c);
		uint8_t len;

		if (kind == OPTION_END) {
			return PACKET_OK;
		}
		if (kind == OPTION_NOP) {
			continue;
		}
		len = cursor_u8(&c);
		if (c.bad || len < 2 || !cursor_bytes(&c, len - 2u)) {
			return PACKET_OPTION;
		}
		if (kind == OPTION_MD5 || kind == OPTION_AO) {
			if (p->has_signature ||
			    (kind == OPTION_MD5 ? len != MD5_LEN
						: len < AO_LEN_MIN)) {
				return PACKET_OPTION;
			}
			p->has_signature = true;
		}
		p->has_fastopen |= kind == OPTION_FASTOPEN;
	}
	return PACKET_OK;
}

int
packet_parse_tcp(struct packet *p, const uint8_t *bytes,
		 const struct packet_ip *ip)
{
	struct cursor c = cursor_over(bytes + ip->at, ip->there);
	size_t header;
	uint8_t offset;

	p->sport = cursor_u16(&c);
	p->dport = cursor_u16(&c);
	p->seq = cursor_u32(&c);
	p->ack = cursor_u32(&c);
	offset = cursor_u8(&c);
	p->reserved = offset & 15;
	p->flags = cursor_u8(&c);
	p->window = cursor_u16(&c);
	cursor_u16(&c); /* the checksum */
	p->urgent = cursor_u16(&c);
	if (c.bad) {
		return PACKET_TRUNCATED;
	}
	header = (offset >> 4) * 4u;
	if (header < PACKET_TCP_HEADER || header > ip->len) {
		return PACKET_LENGTH;
	}
	p->tcp_at = ip->at;
	p->options_at = p->tcp_at + PACKET_TCP_HEADER;
	p->options_len = header - PACKET_TCP_HEADER;
	p->data_at = p->tcp_at + header;
	p->data_len = ip->len - header;
	return header <= ip->there ? PACKET_OK : PACKET_TRUNCATED;
}

/* The next address, as a header has it; where the bytes end, none. */
static void
take_addr(struct packet_addr *addr, uint8_t family, struct cursor *c)
{
	size_t len = family == 4 ? 4 : 16;
	const uint8_t *at = cursor_bytes(c, len);

	memset(addr, 0, sizeof *addr);
	if (at) {
		addr->family = family;
		memcpy(addr->bytes, at, len);
	}
}

static int
parse_ip4(struct packet_ip *ip, struct cursor *c, size_t *payload)
{
	size_t header = (cursor_u8(c) & 15) * 4u;
	size_t total;
	uint16_t fragment;

	ip->tos = cursor_u8(c);
	total = cursor_u16(c);
	ip->id = cursor_u16(c);
	fragment = cursor_u16(c);
	ip->dont_fragment = fragment & 0x4000;
	ip->more_fragments = fragment & 0x2000;
	ip->ttl = cursor_u8(c);
	ip->protocol = cursor_u8(c);
	cursor_u16(c);
	take_addr(&ip->src, 4, c);
	take_addr(&ip->dst, 4, c);
	if (c->bad) {
		return PACKET_TRUNCATED;
	}
	if (header < PACKET_IP4_HEADER || header > total) {
		return PACKET_LENGTH;
	}
	if (fragment & 0x1fff) {
		return PACKET_FRAGMENT;
	}
	cursor_bytes(c, header - PACKET_IP4_HEADER);
	*payload = total - header;
	return PACKET_OK;
}

static int
skip_extension(struct packet_ip *ip, struct cursor *c)
{
	const uint8_t kind = ip->protocol;
	const uint8_t *first = cursor_bytes(c, IP6_EXTENSION_MIN);

	if (!first) {
		return PACKET_TRUNCATED;
	}
	if (ip6_is_later_fragment(kind, first)) {
		return PACKET_FRAGMENT;
	}
	ip->more_fragments |= ip6_is_fragment(kind, first);
	ip->to_be_routed |= ip6_is_to_be_routed(kind, first);
	ip->protocol = first[0];
	cursor_bytes(c, ip6_extension_size(kind, first[1]) - IP6_EXTENSION_MIN);
	return c->bad ? PACKET_TRUNCATED : PACKET_OK;
}

static int
parse_ip6(struct packet_ip *ip, struct cursor *c, size_t *payload)
{
	uint32_t word = cursor_u32(c);
	const uint8_t *start;
	int error = PACKET_OK;

	ip->tos = (uint8_t)(word >> 20);
	ip->label = word & 0xfffff;
	*payload = cursor_u16(c);
	ip->protocol = cursor_u8(c);
	ip->ttl = cursor_u8(c);
	take_addr(&ip->src, 6, c);
	take_addr(&ip->dst, 6, c);
	if (c->bad) {
		return PACKET_TRUNCATED;
	}
	start = c->pos;
	if (*payload < cursor_left(c)) {
		c->end = start + *payload;
	}
	for (int n = 0; ip6_is_extension(ip->protocol) && error == PACKET_OK;
	     n++) {
		error = n < IP6_EXTENSIONS_MAX ? skip_extension(ip, c)
					       : PACKET_EXTENSION;
	}
	*payload -= (size_t)(c->pos - start);
	return error;
}

int
packet_parse_ip(struct packet_ip *ip, const uint8_t *bytes, size_t len)
{
	struct cursor c;
	int error = PACKET_LENGTH;

	memset(ip, 0, sizeof *ip);
	if (len < 1) {
		return PACKET_TRUNCATED;
	}
	c = cursor_over(bytes, len);
	if (bytes[0] >> 4 == 4) {
		error = parse_ip4(ip, &c, &ip->len);
	} else if (bytes[0] >> 4 == 6) {
		error = parse_ip6(ip, &c, &ip->len);
	}
	if (error != PACKET_OK || c.bad) {
		return error != PACKET_OK ? error : PACKET_TRUNCATED;
	}
	ip->at = (size_t)(c.pos - bytes);
	ip->there = len - ip->at < ip->len ? len - ip->at : ip->len;
	return PACKET_OK;
}

/* What TAP refuses of a packet that has nothing wrong otherwise. */
static int
check_ip(const struct packet_ip *ip, size_t wire_len)
{
	if (ip->at + ip->len > wire_len) {
		return PACKET_LENGTH;
	}
	if (ip->more_fragments) {
		return PACKET_FRAGMENT;
	}
	/* To be routed: TCP's checksum has another address. */
	if (ip->to_be_routed || ip->at > PACKET_IP_HEADER_MAX) {
		return PACKET_EXTENSION;
	}
	return ip->protocol == PACKET_TCP ? PACKET_OK : PACKET_NOT_TCP;
}

int
packet_parse(struct packet *p, const uint8_t *bytes, size_t len,
	     size_t wire_len)
{
	struct packet_ip ip;
	int error;

	memset(p, 0, sizeof *p);
	if (len > wire_len) {
		return PACKET_TRUNCATED;
	}
	error = packet_parse_ip(&ip, bytes, len);
	p->src = ip.src;
	p->dst = ip.dst;
	p->ttl = ip.ttl;
	p->tos = ip.tos;
	error = error == PACKET_OK ? check_ip(&ip, wire_len) : error;
	error = error == PACKET_OK ? packet_parse_tcp(p, bytes, &ip) : error;
	if (error != PACKET_OK) {
		return error;
	}
	return parse_options(
		p, cursor_over(bytes + p->options_at, p->options_len));
}

static uint32_t
sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (; len >= 2; bytes += 2, len -= 2) {
		sum += be16_load(bytes);
	}
	if (len > 0) {
		sum += (uint32_t)bytes[0] << 8;
	}
	return sum;
}

static uint16_t
sum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t
packet_sum(const uint8_t *bytes, size_t len)
{
	return sum_finish(sum_bytes(0, bytes, len));
}

/* The pseudo header: two addresses in any order, protocol and length. */
static uint32_t
sum_pseudo(const struct packet_addr *src, const struct packet_addr *dst,
	   uint8_t protocol, size_t len)
{
	size_t addr_len = src->family == 4 ? 4 : 16;
	uint32_t sum = protocol + (uint32_t)len;

	sum = sum_bytes(sum, src->bytes, addr_len);
	return sum_bytes(sum, dst->bytes, addr_len);
}

uint16_t
packet_checksum(const struct packet_addr *src, const struct packet_addr *dst,
		uint8_t protocol, const uint8_t *bytes, size_t len)
{
	return sum_finish(
		sum_bytes(sum_pseudo(src, dst, protocol, len), bytes, len));
}

uint16_t
packet_tcp_checksum(const uint8_t *bytes, const struct packet *p)
{
	const uint8_t *tcp = bytes + p->tcp_at;
	size_t len = p->data_at - p->tcp_at + p->data_len;
	uint32_t sum = sum_pseudo(&p->src, &p->dst, PACKET_TCP, len);

	sum = sum_bytes(sum, tcp, TCP_CHECKSUM);
	sum = sum_bytes(sum, tcp + TCP_CHECKSUM + 2, len - TCP_CHECKSUM - 2);
	return sum_finish(sum);
}

void
packet_rewrite(uint8_t *bytes, const struct packet *p, uint16_t sport,
	       uint32_t seq, uint16_t window)
{
	uint8_t *tcp = bytes + p->tcp_at;

	be16_store(tcp + TCP_SPORT, sport);
	be32_store(tcp + TCP_SEQ, seq);
	be16_store(tcp + TCP_WINDOW, window);
	be16_store(tcp + TCP_CHECKSUM, packet_tcp_checksum(bytes, p));
}

size_t
packet_copy_headers(uint8_t *out, struct packet *copy, const uint8_t *bytes,
		    const struct packet *p)
{
	memcpy(out, bytes, p->data_at);
	*copy = *p;
	copy->data_len = 0;
	if (p->src.family == 4) {
		be16_store(out + 2, (uint16_t)p->data_at);
		be16_store(out + 10, 0);
		be16_store(out + 10, packet_sum(out, p->tcp_at));
	} else {
		be16_store(out + 4, (uint16_t)(p->data_at - PACKET_IP6_HEADER));
	}
	return p->data_at;
}
