/*
 * What the ingress program's program in the kernel knows of a SYN's service:
 * its rule, its keys, the time, and whether there is a flood.
 */
#ifndef TAP_FASTPATH_BPF_LOOKUP_H
#define TAP_FASTPATH_BPF_LOOKUP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "fastpath/bpf_mac.h"
#include "fastpath/door_map.h"
#include "fastpath/ingress_map.h"
#include "fastpath/bpf_net.h"
#include "fastpath/bpf_packet.h"
#include "fastpath/bpf_roles.h"

#define SECOND 1000000000ull
#define BATCH 32 /* SYNs of one processor counted at once */

static long (*map_update)(const void *, const void *, const void *,
			  uint64_t) = (void *)BPF_FUNC_map_update_elem;
static long (*map_delete)(const void *,
			  const void *) = (void *)BPF_FUNC_map_delete_elem;
static uint64_t (*clock_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static void *(*ring_reserve)(const void *, uint64_t,
			     uint64_t) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*ring_submit)(void *, uint64_t) = (void *)BPF_FUNC_ringbuf_submit;
static void (*ring_discard)(void *,
			    uint64_t) = (void *)BPF_FUNC_ringbuf_discard;
static uint64_t (*ring_query)(const void *,
			      uint64_t) = (void *)BPF_FUNC_ringbuf_query;

/* The maps, by the names that the loader knows them by. */
extern const char config_map, ports_map, locals_map, lists_map, rules_map,
	entries_map, ranges_map, keys_map, groups_map, marks_map, rates_map,
	counts_map, records_map, charges_map, devices_map;

/*
 * What is known of a packet is kept here and not on the stack: what it
 * knows nothing of, the verifier follows once for all packets.
 */
struct scratch {
	struct ingress_work work;
	int64_t batch[2]; /* see struct ingress_rate */
	uint64_t barrier; /* an atomic addition is one */
	uint64_t flood;
	uint64_t other;  /* the port is not protected: see find_scene() */
	uint64_t routed; /* it goes through this host */
	uint64_t closed; /* nothing is taken: what is no group goes on */
	uint64_t checks; /* that the receiver makes */
	struct ingress_group_key group_key;
	uint64_t tcp_at;
	struct ingress_local local; /* the last one that was found */
	uint64_t locals_turn;
	struct ingress_group group; /* one that begins */
	struct search search;
	struct sorted sorted;
	struct door_key admitted;
	uint64_t expires;
};

/* What is known of a SYN's service. */
struct scene {
	const struct ingress_config *config;
	struct scratch *scratch;
	uint64_t now; /* ns, monotonic */
	uint64_t utc; /* s */
	uint32_t entry;
	uint32_t keys; /* its class, to the door */
	uint32_t tolerance;
};

/*
 * Whether nothing comes of it: 1 or 0.  What decides of protected ports is done
 * for all others, too, so that it takes as long.
 */
static inline_always uint32_t
is_other(const struct scene *scene)
{
	return *(const volatile uint64_t *)&scene->scratch->other & 1;
}

static inline_always uint32_t
is_routed(const struct scene *scene)
{
	return *(const volatile uint64_t *)&scene->scratch->routed & 1;
}

static inline_always void
count(const struct scene *scene, uint32_t what)
{
	uint64_t *n = map_lookup(&counts_map, &what);

	if (n) {
		*n += !is_other(scene);
	}
}

/* ---- the service */

static inline_always bool
is_from(const struct syn *s, uint32_t device)
{
	const uint32_t at = device - 1;
	const uint32_t *index = map_lookup(&devices_map, &at);

	return index && *index == s->device;
}

static inline_always const struct ingress_rule *
rule_for(struct syn *s, uint32_t list)
{
	const struct ingress_list *l = map_lookup(&lists_map, &list);

	for (uint32_t i = 0; l && i < INGRESS_RULES_MAX; i++) {
		const struct ingress_rule *r;
		uint32_t at;

		if (i >= l->count) {
			break;
		}
		at = l->rule[i];
		r = map_lookup(&rules_map, &at);
		if (r && r->device && s->device == 0) {
			s->device_matters = true;
			break;
		}
		if (r && (r->device == 0 || is_from(s, r->device)) &&
		    net_has((struct net){ &r->dst, &r->dst_mask,
					  r->dst_family },
			    s->group_key.family, &s->group_key.dst) &&
		    net_has((struct net){ &r->src, &r->src_mask,
					  r->src_family },
			    s->group_key.family, &s->group_key.src)) {
			return r;
		}
	}
	return NULL;
}

