#include "protocol/candidates.h"

struct reassembly_key
candidates_key(const struct hash_key *hash, const struct packet *p,
	       const uint8_t *options, bool loose)
{
	struct reassembly_key key = {
		.src = p->src,
		.dst = p->dst,
		.dport = p->dport,
		.mark = p->window,
		.loose = loose,
	};

	if (loose) {
		key.mark = options
			? (uint32_t)hash_bytes(hash, options, p->options_len)
			: 0;
	}
	return key;
}

static bool
is_neighbour(const struct reassembly_key *a, const struct reassembly_key *b)
{
	return a->loose && b->loose && a->dport == b->dport &&
		packet_addr_equal(&a->src, &b->src) &&
		packet_addr_equal(&a->dst, &b->dst);
}

/*
 * The groups of one frame that came last from an address to a service, the
 * latest first; 0 where they are more than one connection's, or where some
 * have more: then options do tell frames apart.
 */
static size_t
find_lone(struct reassembly *q, const struct reassembly_key *key,
	  uint64_t since, struct reassembly_group *lone[FRAME_MAX])
{
	struct reassembly_group *group = reassembly_newest(q);
	size_t count = 0;

	for (unsigned n = 0;
	     n < CANDIDATES_AMONG && group && group->arrived >= since; n++) {
		if (is_neighbour(&group->key, key)) {
			if (group->count > 1 || count == FRAME_MAX) {
				return 0;
			}
			lone[count++] = group;
		}
		group = reassembly_older(q, group);
	}
	return count;
}

static void
add(struct reassembly *q, struct candidates *c, struct reassembly_group *group)
{
	struct reassembly_frame *f = reassembly_first(q, group);

	for (; f; f = reassembly_next(q, f)) {
		c->frame[c->count] = f;
		c->group[c->count++] = group;
	}
}

void
candidates_find(struct reassembly *q, struct reassembly_group *group,
		uint64_t since, struct candidates *c)
{
	struct reassembly_group *lone[FRAME_MAX];
	size_t count;

	c->count = 0;
	c->single = group->key.loose && group->count == 1;
	if (!c->single) {
		add(q, c, group);
		return;
	}
	count = find_lone(q, &group->key, since, lone);
	while (count > 0) {
		add(q, c, lone[--count]);
	}
}

bool
candidates_wait(struct reassembly *q, const struct reassembly_key *key,
		uint64_t since)
{
	struct reassembly_group *lone[FRAME_MAX];

	return key->loose && find_lone(q, key, since, lone) > 0;
}
