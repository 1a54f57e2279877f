#include "protocol/packet.h"

#include <string.h>

#include "base/bytes.h"

#define IPPROTO_OF_TCP 6
#define EXTENSIONS_MAX 8 /* more headers than any honest packet chains */

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

const char *
packet_error_name(int error)
{
	static const char *const names[] = {
		"ok",
		"truncated",
		"bad length",
		"fragment",
		"not TCP",
		"bad extension headers",
		"bad TCP options",
	};

	return names[-error];
}

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

/* tcp_len: the bytes that the IP header says TCP has, data included. */
static int
parse_tcp(struct packet *p, const uint8_t *bytes, size_t len, size_t tcp_len)
{
	struct cursor c = cursor_over(bytes + p->tcp_at, len - p->tcp_at);
	size_t header;
	const uint8_t *options;

	p->sport = cursor_u16(&c);
	p->dport = cursor_u16(&c);
	p->seq = cursor_u32(&c);
	p->ack = cursor_u32(&c);
	header = (cursor_u8(&c) >> 4) * 4u;
	p->flags = cursor_u8(&c);
	p->window = cursor_u16(&c);
	cursor_bytes(&c, 4); /* checksum, urgent pointer */
	if (c.bad) {
		return PACKET_TRUNCATED;
	}
	if (header < PACKET_TCP_HEADER || header > tcp_len) {
		return PACKET_LENGTH;
	}
	p->options_at = p->tcp_at + PACKET_TCP_HEADER;
	p->options_len = header - PACKET_TCP_HEADER;
	p->data_at = p->tcp_at + header;
	p->data_len = tcp_len - header;
	options = cursor_bytes(&c, p->options_len);
	if (!options) {
		return PACKET_TRUNCATED;
	}
	return parse_options(p, cursor_over(options, p->options_len));
}

void
packet_addr_take(struct packet_addr *addr, uint8_t family, struct cursor *c)
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
parse_ip4(struct packet *p, const uint8_t *bytes, size_t len, size_t wire_len)
{
	struct cursor c = cursor_over(bytes, len);
	size_t header = (cursor_u8(&c) & 15) * 4u;
	size_t total;
	uint16_t fragment;
	uint8_t protocol;

	p->tos = cursor_u8(&c);
	total = cursor_u16(&c);
	cursor_u16(&c);
	fragment = cursor_u16(&c);
	p->ttl = cursor_u8(&c);
	protocol = cursor_u8(&c);
	cursor_u16(&c);
	packet_addr_take(&p->src, 4, &c);
	packet_addr_take(&p->dst, 4, &c);
	if (c.bad) {
		return PACKET_TRUNCATED;
	}
	if (header < PACKET_IP4_HEADER || header > total || total > wire_len) {
		return PACKET_LENGTH;
	}
	if (fragment & 0x3fff) { /* more fragments, or an offset */
		return PACKET_FRAGMENT;
	}
	if (protocol != IPPROTO_OF_TCP) {
		return PACKET_NOT_TCP;
	}
	if (header > len) {
		return PACKET_TRUNCATED;
	}
	p->tcp_at = header;
	return parse_tcp(p, bytes, len < total ? len : total, total - header);
}

/*
 * Follow the chain of extension headers (RFC 8200, 4) from `next` to
 * TCP.  Returns the number of bytes of the chain, or an error.
 */
static ptrdiff_t
skip_extensions(struct cursor c, uint8_t next)
{
	const uint8_t *start = c.pos;

	for (int n = 0; next != IPPROTO_OF_TCP; n++) {
		uint8_t kind = next;
		size_t extra;
		uint32_t rest;

		if (n == EXTENSIONS_MAX) {
			return PACKET_EXTENSION;
		}
		next = cursor_u8(&c);
		extra = cursor_u8(&c);
		rest = (uint32_t)cursor_u16(&c) << 16;
		rest |= cursor_u16(&c);
		cursor_u16(&c);
		switch (kind) {
		case 43: /* routing: TCP's checksum has another address */
			if (rest >> 16 & 255) {
				return PACKET_EXTENSION;
			}
			extra *= 8;
			break;
		case 44: /* fragment: offset and M must be 0 (RFC 6946) */
			if (rest >> 16 & 0xfff9) {
				return c.bad ? PACKET_TRUNCATED
					     : PACKET_FRAGMENT;
			}
			extra = 0;
			break;
		case 51: /* authentication: 8 bytes, then fours */
			extra *= 4;
			break;
		case 0:   /* hop-by-hop options */
		case 60:  /* destination options */
		case 135: /* mobility */
		case 139: /* host identity */
		case 140: /* shim6 */
			extra *= 8;
			break;
		default:
			return PACKET_NOT_TCP;
		}
		cursor_bytes(&c, extra);
		if (c.bad) {
			return PACKET_TRUNCATED;
		}
	}
	return c.pos - start;
}