/* More SYNs than any number of honest clients sends; see receiver.c. */
static inline_always bool
measure_flood(struct scene *scene)
{
	uint32_t other = is_other(scene);
	struct ingress_rate *r = map_lookup(&rates_map, &other);
	/* Read anew: older kernels forget the bound of what was on the stack.
	 */
	int64_t *batch = &scene->scratch->batch[is_other(scene)];
	uint64_t passed;

	if (!r) {
		return false;
	}
	passed = scene->now - r->since;
	/* Another processor may have gone on a little. */
	if (passed >= SECOND && passed < 1ull << 63) {
		r->before = passed < 2 * SECOND ? r->count : 0;
		r->count = 0;
		r->since = scene->now;
	}
	if (++*batch >= BATCH) {
		__sync_fetch_and_add(&r->count, BATCH);
		*batch -= BATCH;
	}
	return scene->config->flood == 0 || r->count > scene->config->flood ||
		r->before > scene->config->flood;
}

/* Those who get in are no flood, however many they are. */
static inline_always void
forgive(struct scratch *scratch, uint32_t syns)
{
	uint32_t what = INGRESS_PROVEN, zero = 0;
	uint64_t *n = map_lookup(&counts_map, &what);
	struct ingress_rate *r = map_lookup(&rates_map, &zero);

	if (n) {
		*n += syns;
	}
	scratch->batch[0] -= syns;
	if (r && scratch->batch[0] <= -BATCH) {
		__sync_fetch_and_add(&r->count, -BATCH);
		scratch->batch[0] += BATCH;
	}
}

/* A host has few addresses, and most SYNs are to the same. */
static inline_always bool
is_local(const struct scene *scene, const struct ingress_group_key *key)
{
	const uint64_t turn = scene->config->locals_turn;
	const struct ingress_local local = { key->dst, key->family };
	struct scratch *scratch = scene->scratch;

	if (scratch->local.addr.word[0] == local.addr.word[0] &&
	    scratch->local.addr.word[1] == local.addr.word[1] &&
	    scratch->local.family == local.family &&
	    scratch->locals_turn == turn) {
		return true;
	}
	if (!map_lookup(&locals_map, &local)) {
		return false;
	}
	scratch->local = local;
	scratch->locals_turn = turn;
	return true;
}

/*
 * In tc a SYN to a port without a rule takes the way of those to the ports of
 * the first list, to the same end as if it had not: a ping behind it must not
 * come sooner than one behind a SYN to a protected port.
 */
static inline_always int
find_scene(struct scene *scene, struct syn *s, bool accepts)
{
	uint32_t at = s->group_key.dport;
	const struct ingress_port *port;
	const struct ingress_rule *rule;
	uint32_t zero = 0, list;

	scene->config = map_lookup(&config_map, &zero);
	scene->scratch = map_lookup(&scratch_map, &zero);
	if (!scene->config || !scene->scratch) {
		return -1;
	}
	scene->scratch->routed = !is_local(scene, &s->group_key);
	if (is_routed(scene) && !s->may_route) {
		return -1;
	}
	at += is_routed(scene) * INGRESS_PORTS;
	port = map_lookup(&ports_map, &at);
	if (!port || (port->list == 0 && !accepts)) {
		return -1;
	}
	scene->scratch->other = port->list == 0;
	list = port->list;
	list -= 1 - is_other(scene);
	rule = rule_for(s, list);
	if (s->device_matters) {
		return -1;
	}
	if (!rule) {
		scene->scratch->other = 1;
	}
	/* Any will do, and is one to the verifier. */
	rule = rule ? rule : map_lookup(&rules_map, &zero);
	/* Only tc can tell the rules who is a stranger. */
	if (!rule || ((rule->closed || is_other(scene)) && !accepts)) {
		return -1;
	}
	scene->scratch->closed = rule->closed;
	scene->scratch->checks = rule->checks;
	s->mark = (uint32_t)scene->config->mark;
	scene->tolerance = rule->tolerance;
	scene->entry = port->entry;
	scene->keys = port->keys;
	scene->now = clock_ns();
	scene->utc = (scene->now + scene->config->utc_offset) / SECOND;
	scene->scratch->group_key = s->group_key;
	scene->scratch->group_key.family |= is_other(scene)
		? INGRESS_FAMILY_OTHER
		: (uint32_t)rule->device << INGRESS_FAMILY_DEVICE;
	scene->scratch->group_key.family |=
		is_routed(scene) * INGRESS_FAMILY_ROUTED;
	scene->scratch->tcp_at = s->tcp_at;
	scene->scratch->flood = measure_flood(scene);
	return 0;
}

static inline_always bool
is_closed(const struct scene *scene)
{
	return *(const volatile uint64_t *)&scene->scratch->closed != 0;
}

