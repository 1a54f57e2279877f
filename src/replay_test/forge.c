#include "replay_test/forge.h"

#include <string.h>

#include "base/bytes.h"

#define TTL 64
#define FRAGMENT_HEADER 8u /* of IPv6 */
#define PROTOCOL_FRAGMENT 44
#define MORE_FRAGMENTS4 0x2000
#define MORE_FRAGMENTS6 1

/* Where the fields are, from the TCP header on. */
#define TCP_DPORT 2
#define TCP_OFFSET 12
#define TCP_FLAGS 13

/* SACK permitted, and nothing: what no check of TAP's covers. */
static const uint8_t first_word[4] = { 1, 1, 4, 2 };
static const uint8_t other_word[4] = { 1, 1, 1, 1 };

/* The length of the whole, where the IP header has it; no checksum yet. */
static void
put_length(uint8_t *out, size_t len)
{
	if (out[0] >> 4 == 4) {
		be16_store(out + 2, (uint16_t)len);
		/* The kernel computes it for a raw packet. */
		be16_store(out + 10, 0);
		out[8] = TTL;
	} else {
		be16_store(out + 4, (uint16_t)(len - PACKET_IP6_HEADER));
		out[7] = TTL;
	}
}

static void
put_ends(uint8_t *out, struct packet *p, const struct forgery *f)
{
	size_t addr_len = f->src.family == 4 ? 4 : 16;
	size_t at = f->src.family == 4 ? 12 : 8;

	memcpy(out + at, f->src.bytes, addr_len);
	memcpy(out + at + addr_len, f->dst.bytes, addr_len);
	be16_store(out + p->tcp_at + TCP_DPORT, f->dport);
	p->src = f->src;
	p->dst = f->dst;
}

static void
add_options(uint8_t *out, struct packet *p, unsigned words)
{
	for (unsigned i = 0; i < words &&
	     p->options_len + 4 <= PACKET_TCP_HEADER_MAX - PACKET_TCP_HEADER;
	     i++) {
		memcpy(out + p->data_at, i == 0 ? first_word : other_word, 4);
		p->options_len += 4;
		p->data_at += 4;
	}
	out[p->tcp_at + TCP_OFFSET] =
		(uint8_t)((p->data_at - p->tcp_at) / 4 << 4);
}

size_t
forgery_build(uint8_t out[FORGERY_MAX], const uint8_t *bytes,
	      const struct packet *syn, const struct forgery *f)
{
	struct packet p;

	packet_copy_headers(out, &p, bytes, syn);
	put_ends(out, &p, f);
	add_options(out, &p, f->words);
	p.data_len = f->data < FORGERY_DATA_MAX ? f->data : FORGERY_DATA_MAX;
	memset(out + p.data_at, 'x', p.data_len);
	put_length(out, p.data_at + p.data_len);
	packet_rewrite(out, &p, f->sport, f->seq, f->window);
	return p.data_at + p.data_len;
}

size_t
forgery_reset(uint8_t out[FORGERY_MAX], const uint8_t *bytes,
	      const struct packet *syn, const struct forgery *f)
{
	struct packet p;

	packet_copy_headers(out, &p, bytes, syn);
	put_ends(out, &p, f);
	p.data_at = p.options_at;
	p.options_len = 0;
	add_options(out, &p, 0);
	out[p.tcp_at + TCP_FLAGS] = PACKET_RST;
	put_length(out, p.data_at);
	packet_rewrite(out, &p, f->sport, f->seq, 0);
	return p.data_at;
}

static size_t
fragment4(uint8_t *out, const uint8_t *bytes, size_t len, unsigned part,
	  size_t split, uint16_t id)
{
	size_t from = part == 0 ? 0 : split;
	size_t to = part == 0 ? split : len - PACKET_IP4_HEADER;

	memcpy(out, bytes, PACKET_IP4_HEADER);
	memcpy(out + PACKET_IP4_HEADER, bytes + PACKET_IP4_HEADER + from,
	       to - from);
	be16_store(out + 4, id);
	be16_store(out + 6,
		   (uint16_t)(from / 8 | (part == 0 ? MORE_FRAGMENTS4 : 0)));
	put_length(out, PACKET_IP4_HEADER + to - from);
	return PACKET_IP4_HEADER + to - from;
}

static size_t
fragment6(uint8_t *out, const uint8_t *bytes, size_t len, unsigned part,
	  size_t split, uint16_t id)
{
	size_t at = PACKET_IP6_HEADER + FRAGMENT_HEADER;
	size_t from = part == 0 ? 0 : split;
	size_t to = part == 0 ? split : len - PACKET_IP6_HEADER;

	memcpy(out, bytes, PACKET_IP6_HEADER);
	memset(out + PACKET_IP6_HEADER, 0, FRAGMENT_HEADER);
	out[PACKET_IP6_HEADER] = out[6];
	out[6] = PROTOCOL_FRAGMENT;
	be16_store(out + PACKET_IP6_HEADER + 2,
		   (uint16_t)(from | (part == 0 ? MORE_FRAGMENTS6 : 0)));
	be16_store(out + PACKET_IP6_HEADER + 6, id);
	memcpy(out + at, bytes + PACKET_IP6_HEADER + from, to - from);
	put_length(out, at + to - from);
	return at + to - from;
}

size_t
forgery_fragment(uint8_t out[FORGERY_MAX], const uint8_t *bytes, size_t len,
		 unsigned part, size_t split, uint16_t id)
{
	struct packet p;
	bool v4;

	if (packet_parse(&p, bytes, len, len) != PACKET_OK ||
	    !packet_is_plain(&p) || len - p.tcp_at <= split) {
		return 0;
	}
	v4 = p.src.family == 4;
	return v4 ? fragment4(out, bytes, len, part, split, id)
		  : fragment6(out, bytes, len, part, split, id);
}
