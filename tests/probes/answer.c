/* SPDX-License-Identifier: ISC */
#include "probes/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define IP6_HEADER 40u
#define TURNED_MAX 6u
#define NEAR 4096u /* an acknowledgement counts so much data at most */

struct line {
	char *out;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void
put(struct line *l, const char *format, ...)
{
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(l->out + l->len, ANSWER_TEXT - l->len, format, list);
	va_end(list);
	l->len += len > 0 ? (size_t)len : 0;
	if (l->len >= ANSWER_TEXT) {
		l->len = ANSWER_TEXT - 1;
	}
}

static void
put_hex(struct line *l, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		put(l, "%02x", bytes[i]);
	}
}

/* Where a packet's payload begins, what it is and how long; 0: nowhere. */
static size_t
payload_of(const uint8_t *bytes, size_t len, bool v6, uint8_t *protocol,
	   size_t *size)
{
	size_t header = v6 ? IP6_HEADER : (bytes[0] & 15u) * 4u;
	size_t all;

	if (len < (v6 ? IP6_HEADER : 20u) || bytes[0] >> 4 != (v6 ? 6 : 4)) {
		return 0;
	}
	all = v6 ? IP6_HEADER + get16(bytes + 4) : get16(bytes + 2);
	if (header > all || header > len) {
		return 0;
	}
	*protocol = bytes[v6 ? 6 : 9];
	*size = (all < len ? all : len) - header;
	return header;
}

const uint8_t *
answer_tcp(const struct heard *h, bool v6, size_t *len)
{
	uint8_t protocol;
	size_t at = payload_of(h->bytes, h->len, v6, &protocol, len);

	return at && protocol == TCP && *len >= 20 ? h->bytes + at : NULL;
}

static bool
is_error(uint8_t type, bool v6)
{
	return v6 ? type >= 1 && type <= 4
		  : type == 3 || type == 4 || type == 5 || type == 11 ||
			type == 12;
}

bool
answer_key(struct answer_key *key, const struct heard *h, bool v6)
{
	uint8_t protocol;
	size_t len;
	size_t at = payload_of(h->bytes, h->len, v6, &protocol, &len);
	const uint8_t *payload = h->bytes + at;

	memset(key, 0, sizeof *key);
	if (at == 0) {
		return false;
	}
	if (protocol == TCP && len >= 20) {
		key->sport = get16(payload);
		key->dport = get16(payload + 2);
		return true;
	}
	if (protocol == (v6 ? ICMP6 : ICMP4) && len >= 8 + 20 &&
	    is_error(payload[0], v6)) {
		key->icmp = true;
		key->tag = v6 ? get32(payload + 8) & 0xfffff
			      : get16(payload + 8 + 4);
		return true;
	}
	return false;
}

static void
put_options(struct line *l, const uint8_t *at, size_t len)
{
	while (len > 0) {
		size_t size = at[0] < 2 ? 1 : len < 2 ? 0 : at[1];

		if (size == 0 || size > len) {
			put(l, "broken ");
			put_hex(l, at, len);
			return;
		}
		if (at[0] == 8 && size == 10) {
			put(l, "ts."); /* echoed: */
			put_hex(l, at + 6, 4);
		} else {
			put_hex(l, at, size);
		}
		put(l, ".");
		at += size;
		len -= size;
	}
}