static int
parse_ip6(struct packet *p, const uint8_t *bytes, size_t len, size_t wire_len)
{
	struct cursor c = cursor_over(bytes, len);
	size_t payload;
	uint8_t next;
	ptrdiff_t chain;

	p->tos = (uint8_t)(cursor_u32(&c) >> 20);
	payload = cursor_u16(&c);
	next = cursor_u8(&c);
	p->ttl = cursor_u8(&c);
	packet_addr_take(&p->src, 6, &c);
	packet_addr_take(&p->dst, 6, &c);
	if (c.bad) {
		return PACKET_TRUNCATED;
	}
	if (payload > wire_len - PACKET_IP6_HEADER) {
		return PACKET_LENGTH;
	}
	if (payload < cursor_left(&c)) {
		c.end = c.pos + payload;
	}
	chain = skip_extensions(c, next);
	if (chain < 0) {
		return (int)chain;
	}
	p->tcp_at = PACKET_IP6_HEADER + (size_t)chain;
	if (p->tcp_at > PACKET_IP_HEADER_MAX) {
		return PACKET_EXTENSION;
	}
	return parse_tcp(p, bytes, (size_t)(c.end - bytes),
			 payload - (size_t)chain);
}

int
packet_parse(struct packet *p, const uint8_t *bytes, size_t len,
	     size_t wire_len)
{
	memset(p, 0, sizeof *p);
	if (len < 1 || len > wire_len) {
		return PACKET_TRUNCATED;
	}
	switch (bytes[0] >> 4) {
	case 4:
		return parse_ip4(p, bytes, len, wire_len);
	case 6:
		return parse_ip6(p, bytes, len, wire_len);
	default:
		return PACKET_LENGTH;
	}
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
packet_checksum(const struct packet_addr *src, const struct packet_addr *dst,
		uint8_t protocol, const uint8_t *bytes, size_t len)
{
	size_t addr_len = src->family == 4 ? 4 : 16;
	uint32_t sum = protocol + (uint32_t)len;

	sum = sum_bytes(sum, src->bytes, addr_len);
	sum = sum_bytes(sum, dst->bytes, addr_len);
	return sum_finish(sum_bytes(sum, bytes, len));
}

/* Of a TCP header and its data, between two addresses in any order. */
static uint16_t
tcp_checksum(const uint8_t *tcp, size_t len, const struct packet *p)
{
	size_t addr_len = p->src.family == 4 ? 4 : 16;
	uint32_t sum = IPPROTO_OF_TCP + (uint32_t)len;

	sum = sum_bytes(sum, p->src.bytes, addr_len);
	sum = sum_bytes(sum, p->dst.bytes, addr_len);
	sum = sum_bytes(sum, tcp, TCP_CHECKSUM);
	sum = sum_bytes(sum, tcp + TCP_CHECKSUM + 2, len - TCP_CHECKSUM - 2);
	return sum_finish(sum);
}

uint16_t
packet_tcp_checksum(const uint8_t *bytes, const struct packet *p)
{
	return tcp_checksum(bytes + p->tcp_at,
			    p->data_at - p->tcp_at + p->data_len, p);
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
		be16_store(out + 10, sum_finish(sum_bytes(0, out, p->tcp_at)));
	} else {
		be16_store(out + 4, (uint16_t)(p->data_at - PACKET_IP6_HEADER));
	}
	return p->data_at;
}
