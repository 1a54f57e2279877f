#include "replay_test/forge.h"

#include <string.h>

#include "base/bytes.h"
#include "measure/build.h"

/* Where the fields are, from the TCP header on. */
#define TCP_DPORT 2
#define TCP_OFFSET 12
#define TCP_FLAGS 13

/* SACK permitted and NOPs: TAP's checks ignore these. */
static const uint8_t first_word[4] = { 1, 1, 4, 2 };
static const uint8_t other_word[4] = { 1, 1, 1, 1 };

static void
put_length(uint8_t *out, size_t len)
{
	build_length(out, len);
	if (out[0] >> 4 == 4) {
		be16_store(out + 10, 0);
		out[8] = BUILD_TTL;
	} else {
		out[7] = BUILD_TTL;
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

size_t
forgery_fragment(uint8_t out[FORGERY_MAX], const uint8_t *bytes, size_t len,
		 unsigned part, size_t split, uint16_t id)
{
	struct packet p;

	if (packet_parse(&p, bytes, len, len) != PACKET_OK ||
	    !packet_is_plain(&p) || len - p.tcp_at <= split) {
		return 0;
	}
	return build_fragment(out, bytes, len, part, split, id);
}
