#include "probe_path/places.h"

#include <string.h>

static struct packet_addr
source_of(const struct packet_addr *from)
{
	struct packet_addr source = *from;

	if (source.family == 6) {
		memset(source.bytes + 8, 0, 8);
	}
	return source;
}

/* Whether this place may be taken from the one who has it. */
static bool
gives_way(const struct place *place, uint64_t ms)
{
	return !place->proven &&
		(!place->announced || ms - place->since >= PLACES_FAIR_MS);
}

/* Which of two gives way: one that has sent nothing yet, else the older. */
static bool
gives_way_first(const struct place *a, const struct place *b)
{
	if (a->announced != b->announced) {
		return b->announced;
	}
	return a->since < b->since;
}

/* The place that a source has without a key, or PLACES_MAX. */
static size_t
find_source(const struct places *p, const struct packet_addr *source)
{
	size_t at = 0;

	while (at < PLACES_MAX &&
	       (!p->at[at].taken || p->at[at].proven ||
		!packet_addr_equal(&p->at[at].source, source))) {
		at++;
	}
	return at;
}

size_t
places_find(const struct places *p, const struct packet_addr *from, uint64_t ms)
{
	const struct packet_addr source = source_of(from);
	size_t found = find_source(p, &source);

	if (found < PLACES_MAX) {
		return gives_way(&p->at[found], ms) ? found : PLACES_MAX;
	}
	for (size_t i = 0; i < PLACES_MAX; i++) {
		const struct place *place = &p->at[i];

		if (!place->taken) {
			return i;
		}
		if (gives_way(place, ms) &&
		    (found == PLACES_MAX ||
		     gives_way_first(place, &p->at[found]))) {
			found = i;
		}
	}
	return found;
}

void
places_take(struct places *p, size_t at, const struct packet_addr *from,
	    uint64_t ms)
{
	p->at[at] = (struct place){
		.taken = true,
		.source = source_of(from),
		.since = ms,
	};
}

void
places_leave(struct places *p, size_t at)
{
	p->at[at] = (struct place){ .taken = false };
}

bool
places_prove(struct places *p, size_t at)
{
	size_t proven = 0;

	for (size_t i = 0; i < PLACES_MAX; i++) {
		proven += p->at[i].proven;
	}
	if (proven >= PLACES_PROVEN_MAX) {
		return false;
	}
	p->at[at].proven = true;
	return true;
}
