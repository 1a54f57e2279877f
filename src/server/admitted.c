#include "server/admitted.h"

#include <string.h>

#include "base/bytes.h"

void
admitted_init(struct admitted *a, const struct hash_key *hash)
{
	memset(a, 0, sizeof *a);
	a->hash = *hash;
}

static uint64_t
what_is(const struct admitted *a, const struct packet_addr *src, uint16_t sport,
	uint32_t isn)
{
	uint8_t bytes[1 + sizeof src->bytes + 2 + 4];

	bytes[0] = src->family;
	memcpy(bytes + 1, src->bytes, sizeof src->bytes);
	be16_store(bytes + 1 + sizeof src->bytes, sport);
	be32_store(bytes + 1 + sizeof src->bytes + 2, isn);
	return hash_bytes(&a->hash, bytes, sizeof bytes);
}

/* Also by the port that it goes to. */
static uint64_t
what_routed(const struct admitted *a, const struct packet *syn)
{
	return what_is(a, &syn->src, syn->sport, syn->seq) ^
		what_is(a, &syn->src, syn->dport, 0);
}

void
admitted_note(struct admitted *a, const struct packet *syn, bool routed,
	      uint64_t ms)
{
	const uint64_t what = routed
		? what_routed(a, syn)
		: what_is(a, &syn->src, syn->sport, syn->seq);

	a->syns[what % ADMITTED_MAX].what = what;
	a->syns[what % ADMITTED_MAX].ms = ms;
}

static bool
take(struct admitted *a, uint64_t what, uint64_t ms)
{
	uint64_t *was = &a->syns[what % ADMITTED_MAX].what;
	const bool is_it = *was == what && what != 0 &&
		ms - a->syns[what % ADMITTED_MAX].ms <= ADMITTED_MS;

	*was = is_it ? 0 : *was;
	return is_it;
}

bool
admitted_take(struct admitted *a, const struct packet *syn, uint64_t ms)
{
	return take(a, what_is(a, &syn->src, syn->sport, syn->seq), ms) ||
		take(a, what_routed(a, syn), ms);
}

bool
admitted_again(struct admitted *a, const struct packet_addr *src,
	       uint16_t sport, uint32_t isn, uint64_t ms)
{
	const uint64_t what = what_is(a, src, sport, isn);
	const size_t at = what % ADMITTED_MAX;
	const bool again = a->accepted[at].what == what &&
		ms - a->accepted[at].ms <= ADMITTED_AGAIN_MS;

	a->accepted[at].what = what;
	a->accepted[at].ms = ms;
	return again;
}

void
admitted_hold(struct admitted *a, uint64_t id, uint32_t mark)
{
	/* Most packets have no mark, and then no entry. */
	if (mark != 0 || a->marks[id % ADMITTED_MAX].id == id) {
		a->marks[id % ADMITTED_MAX].id = id;
		a->marks[id % ADMITTED_MAX].mark = mark;
	}
}

uint32_t
admitted_mark(struct admitted *a, uint64_t id)
{
	return a->marks[id % ADMITTED_MAX].id == id
		? a->marks[id % ADMITTED_MAX].mark
		: 0;
}
