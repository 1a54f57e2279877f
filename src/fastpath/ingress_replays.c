#include "fastpath/ingress_replays.h"

#include <errno.h>
#include <linux/bpf.h>

#include "fastpath/bpf.h"

static void
store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

void
ingress_raise_floor(struct ingress *s, uint64_t instant)
{
	if (s->config && instant > s->config->floor) {
		store(&s->config->floor, instant);
	}
}

bool
ingress_remember(struct ingress *s, uint64_t tag, uint64_t instant)
{
	uint64_t found;
	int rc;

	if (!s->config) {
		return true;
	}
	rc = bpf_map_put(s->map[INGRESS_MAP_REPLAYS], &tag, &instant,
			 BPF_NOEXIST);
	if (rc == 0 || rc == -EEXIST) {
		return rc == 0;
	}
	/*
	 * The program inserts, then looks at the floor; here it is the
	 * other way round: of the two at least one sees the other.
	 */
	ingress_raise_floor(s, instant);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* What can't be looked up may be there. */
	return bpf_map_get(s->map[INGRESS_MAP_REPLAYS], &tag, &found) ==
		-ENOENT;
}

void
ingress_remember_many(struct ingress *s, const uint64_t *tags,
		      const uint64_t *instants, size_t count)
{
	if (!s->config ||
	    bpf_map_put_many(s->map[INGRESS_MAP_REPLAYS], tags, instants,
			     (uint32_t)count) == 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		ingress_raise_floor(s, instants[i]);
	}
}

void
ingress_forget(struct ingress *s, uint64_t tag)
{
	if (!s->config) {
		return;
	}
	s->forgotten[s->forgotten_count++] = tag;
	if (s->forgotten_count == INGRESS_FORGOTTEN) {
		s->forgotten_count = 0;
		(void)bpf_map_remove_many(s->map[INGRESS_MAP_REPLAYS],
					  s->forgotten, sizeof tag,
					  INGRESS_FORGOTTEN);
	}
}

void
ingress_restore(struct ingress *s)
{
	if (s->config) {
		store(&s->config->assembly, s->assembly);
		store(&s->config->strangers, s->strangers);
		store(&s->config->settled, s->settled);
		__atomic_store_n(&s->config->flood, s->flood_limit,
				 __ATOMIC_SEQ_CST);
		__atomic_store_n(&s->config->credit, INGRESS_CREDIT,
				 __ATOMIC_SEQ_CST);
		__atomic_store_n(&s->config->relay, s->relays,
				 __ATOMIC_SEQ_CST);
	}
}

bool
ingress_resume(struct ingress *s)
{
	const bool all = ring_restore(&s->records);

	(void)ring_restore(&s->charges);
	return all;
}

void
ingress_begin(struct ingress *s, uint64_t begin_ms)
{
	if (s->config) {
		/* Whoever had it before us may have left anything there. */
		s->forgotten_count = 0;
		(void)bpf_map_empty(s->map[INGRESS_MAP_REPLAYS], 8, 8);
		store(&s->config->floor, 0);
		store(&s->config->begin_ms, begin_ms);
	}
}

bool
ingress_can_accept(const struct ingress *s)
{
	for (size_t i = 0; i < s->ifname_count; i++) {
		if (ingress_link_by_tc(&s->links[i])) {
			return s->config != NULL;
		}
	}
	return false;
}

bool
ingress_accepts(const struct ingress *s)
{
	return s->config && s->config->accept;
}

void
ingress_accept(struct ingress *s, uint32_t mark)
{
	if (s->config) {
		store(&s->config->mark, mark);
		store(&s->config->accept, 1);
	}
}

void
ingress_accept_none(struct ingress *s)
{
	if (s->config) {
		store(&s->config->accept, 0);
	}
}
