#include "probe_path/messages.h"

#include <string.h>

#include "base/bytes.h"

static const uint8_t magic[8] = { 't', 'a', 'p', '-', 'p', 'a', 't', 'h' };

#define HELLO_LEN (sizeof magic + 2 + 2 + 1 + PATH_TALK_NONCE)
#define WELCOME_LEN (2 + 1 + PATH_TALK_NONCE)
#define SEEN_HEADER 9u

static const struct {
	uint32_t min, max;
} lengths[PATH_TALK_TYPES] = {
	[PATH_TALK_HELLO] = { HELLO_LEN, HELLO_LEN },
	[PATH_TALK_WELCOME] = { WELCOME_LEN, WELCOME_LEN },
	[PATH_TALK_PROOF] = { MAC_PROOF_BYTES, MAC_PROOF_BYTES },
	[PATH_TALK_ASK] = { 8, 8 },
	[PATH_TALK_CLOCK] = { 24, 24 },
	[PATH_TALK_PLAN] = { 1, PATH_TALK_PLAN_MAX },
	[PATH_TALK_READY] = { 0, 0 },
	[PATH_TALK_SEEN] = { SEEN_HEADER + 1, PATH_TALK_SMALL_MAX },
	[PATH_TALK_END] = { 0, 0 },
	[PATH_TALK_DONE] = { 4, 4 },
	[PATH_TALK_REFUSED] = { 1, 1 },
};

ptrdiff_t
path_talk_parse(struct path_talk *m, const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);
	uint32_t word;
	uint8_t type;
	size_t body;

	/* Refuse a wrong type at once, without waiting for a whole message. */
	if (len > 0 && (bytes[0] == 0 || bytes[0] >= PATH_TALK_TYPES)) {
		return -1;
	}
	word = cursor_u32(&c);
	if (c.bad) {
		return 0;
	}
	type = (uint8_t)(word >> 24);
	body = word & 0xffffff;
	if (body < lengths[type].min || body > lengths[type].max) {
		return -1;
	}
	if (body > cursor_left(&c)) {
		return 0;
	}
	m->type = type;
	m->len = body;
	m->body = c.pos;
	return (ptrdiff_t)(PATH_TALK_HEADER + body);
}

void
path_talk_header(uint8_t out[PATH_TALK_HEADER], enum path_talk_type type,
		 size_t len)
{
	be32_store(out, (uint32_t)type << 24 | (uint32_t)(len & 0xffffff));
}

size_t
path_talk_put_hello(uint8_t *out, const struct path_talk_hello *h)
{
	memcpy(out, magic, sizeof magic);
	out += sizeof magic;
	be16_store(out, h->version);
	be16_store(out + 2, h->key_no);
	out[4] = h->has_key;
	memcpy(out + 5, h->nonce, PATH_TALK_NONCE);
	return HELLO_LEN;
}

size_t
path_talk_put_welcome(uint8_t *out, const struct path_talk_hello *h)
{
	be16_store(out, h->version);
	out[2] = h->has_key;
	memcpy(out + 3, h->nonce, PATH_TALK_NONCE);
	return WELCOME_LEN;
}

static int
take_nonce(struct path_talk_hello *h, struct cursor *c)
{
	const uint8_t *nonce = cursor_bytes(c, PATH_TALK_NONCE);

	if (!nonce) {
		return -1;
	}
	memcpy(h->nonce, nonce, PATH_TALK_NONCE);
	return 0;
}

int
path_talk_get_hello(struct path_talk_hello *h, const struct path_talk *m)
{
	struct cursor c = cursor_over(m->body, m->len);
	const uint8_t *found = cursor_bytes(&c, sizeof magic);

	memset(h, 0, sizeof *h);
	if (m->type != PATH_TALK_HELLO || !found ||
	    memcmp(found, magic, sizeof magic) != 0) {
		return -1;
	}
	h->version = cursor_u16(&c);
	h->key_no = cursor_u16(&c);
	h->has_key = cursor_u8(&c) != 0;
	return take_nonce(h, &c);
}

int
path_talk_get_welcome(struct path_talk_hello *h, const struct path_talk *m)
{
	struct cursor c = cursor_over(m->body, m->len);

	memset(h, 0, sizeof *h);
	if (m->type != PATH_TALK_WELCOME) {
		return -1;
	}
	h->version = cursor_u16(&c);
	h->has_key = cursor_u8(&c) != 0;
	return take_nonce(h, &c);
}

void
path_talk_prove(uint8_t out[MAC_PROOF_BYTES], enum path_talk_side side,
		const struct mac_key *key, const uint8_t near[PATH_TALK_NONCE],
		const uint8_t far[PATH_TALK_NONCE])
{
	uint8_t text[sizeof magic + 1 + 2 * PATH_TALK_NONCE];

	memcpy(text, magic, sizeof magic);
	text[sizeof magic] = (uint8_t)side;
	memcpy(text + sizeof magic + 1, near, PATH_TALK_NONCE);
	memcpy(text + sizeof magic + 1 + PATH_TALK_NONCE, far, PATH_TALK_NONCE);
	mac_prove(key, text, sizeof text, out);
}

/* Either clock may have any value: subtract unsigned, then halve as signed. */
int64_t
path_talk_skew(const struct path_talk_times *t)
{
	int64_t out = (int64_t)(t->t2 - t->t1);
	int64_t back = (int64_t)(t->t3 - t->t4);

	return out / 2 + back / 2;
}

uint64_t
path_talk_delay(const struct path_talk_times *t)
{
	uint64_t all = t->t4 - t->t1;
	uint64_t there = t->t3 - t->t2;

	return all > there ? all - there : 0;
}
