#include "fastpath/ingress_groups.h"

#include <stddef.h>

#include "fastpath/bpf.h"
#include "os/clock.h"

/* Write those of its frames that the gate knows nothing of; how many. */
static size_t
take_frames(const struct sieve_group *g, struct sieve_record *out)
{
	size_t count = 0;

	for (size_t i = 0; i < SIEVE_FRAMES; i++) {
		const bool told = g->frame[i] & SIEVE_FRAME_TOLD;

		out->frame[i] = told ? 0 : g->frame[i];
		count += out->frame[i] != 0;
	}
	return count;
}

static bool
is_alive(const struct sieve *s, const struct sieve_group *g)
{
	const int64_t age = (int64_t)(clock_us() * 1000 - g->since);

	return age <= (int64_t)s->config->assembly;
}

void
sieve_groups_empty(struct sieve *s, sieve_groups_take *take, void *context)
{
	static const struct sieve_quad none; /* the first comes after it */
	const int map = s->map[SIEVE_MAP_GROUPS];
	struct sieve_quad next;
	int more;

	if (!s->config || s->flood) {
		return;
	}
	more = bpf_map_next(map, &none, &next);
	while (more == 0) {
		struct sieve_record r = { .quad = next };
		struct sieve_group g;
		const bool found = bpf_map_get(map, &r.quad, &g) == 0;

		/* From one that is not there it would begin anew. */
		more = bpf_map_next(map, &r.quad, &next);
		if (bpf_map_remove(map, &r.quad) == 0 && found &&
		    g.slow == 0 && is_alive(s, &g) &&
		    take_frames(&g, &r) > 0) {
			take(context, &r);
		}
	}
}
