/* SPDX-License-Identifier: ISC */
/*
 * A packet: what packet.h promises of whatever it takes.  The first two
 * bytes are how much longer the packet was before it was cut.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"
#include "protocol/packet.h"
#include "protocol/sender.h"

static void
check_fields(const struct packet *p, size_t len, size_t wire_len)
{
	CHECK(p->src.family == 4 || p->src.family == 6);
	CHECK(p->dst.family == p->src.family);
	CHECK(p->tcp_at <= PACKET_IP_HEADER_MAX);
	CHECK(p->tcp_at >=
	      (p->src.family == 4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER));
	CHECK(p->options_at == p->tcp_at + PACKET_TCP_HEADER);
	CHECK(p->data_at == p->options_at + p->options_len);
	CHECK(p->data_at - p->tcp_at <= PACKET_TCP_HEADER_MAX);
	CHECK(p->data_at <= len);
	CHECK(p->data_at + p->data_len <= wire_len);
}

/* The headers alone are a packet, and the same one. */
static void
check_copy(const uint8_t *bytes, const struct packet *p)
{
	uint8_t out[PACKET_HEADERS_MAX];
	struct packet copy, again;
	size_t len;

	CHECK(p->data_at <= sizeof out);
	len = packet_copy_headers(out, &copy, bytes, p);
	packet_rewrite(out, &copy, 1234, 0xdeadbeef, 0x1234);
	CHECK(len == p->data_at);
	CHECK(packet_parse(&again, out, len, len) == PACKET_OK);
	CHECK(again.data_len == 0);
	CHECK(again.sport == 1234 && again.seq == 0xdeadbeef);
	CHECK(again.window == 0x1234);
	CHECK(again.dport == p->dport && again.flags == p->flags);
	CHECK(again.ttl == p->ttl && again.tos == p->tos);
	CHECK(again.options_len == p->options_len);
	CHECK(packet_addr_equal(&again.src, &p->src));
	CHECK(packet_addr_equal(&again.dst, &p->dst));
	CHECK(packet_tcp_checksum(out, &again) ==
	      be16_load(out + again.tcp_at + 16));
}

static void
check_rewrite(const uint8_t *bytes, size_t len, const struct packet *p)
{
	uint8_t *own = malloc(len);
	struct packet again;

	CHECK(own);
	memcpy(own, bytes, len);
	packet_rewrite(own, p, 1, 2, 3);
	CHECK(packet_parse(&again, own, len, len) == PACKET_OK);
	CHECK(again.sport == 1 && again.seq == 2 && again.window == 3);
	CHECK(again.data_len == p->data_len);
	CHECK(memcmp(own, bytes, p->tcp_at) == 0);
	CHECK(packet_tcp_checksum(own, &again) ==
	      be16_load(own + again.tcp_at + 16));
	free(own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	size_t more = cursor_u16(&c);
	size_t len = cursor_left(&c);
	const uint8_t *bytes = c.pos;
	struct packet p;
	int rc;

	rc = packet_parse(&p, bytes, len, len + more);
	CHECK(rc <= PACKET_OK && rc >= PACKET_OPTION);
	if (rc != PACKET_OK) {
		return 0;
	}
	check_fields(&p, len, len + more);
	check_copy(bytes, &p);
	if (p.data_at + p.data_len <= len) {
		check_rewrite(bytes, len, &p);
	}
	if (packet_is_syn(&p)) {
		CHECK(!(p.flags & PACKET_ACK));
		CHECK((sender_judge(&p) == SENDER_SIGNATURE) ==
		      p.has_signature);
	}
	/* Longer than it ever was: that is no packet. */
	CHECK(len == 0 || packet_parse(&p, bytes, len, len - 1) < 0);
	return 0;
}
