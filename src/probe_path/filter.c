#include "probe_path/filter.h"

/*
 * Whether a SYN has the sequence number that was announced: whoever is
 * told of it learns no number of anybody else's.  A time stamp would not
 * do, as some systems' are easily guessed.
 */
static bool
is_announced(const struct trial_probe *p, const struct field_values *v)
{
	return p->sent.present & v->present & 1u << FIELD_SEQ &&
		p->sent.value[FIELD_SEQ] == v->value[FIELD_SEQ];
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
	if ((!own && !is_announced(&t->probes[at], v)) ||
	    f->copies[at] >= PATH_FILTER_COPIES) {
		return PATH_FILTER_NOTHING;
	}
	if (f->copies[at] == 0 || own) {
		f->flows[at].addr = v->src;
		f->flows[at].port = (uint16_t)v->value[FIELD_SPORT];
	}
	f->arrived += f->copies[at]++ == 0;
	return PATH_FILTER_WHOLE;
}

/*
 * What goes to where a SYN of the plan came from, and nowhere but to the
 * near side itself: the source of a SYN may be forged, and its answer
 * has a number that only who has that address is to learn.
 */
static enum path_filter_part
wants_answer(struct path_filter *f, const struct trial *t,
	     const struct packet_addr *peer, const struct field_values *v)
{
	if (peer && !packet_addr_equal(&v->dst, peer)) {
		return PATH_FILTER_NOTHING;
	}
	for (size_t i = 0; i < t->count; i++) {
		if (f->copies[i] > 0 &&
		    f->flows[i].port == v->value[FIELD_DPORT] &&
		    packet_addr_equal(&f->flows[i].addr, &v->dst)) {
			if (f->answers[i] == PATH_FILTER_COPIES) {
				return PATH_FILTER_NOTHING;
			}
			f->answers[i]++;
			return PATH_FILTER_WHOLE;
		}
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
	return v->flags & (PACKET_SYN | PACKET_RST)
		? wants_answer(f, t, peer, v)
		: PATH_FILTER_NOTHING;
}
