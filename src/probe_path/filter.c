#include "probe_path/filter.h"

/*
 * Whether a SYN has an announced sequence number. Only then may the near side
 * see it, for it must not learn numbers of other hosts' connections. A time
 * stamp would not do: those of some systems are easily guessed.
 */
static bool
is_announced(const struct trial_probe *p, const struct field_values *v)
{
	return p->sent.present & v->present & 1u << FIELD_SEQ &&
		p->sent.value[FIELD_SEQ] == v->value[FIELD_SEQ];
}

/* Note where answers to it go: to the source that it had first. */
static void
note_flow(struct path_filter *f, size_t at, const struct field_values *v)
{
	uint16_t *first = &f->first[trial_bucket(v->value[FIELD_SPORT])];
	struct path_filter_flow *flow = &f->flows[at];

	if (flow->addr.family == 0) {
		flow->addr = v->src;
		flow->port = (uint16_t)v->value[FIELD_SPORT];
		flow->next = *first;
		*first = (uint16_t)(at + 1);
	}
}

static enum path_filter_part
wants_syn(struct path_filter *f, const struct trial *t,
	  const struct packet_addr *peer, const struct field_values *v)
{
	bool own = peer && packet_addr_equal(&v->src, peer);
	unsigned bits;
	size_t at = trial_match(t, v, f->copies, &bits);

	if (at == TRIAL_NONE) {
		return own && f->strangers++ < PATH_FILTER_STRANGERS
			? PATH_FILTER_HEADER
			: PATH_FILTER_NOTHING;
	}
	if (peer ? !own && !is_announced(&t->probes[at], v)
		 : bits < TRIAL_CERTAIN) {
		return PATH_FILTER_NOTHING;
	}
	if (f->copies[at] >= PATH_FILTER_COPIES) {
		return PATH_FILTER_NOTHING;
	}
	if (own || !peer) {
		note_flow(f, at, v);
	}
	f->arrived += f->copies[at]++ == 0;
	return PATH_FILTER_WHOLE;
}

/*
 * Whether a packet answers a SYN of the plan. Only answers to the near side's
 * own address are told: a SYN's source may be forged, and the sequence number
 * of its answer is for the owner of that address alone.
 */
static enum path_filter_part
wants_answer(struct path_filter *f, const struct packet_addr *peer,
	     const struct field_values *v)
{
	size_t at = f->first[trial_bucket(v->value[FIELD_DPORT])];

	if (peer && !packet_addr_equal(&v->dst, peer)) {
		return PATH_FILTER_NOTHING;
	}
	for (unsigned n = 0; at > 0 && n < TRIAL_CHAIN_MAX; n++) {
		struct path_filter_flow *flow = &f->flows[at - 1];

		if (flow->port == v->value[FIELD_DPORT] &&
		    packet_addr_equal(&flow->addr, &v->dst)) {
			if (flow->answers == PATH_FILTER_COPIES) {
				return PATH_FILTER_NOTHING;
			}
			flow->answers++;
			return PATH_FILTER_WHOLE;
		}
		at = flow->next;
	}
	return PATH_FILTER_NOTHING;
}

enum path_filter_part
path_filter_wants(struct path_filter *f, const struct trial *t,
		  const struct packet_addr *peer, const struct field_values *v)
{
	if (field_is_syn(v)) {
		return wants_syn(f, t, peer, v);
	}
	return v->flags & (PACKET_SYN | PACKET_RST) ? wants_answer(f, peer, v)
						    : PATH_FILTER_NOTHING;
}
