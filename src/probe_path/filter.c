#include "probe_path/filter.h"

static bool
wants_syn(struct path_filter *f, const struct trial *t,
	  const struct packet_addr *peer, const struct field_values *v)
{
	bool own = peer && packet_addr_equal(&v->src, peer);
	unsigned bits;
	size_t at = trial_match(t, v, f->copies, &bits);

	if (at == TRIAL_NONE) {
		return own && f->strangers++ < PATH_FILTER_STRANGERS;
	}
	if ((!own && bits < TRIAL_CERTAIN) ||
	    f->copies[at] >= PATH_FILTER_COPIES) {
		return false;
	}
	if (f->copies[at]++ == 0) {
		f->flows[at].addr = v->src;
		f->flows[at].port = (uint16_t)v->value[FIELD_SPORT];
		f->arrived++;
	}
	return true;
}

/* What goes to where a SYN of the plan came from. */
static bool
wants_answer(struct path_filter *f, const struct trial *t,
	     const struct field_values *v)
{
	for (size_t i = 0; i < t->count; i++) {
		if (f->copies[i] > 0 &&
		    f->flows[i].port == v->value[FIELD_DPORT] &&
		    packet_addr_equal(&f->flows[i].addr, &v->dst)) {
			if (f->answers[i] == PATH_FILTER_COPIES) {
				return false;
			}
			f->answers[i]++;
			return true;
		}
	}
	return false;
}

bool
path_filter_wants(struct path_filter *f, const struct trial *t,
		  const struct packet_addr *peer, const struct field_values *v)
{
	if (field_is_syn(v)) {
		return wants_syn(f, t, peer, v);
	}
	return v->flags & (PACKET_SYN | PACKET_RST) && wants_answer(f, t, v);
}