static void
put_tcp(struct line *l, const struct heard *h, const uint8_t *at, size_t len,
	const struct spec *sent)
{
	size_t header = (at[12] >> 4) * 4u;
	uint32_t seq = get32(at + 4);
	uint32_t ack = get32(at + 8);
	const uint8_t *src = h->bytes + (sent->v6 ? 8 : 12);
	const uint8_t *dst = h->bytes + (sent->v6 ? 24 : 16);

	put(l, "tcp %x%02x", at[12] & 15u, at[13]);
	put(l, " seq=%s",
	    seq == 0                   ? "0"
		    : seq == sent->ack ? "ack"
		    : seq == sent->seq ? "seq"
				       : "own");
	if (ack - sent->seq < NEAR && (ack || sent->seq)) {
		put(l, " ack=seq+%u", ack - sent->seq);
	} else {
		put(l, " ack=%s",
		    ack == 0                   ? "0"
			    : ack == sent->ack ? "ack"
					       : "own");
	}
	put(l, " win=%u urg=%u", get16(at + 14), get16(at + 18));
	if (header < 20 || header > len) {
		put(l, " offset=%zu", header);
		return;
	}
	put(l, " opts=");
	put_options(l, at + 20, header - 20);
	put(l, " data=%zu", len - header);
	if (packet_sum(sent->v6, src, dst, TCP, at, len) != 0) {
		put(l, " WRONG SUM");
	}
}

/*
 * What of the quotation is not what was sent: OFFSET:BITS of a few bytes.
 * Where a header is gone all is, by other numbers in each packet.
 */
static void
put_quote(struct line *l, const uint8_t *quote, size_t len,
	  const struct spec *sent)
{
	struct packet pieces[PIECES_MAX];
	size_t start = l->len;
	size_t shown = 0;

	packet_build(pieces, sent);
	for (size_t i = 0; i < len && i < pieces[0].len; i++) {
		uint8_t turned = quote[i] ^ pieces[0].bytes[i];

		/* The header's sum follows what else has changed. */
		if (turned && (sent->v6 || (i != 10 && i != 11))) {
			put(l, " %zu:%02x", i, turned);
			shown++;
		}
		if (shown == TURNED_MAX) {
			l->len = start;
			put(l, " rewritten");
			break;
		}
	}
}

static void
put_icmp(struct line *l, const uint8_t *at, size_t len, const struct spec *sent)
{
	put(l, "icmp %u/%u rest=", at[0], at[1]);
	put_hex(l, at + 4, 4);
	put(l, " quotes=%zu", len - 8);
	put_quote(l, at + 8, len - 8, sent);
}

static void
put_ip(struct line *l, const struct heard *h, size_t header, bool icmp,
       const struct spec *sent)
{
	const uint8_t *at = h->bytes;
	bool v6 = sent->v6;
	bool itself = memcmp(at + (v6 ? 8 : 12), sent->dst, v6 ? 16 : 4) == 0;
	bool us = memcmp(at + (v6 ? 24 : 16), sent->src, v6 ? 16 : 4) == 0;

	if (!itself) {
		put(l, " from=");
		put_hex(l, at + (v6 ? 8 : 12), v6 ? 16 : 4);
	}
	if (!us) {
		put(l, " to=");
		put_hex(l, at + (v6 ? 24 : 16), v6 ? 16 : 4);
	}
	if (v6) {
		uint32_t label = get32(at) & 0xfffff;

		put(l, " class=%02x hops=%u label=%s", get32(at) >> 20 & 255,
		    at[7],
		    label == 0                   ? "0"
			    : label == sent->tag ? "ours"
						 : "set");
		return;
	}
	put(l, " tos=%02x ttl=%u frag=%04x", at[1], at[8], get16(at + 6));
	/* Of ICMP it counts up. */
	put(l, " id=%s", icmp ? "-" : get16(at + 4) ? "set" : "0");
	if (header > 20) {
		put(l, " ipopts=");
		/* Of time stamps, the time is nobody's property. */
		put_hex(l, at + 20, at[20] == 0x44 ? 4 : header - 20);
	}
}

void
answer_text(char out[ANSWER_TEXT], const struct heard *h,
	    const struct spec *sent)
{
	struct line l = { out, 0 };
	uint8_t protocol = 0;
	size_t len = 0;
	size_t header = payload_of(h->bytes, h->len, sent->v6, &protocol, &len);

	out[0] = '\0';
	if (protocol == TCP) {
		put_tcp(&l, h, h->bytes + header, len, sent);
	} else {
		put_icmp(&l, h->bytes + header, len, sent);
	}
	put_ip(&l, h, header, protocol != TCP, sent);
}
