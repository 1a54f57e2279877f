/* SPDX-License-Identifier: ISC */
#include "probes/packet.h"

#include <string.h>

#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define TCP_HEADER 20u

uint16_t
get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t
get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void
put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void
put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static uint32_t
add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	}
	return sum;
}

uint16_t
packet_sum(bool v6, const uint8_t *src, const uint8_t *dst, uint8_t protocol,
	   const uint8_t *bytes, size_t len)
{
	uint32_t sum = add(0, bytes, len);

	if (src) {
		sum = add(sum, src, v6 ? 16 : 4);
		sum = add(sum, dst, v6 ? 16 : 4);
		sum += protocol + (uint32_t)len;
	}
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static size_t
put_tcp(uint8_t *at, const struct spec *s)
{
	size_t header = TCP_HEADER + s->opts_len;
	size_t len = header + s->data_len;

	memset(at, 0, len);
	put16(at, s->sport);
	put16(at + 2, s->dport);
	put32(at + 4, s->seq);
	put32(at + 8, s->ack);
	at[12] = (uint8_t)(header / 4 << 4 | s->hi);
	at[13] = s->flags;
	put16(at + 14, s->window);
	memcpy(at + TCP_HEADER, s->opts, s->opts_len);
	put16(at + 16,
	      packet_sum(s->v6, s->src, s->dst, TCP, at, len) ^ s->badsum);
	return len;
}

/* The bytes from `at` on, of which more follow or not. */
static void
put_ip4(struct packet *p, const struct spec *s, const uint8_t *payload,
	size_t at, size_t len, bool more)
{
	size_t header = IP4_HEADER + s->ipopts_len;
	uint8_t *out = p->bytes;

	memset(out, 0, IP4_HEADER);
	out[0] = (uint8_t)(0x40 | header / 4);
	out[1] = s->tos;
	put16(out + 2, (uint16_t)(header + len));
	put16(out + 4, (uint16_t)s->tag);
	put16(out + 6,
	      (uint16_t)(at / 8 | (more ? 0x2000 : 0) |
			 (s->cut_count || s->may_fragment ? 0 : 0x4000)));
	out[8] = s->ttl;
	out[9] = TCP;
	memcpy(out + 12, s->src, 4);
	memcpy(out + 16, s->dst, 4);
	memcpy(out + IP4_HEADER, s->ipopts, s->ipopts_len);
	put16(out + 10, packet_sum(false, NULL, NULL, 0, out, header));
	memcpy(out + header, payload + at, len);
	p->len = header + len;
}

static void
put_ip6(struct packet *p, const struct spec *s, const uint8_t *payload,
	size_t at, size_t len, bool more)
{
	uint8_t *out = p->bytes;
	uint8_t *next = out + 6;
	uint8_t *end = out + IP6_HEADER;

	put32(out, 6u << 28 | (uint32_t)s->tos << 20 | s->tag);
	out[7] = s->ttl;
	memcpy(out + 8, s->src, 16);
	memcpy(out + 24, s->dst, 16);
	for (size_t i = 0; i < s->ext_count; i++) {
		*next = s->exts[i].number;
		next = end;
		memcpy(end + 1, s->exts[i].body, s->exts[i].len);
		if (s->exts[i].number == FRAGMENT) {
			/* Nobody else's pieces. */
			put32(end + 4, get32(end + 4) ^ s->tag << 8);
		}
		end += 1 + s->exts[i].len;
	}
	if (s->cut_count) {
		*next = FRAGMENT;
		next = end;
		end[1] = 0;
		put16(end + 2, (uint16_t)(at | more));
		put32(end + 4, s->tag);
		end += 8;
	}
	*next = TCP;
	memcpy(end, payload + at, len);
	end += len;
	p->len = (size_t)(end - out);
	put16(out + 4, (uint16_t)(p->len - IP6_HEADER));
}

size_t
packet_build(struct packet out[PIECES_MAX], const struct spec *s)
{
	uint8_t payload[PACKET_BYTES];
	size_t all = put_tcp(payload, s);
	size_t count = 0;
	size_t at = 0;

	for (size_t i = 0; at < all; i++) {
		size_t len = all - at;
		bool more = false;

		if (i < s->cut_count && s->cuts[i] < len) {
			len = s->cuts[i];
			more = true;
		}
		if (i + 1 != s->missing) {
			(s->v6 ? put_ip6 : put_ip4)(&out[count++], s, payload,
						    at, len, more);
		}
		at += len;
	}
	return count;
}

void
packet_wrap(struct packet *out, bool v6, const uint8_t *src, const uint8_t *dst,
	    uint8_t protocol, const void *payload, size_t len)
{
	struct spec s = { .v6 = v6, .ttl = 64, .tag = 0x4242 };

	memcpy(s.src, src, v6 ? 16 : 4);
	memcpy(s.dst, dst, v6 ? 16 : 4);
	(v6 ? put_ip6 : put_ip4)(out, &s, payload, 0, len, false);
	if (v6) {
		out->bytes[6] = protocol;
		return;
	}
	out->bytes[9] = protocol;
	put16(out->bytes + 10, 0);
	put16(out->bytes + 10,
	      packet_sum(false, NULL, NULL, 0, out->bytes, IP4_HEADER));
}
