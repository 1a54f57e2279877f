#include "fastpath/ingress_groups.h"

#include <errno.h>
#include <stddef.h>

#include "fastpath/bpf.h"
#include "os/clock.h"

/* Write those of a layer that the receiver knows nothing of; how many. */
static size_t
take_frames(const uint64_t *frames, struct ingress_record *out)
{
	size_t count = 0;

	for (size_t i = 0; i < INGRESS_FRAMES; i++) {
		const bool told = frames[i] & INGRESS_FRAME_TOLD;

		out->frame[i] = told ? 0 : frames[i];
		count += out->frame[i] != 0;
	}
	return count;
}

static bool
is_alive(const struct ingress *s, const struct ingress_group *g)
{
	const int64_t age = (int64_t)(clock_us() * 1000 - g->since);

	return g->slow == 0 && age <= (int64_t)s->assembly;
}

static void
take_group(const struct ingress_group_key *key, const struct ingress_group *g,
	   ingress_groups_take *take, void *context)
{
	for (size_t layer = 0; layer < INGRESS_LAYERS; layer++) {
		struct ingress_record r = { .group_key = *key };

		if (take_frames(g->frame[layer], &r) > 0) {
			take(context, &r);
		}
	}
}

int
ingress_groups_empty(struct ingress *s, ingress_groups_take *take,
		     void *context)
{
	static const struct ingress_group_key
		none; /* the first comes after it */
	const int map = s->map[INGRESS_MAP_GROUPS];
	struct ingress_group_key next;
	int more;

	if (!s->config || s->flood) {
		return 0;
	}
	more = bpf_map_next(map, &none, &next);
	while (more == 0) {
		const struct ingress_group_key key = next;
		struct ingress_group g;
		const bool found = bpf_map_get(map, &key, &g) == 0;

		/* From one that is not there it would begin anew. */
		more = bpf_map_next(map, &key, &next);
		if (bpf_map_remove(map, &key) == 0 && found &&
		    !(key.family & INGRESS_FAMILY_OTHER) && is_alive(s, &g)) {
			take_group(&key, &g, take, context);
		}
	}
	return more == -ENOENT ? 0 : more;
}
