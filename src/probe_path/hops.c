#include "probe_path/hops.h"

#define BIT(field) (1u << (field))

uint32_t
path_trail_marks(enum field_trace kind, uint8_t family)
{
	uint32_t marks = 0;

	for (enum field f = 0; f < FIELDS; f++) {
		if (field_kind(f)->trace == kind && field_exists(f, family)) {
			marks |= BIT(f);
		}
	}
	return marks;
}

void
path_trail_take(struct path_trail *trail, unsigned hop, enum field_trace kind,
		const struct packet_addr *router,
		const struct field_values *sent,
		const struct field_values *quoted)
{
	struct path_hop *h = &trail->hops[hop - 1];
	uint32_t marks = path_trail_marks(kind, router->family);

	h->addr = *router;
	h->answered[kind] = true;
	for (enum field f = 0; f < FIELDS; f++) {
		if (!(marks & BIT(f))) {
			continue;
		}
		switch (field_compare(f, sent, quoted)) {
		case FIELD_SAME:
			h->same |= BIT(f);
			break;
		case FIELD_CHANGED:
		case FIELD_REMOVED:
			h->changed |= BIT(f);
			break;
		case FIELD_HIDDEN:
			break;
		}
	}
}

/* From hops that answer plain SYNs and no longer those with the field. */
static struct path_change
find_loss(const struct path_trail *trail, enum field field)
{
	enum field_trace kind = field_kind(field)->trace;
	struct path_change change = { .lost = true };

	if (kind == FIELD_TRACE_NONE) {
		return change;
	}
	for (unsigned i = 0; i < trail->count; i++) {
		if (trail->hops[i].answered[kind]) {
			change.after = i + 1;
			change.before = 0;
		} else if (trail->hops[i].answered[FIELD_TRACE_PLAIN] &&
			   change.before == 0) {
			change.before = i + 1;
		}
	}
	change.found = trail->count > 0;
	return change;
}

struct path_change
path_trail_change(const struct path_trail *trail, enum field field,
		  enum path_state state)
{
	struct path_change change = { 0 };

	if (!trail->traced) {
		return change;
	}
	for (unsigned i = 0; i < trail->count; i++) {
		const struct path_hop *h = &trail->hops[i];

		if (h->changed & BIT(field)) {
			change.found = true;
			change.before = i + 1;
			return change;
		}
		if (h->same & BIT(field)) {
			change.after = i + 1;
		}
	}
	if (state == PATH_LOST) {
		return find_loss(trail, field);
	}
	/*
	 * It changes between the last router that quotes it and the far side.
	 */
	change.found = state == PATH_REWRITTEN && change.after > 0;
	return change;
}