static inline_always bool
is_flood(const struct scene *scene)
{
	return *(const volatile uint64_t *)&scene->scratch->flood != 0;
}

/* Whether of a group that begins now a frame may have come before. */
static inline_always bool
is_split(const struct scene *scene)
{
	return scene->now < scene->config->settled;
}

/* ---- marks */

#define TICK_BITS 20 /* of nanoseconds: about a millisecond */
#define AHEAD 1000   /* of these: what processors are apart, and more */

static inline_always uint32_t *
mark_of(const struct scene *scene)
{
	uint32_t zero = 0;
	struct ingress_marks *marks = map_lookup(&marks_map, &zero);

	return marks
		? &marks->heard[scene->scratch->group_key.tag % INGRESS_MARKS]
		: NULL;
}

/* Before a group is there, and whenever it lives on. */
static inline_always void
hear(const struct scene *scene)
{
	uint32_t *heard = mark_of(scene);

	if (heard) {
		*heard = is_other(scene) ? *heard
					 : (uint32_t)(scene->now >> TICK_BITS);
	}
}

/*
 * Whether there may be a group with this mark.  Both ends are rounded, and
 * another processor may have gone on a little.
 */
static inline_always bool
was_heard(const struct scene *scene)
{
	const uint32_t *heard = mark_of(scene);

	return !heard ||
		(uint32_t)(scene->now >> TICK_BITS) + 1 - *heard <=
		(scene->config->assembly >> TICK_BITS) + 3;
}

/* ---- frames */

/* The receiver looks more closely; two seconds are for the clocks. */
static inline_always bool
is_timely(const struct scene *scene, uint32_t seq)
{
	uint32_t most = scene->tolerance + 2;

	return ((seq - (uint32_t)scene->utc + most) & FRAME_SECOND_MASK) <=
		2 * most;
}

/* Whether the port's entry in the access list has a key number. */
static inline_always bool
is_allowed(const struct scene *scene, uint32_t key_no)
{
	uint32_t at = scene->entry - 1;
	const struct ingress_entry *entry;
	uint32_t low, high;

	if (scene->entry == 0) {
		return false;
	}
	entry = map_lookup(&entries_map, &at);
	if (!entry) {
		return false;
	}
	low = entry->first;
	high = entry->first + entry->count;
	for (uint32_t i = 0; i < INGRESS_RANGE_STEPS && low < high; i++) {
		uint32_t middle = low + (high - low) / 2;
		const struct ingress_range *range;

		range = map_lookup(&ranges_map, &middle);
		if (!range) {
			return false;
		}
		if (key_no > range->high) {
			low = middle + 1;
		} else if (key_no < range->low) {
			high = middle;
		} else {
			return true;
		}
	}
	return false;
}

static inline_always const struct ingress_key *
key_of(uint32_t syn1)
{
	uint32_t key_no = frame_key_no(syn1);

	return map_lookup(&keys_map, &key_no);
}

/*
 * Any SYN1 of a length that there is.  Whether its key exists, may use the
 * port and has that length is looked at when the group is whole, and not
 * before: what comes to nothing must not take another time for it.
 */
static inline_always bool
is_head(uint32_t seq)
{
	return frame_flags(seq) <= FRAME_EXTRA_MAX;
}

/*
 * A frame, or 0 where its time is up.  Another processor may be a little
 * ahead.  Without a jump: the verifier would follow each, for each frame.
 */
static inline_always uint64_t
if_fresh(const struct scene *scene, uint64_t frame)
{
	const int64_t most = (int64_t)(scene->config->assembly >> TICK_BITS);
	const uint32_t now = (uint32_t)(scene->now >> TICK_BITS) + AHEAD;
	const int64_t age =
		(now - INGRESS_FRAME_TICK(frame)) & INGRESS_FRAME_TICKS;

	return frame & ~(uint64_t)((most + AHEAD - age) >> 63);
}

/* ---- guesses */

/* Wrong guesses at a short authenticator count, as at the receiver. */
static inline_always void
charge(const struct scene *scene, uint32_t guesses)
{
	struct ingress_charge *charge =
		ring_reserve(&charges_map, sizeof *charge, 0);

	if (charge) {
		charge->src = scene->scratch->group_key.src;
		charge->family =
			INGRESS_FAMILY(scene->scratch->group_key.family);
		charge->guesses = guesses;
		if (is_other(scene)) {
			ring_discard(charge, 0);
		} else {
			ring_submit(charge, 0);
		}
	}
}

/* What could not be charged must not be guessed. */
static inline_always bool
may_charge(void)
{
	return ring_query(&charges_map, BPF_RB_AVAIL_DATA) <
		ring_query(&charges_map, BPF_RB_RING_SIZE) / 2;
}

#endif
