/*
 * The sieve: runs in the kernel where packets come in (XDP, tc), ahead of
 * the queue.  It takes the frames of a group off the wire, and when all have
 * come and the authenticator is right it lets SYN0 go on, with the others
 * in a ring for the gate, which judges the group as if it had come by the
 * queue.  So the gate decides alone, on one packet a group.
 *
 * The frames of a group are one SYN with other numbers: if SYN0 was not
 * the last to come, the last is made into it.
 *
 * What does not fit goes to the gate as it came, along with what was
 * taken of its group before; but under flood it is dropped.
 *
 * Frames of one group may come on several processors at once.  Each has
 * its own word in the group; who sets `slow` takes what is there, and who
 * sees `slow` after writing lets the packet go on, too: the gate takes no
 * offence at a frame that it has already.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "sieve_mac.h"
#include "sieve_map.h"
#include "sieve_packet.h"
#include "sieve_sort.h"

#define SECTION(name) __attribute__((section(name), used))
#define SECOND 1000000000ull
#define BATCH 32 /* SYNs of one processor counted at once */

static void *(*map_lookup)(const void *, const void *) =
	(void *)BPF_FUNC_map_lookup_elem;
static long (*map_update)(const void *, const void *, const void *,
			  uint64_t) = (void *)BPF_FUNC_map_update_elem;
static long (*map_delete)(const void *, const void *) =
	(void *)BPF_FUNC_map_delete_elem;
static uint64_t (*clock_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static void *(*ring_reserve)(const void *, uint64_t, uint64_t) =
	(void *)BPF_FUNC_ringbuf_reserve;
static void (*ring_submit)(void *, uint64_t) =
	(void *)BPF_FUNC_ringbuf_submit;
static uint64_t (*ring_query)(const void *, uint64_t) =
	(void *)BPF_FUNC_ringbuf_query;

/* The maps, by the names that the loader knows them by. */
extern const char config_map, ports_map, locals_map, lists_map, rules_map,
	entries_map, ranges_map, keys_map, groups_map, rate_map, scratch_map,
	counts_map, records_map, charges_map;

/*
 * What is known of a packet is kept here and not on the stack: what it
 * knows nothing of, the verifier follows once for all packets.
 */
struct scratch {
	uint64_t batch;
	uint64_t barrier; /* an atomic addition is one */
	uint64_t flood;
	struct sieve_quad quad;
	uint64_t tcp_at;
	struct sieve_work work;
	struct sieve_group group;
};

/* What is known of a SYN's service. */
struct scene {
	const struct sieve_config *config;
	struct scratch *scratch;
	uint64_t now; /* ns, monotonic */
	uint64_t utc; /* s */
	uint32_t entry;
	uint32_t tolerance;
};

static inline_always void
count(uint32_t what)
{
	uint64_t *n = map_lookup(&counts_map, &what);

	if (n) {
		(*n)++;
	}
}

/* ---- the service */

static inline_always bool
net_has(const struct sieve_addr *net, const struct sieve_addr *mask,
	uint32_t family, const struct syn *s, const struct sieve_addr *addr)
{
	return family == 0 ||
	       (family == s->quad.family &&
		((net->word[0] ^ addr->word[0]) & mask->word[0]) == 0 &&
		((net->word[1] ^ addr->word[1]) & mask->word[1]) == 0);
}

static inline_always const struct sieve_rule *
rule_for(const struct syn *s, uint32_t list)
{
	const struct sieve_list *l = map_lookup(&lists_map, &list);

	for (uint32_t i = 0; l && i < SIEVE_RULES_MAX; i++) {
		const struct sieve_rule *r;
		uint32_t at;

		if (i >= l->count) {
			break;
		}
		at = l->rule[i];
		r = map_lookup(&rules_map, &at);
		if (r && net_has(&r->dst, &r->dst_mask, r->dst_family, s,
				 &s->quad.dst) &&
		    net_has(&r->src, &r->src_mask, r->src_family, s,
			    &s->quad.src)) {
			return r;
		}
	}
	return NULL;
}

/* More SYNs than any number of honest clients sends; see gate.c. */
static inline_always bool
measure_flood(struct scene *scene)
{
	uint32_t zero = 0;
	struct sieve_rate *r = map_lookup(&rate_map, &zero);
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
	if (++scene->scratch->batch >= BATCH) {
		__sync_fetch_and_add(&r->count, BATCH);
		scene->scratch->batch = 0;
	}
	return scene->config->flood == 0 ||
	       r->count > scene->config->flood ||
	       r->before > scene->config->flood;
}

static inline_always int
find_scene(struct scene *scene, const struct syn *s)
{
	uint32_t at = s->quad.dport;
	const struct sieve_port *port = map_lookup(&ports_map, &at);
	const struct sieve_local local = { s->quad.dst, s->quad.family };
	const struct sieve_rule *rule;
	uint32_t zero = 0;

	if (!port || port->list == 0) {
		return -1;
	}
	if (!map_lookup(&locals_map, &local)) {
		return -1;
	}
	rule = rule_for(s, port->list - 1u);
	scene->config = map_lookup(&config_map, &zero);
	scene->scratch = map_lookup(&scratch_map, &zero);
	if (!rule || !scene->config || !scene->scratch) {
		return -1;
	}
	scene->tolerance = rule->tolerance;
	scene->entry = port->entry;
	scene->now = clock_ns();
	scene->utc = (scene->now + scene->config->utc_offset) / SECOND;
	scene->scratch->quad = s->quad;
	scene->scratch->tcp_at = s->tcp_at;
	scene->scratch->flood = measure_flood(scene);
	return 0;
}

static inline_always bool
is_flood(const struct scene *scene)
{
	return *(const volatile uint64_t *)&scene->scratch->flood != 0;
}

/* ---- frames */

/* The gate looks more closely; two seconds are for the clocks. */
static inline_always bool
is_timely(const struct scene *scene, uint32_t seq)
{
	uint32_t most = scene->tolerance + 2;

	return ((seq - (uint32_t)scene->utc + most) & SECOND_MASK) <=
	       2 * most;
}

/* Whether the port's entry in the access list has a key number. */
static inline_always bool
is_allowed(const struct scene *scene, uint32_t key_no)
{
	uint32_t at = scene->entry - 1;
	const struct sieve_entry *entry;
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
	for (uint32_t i = 0; i < SIEVE_RANGE_STEPS && low < high; i++) {
		uint32_t middle = low + (high - low) / 2;
		const struct sieve_range *range;

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

static inline_always const struct sieve_key *
key_of(uint32_t syn1)
{
	uint32_t key_no = syn1 >> 8 & 0xffff;

	return map_lookup(&keys_map, &key_no);
}

static inline_always bool
is_head(const struct scene *scene, uint32_t seq)
{
	const struct sieve_key *key = key_of(seq);

	return key && key->extra == (seq >> 24 & 31) &&
	       scene->utc + 2 >= key->not_before &&
	       scene->utc < key->not_after + 2 &&
	       is_allowed(scene, seq >> 8 & 0xffff);
}

/* ---- groups */

/* Records wait for a packet, and wake nobody before there are many. */
static inline_always void
submit(struct sieve_record *record)
{
	const bool many = ring_query(&records_map, BPF_RB_AVAIL_DATA) >
			  SIEVE_RECORDS_SIZE / 2;

	ring_submit(record, many ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/*
 * Without a flood the gate is told of each frame that is taken, at its
 * leisure: so it can say what became of groups that never are complete.
 */
static inline_always bool
tell(const struct scene *scene, uint64_t frame)
{
	struct sieve_record *record;

	if (is_flood(scene)) {
		return false;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		return false;
	}
	__builtin_memset(record, 0, sizeof *record);
	record->quad = scene->scratch->quad;
	record->frame[0] = frame;
	submit(record);
	return true;
}

/*
 * From here on the gate has the group: what it was not told of goes ahead,
 * but for the frame that goes on itself.
 */
static inline_always int
hand_over(const struct scene *scene, struct sieve_group *g,
	  const struct sieve_group *from, uint64_t except)
{
	struct sieve_record *record;
	uint64_t some = 0;

	g->passed = 1;
	g->since = scene->now;
	__sync_fetch_and_add(&g->slow, 1); /* a barrier, too */
#pragma clang loop unroll(full)
	for (int i = 0; i < SIEVE_FRAMES; i++) {
		const uint64_t frame = from->frame[i];

		some |= frame & SIEVE_FRAME_TOLD || is_same(frame, except) ?
				0 : frame;
	}
	if (some == 0) {
		return XDP_PASS;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		count(SIEVE_LOST);
		return is_flood(scene) ? XDP_DROP : XDP_PASS;
	}
	record->quad = scene->scratch->quad;
#pragma clang loop unroll(full)
	for (int i = 0; i < SIEVE_FRAMES; i++) {
		const uint64_t frame = from->frame[i];

		record->frame[i] = frame & SIEVE_FRAME_TOLD ||
				   is_same(frame, except) ? 0 : frame;
	}
	submit(record);
	return XDP_PASS;
}

static inline_always int
drop(uint32_t why)
{
	count(why);
	return XDP_DROP;
}

static inline_always int
pass(void)
{
	count(SIEVE_PASSED);
	return XDP_PASS;
}

/* The first of its group. */
static inline_always int
begin(const struct scene *scene, const struct syn *s)
{
	uint32_t role = role_of(s->seq);
	bool fits = role == SYN2 ? is_timely(scene, s->seq) :
				   role == SYN1 && is_head(scene, s->seq);
	struct sieve_group *g = &scene->scratch->group;

	if (!fits && is_flood(scene)) {
		return drop(SIEVE_DROPPED);
	}
	__builtin_memset(g, 0, sizeof *g);
	g->since = scene->now;
	if (fits) {
		uint64_t frame = SIEVE_FRAME(s->seq, (uint32_t)s->sport);

		frame |= tell(scene, frame) ? SIEVE_FRAME_TOLD : 0;
		if (role == SYN2) {
			g->frame[SYN2] = frame;
		} else {
			g->frame[SYN1] = frame;
		}
	} else {
		g->slow = g->passed = 1;
	}
	/* Another processor was faster, or there is no memory. */
	if (map_update(&groups_map, &scene->scratch->quad, g, BPF_NOEXIST) < 0) {
		return is_flood(scene) ? drop(SIEVE_DROPPED) : pass();
	}
	return fits ? drop(SIEVE_TAKEN) : pass();
}

/* Where a frame belongs by its mark; NULL: it can't be what it says. */
static inline_always uint64_t *
place_of(const struct scene *scene, struct sieve_group *g, const struct syn *s)
{
	switch (role_of(s->seq)) {
	case SYN1:
		return is_head(scene, s->seq) ? &g->frame[SYN1] : NULL;
	case SYN2:
		return is_timely(scene, s->seq) ? &g->frame[SYN2] : NULL;
	case SYN3:
		return &g->frame[SYN3];
	case SYN4:
		return &g->frame[SYN4];
	case SYN5:
		return &g->frame[SYN5];
	default:
		return &g->frame[SYN6];
	}
}

/* A wrong guess at a short authenticator counts, as at the gate. */
static inline_always void
charge(const struct scene *scene)
{
	struct sieve_charge *charge =
		ring_reserve(&charges_map, sizeof *charge, 0);

	if (charge) {
		charge->src = scene->scratch->quad.src;
		charge->family = scene->scratch->quad.family;
		ring_submit(charge, 0);
	}
}

/* All have come; mine is the last. */
static inline_always int
finish(const struct scene *scene, struct sieve_group *g,
       struct sieve_group *sorted, struct syn *s, const struct sieve_key *key,
       uint64_t mine)
{
	bool right = false;

	/* Twice, by the same instructions. */
#pragma clang loop unroll(disable)
	for (int turn = 0; turn < 2 && !right; turn++) {
		if (turn == 1 && !swap(sorted)) {
			break;
		}
		right = is_authentic(&scene->scratch->work, sorted,
				     scene->scratch->quad.dport, key);
		if (!right && is_flood(scene) && extra_of(key) == 0) {
			charge(scene);
		}
	}
	if (right) {
		const uint64_t syn0 = sorted->frame[SYN0];

		count(SIEVE_VERIFIED);
		if (!is_same(syn0, mine)) {
			s->becomes = syn0;
		}
		return hand_over(scene, g, sorted, syn0);
	}
	/* The gate logs it, and counts guesses at short authenticators. */
	if (!is_flood(scene)) {
		count(SIEVE_PASSED);
		return hand_over(scene, g, g, mine);
	}
	map_delete(&groups_map, &scene->scratch->quad);
	count(SIEVE_MAC);
	/* It may be the first frame of another group with this mark. */
	return begin(scene, s);
}

static inline_always int
go_on(const struct scene *scene, struct sieve_group *g, struct syn *s)
{
	const uint64_t mine = SIEVE_FRAME(s->seq, (uint32_t)s->sport);
	struct sieve_group *sorted = &scene->scratch->group;
	const struct sieve_key *key;
	uint64_t *place;

	if (g->slow) {
		if (is_flood(scene) && g->passed >= SIEVE_SLOW_MAX) {
			return drop(SIEVE_DROPPED);
		}
		g->passed++;
		g->since = scene->now;
		return pass();
	}
	place = place_of(scene, g, s);
	/* A copy that the network made. */
	if ((place && is_same(*place, mine)) ||
	    is_same(g->frame[SYN0], mine)) {
		tell(scene, mine);
		return drop(SIEVE_TAKEN);
	}
	if (!place || *place) {
		place = &g->frame[SYN0];
	}
	if (*place) {
		if (is_flood(scene)) {
			return drop(SIEVE_DROPPED);
		}
		count(SIEVE_PASSED);
		return hand_over(scene, g, g, mine);
	}
	*place = mine;
	__sync_fetch_and_add(&scene->scratch->barrier, 1);
	if (*(volatile uint32_t *)&g->slow) {
		return pass();
	}
	key = g->frame[SYN1] ? key_of(SIEVE_FRAME_SEQ(g->frame[SYN1])) : NULL;
	*sorted = *g;
	if (!key || !sort(sorted, key)) {
		*place |= tell(scene, mine) ? SIEVE_FRAME_TOLD : 0;
		return drop(SIEVE_TAKEN);
	}
	return finish(scene, g, sorted, s, key, mine);
}

static inline_always int
judge(const struct scene *scene, struct syn *s)
{
	struct sieve_group *g;

	count(SIEVE_SEEN);
	if (s->data) {
		return is_flood(scene) ? drop(SIEVE_DROPPED) : pass();
	}
	g = map_lookup(&groups_map, &scene->scratch->quad);
	if (g && scene->now - g->since > scene->config->assembly &&
	    scene->now - g->since < 1ull << 63) {
		map_delete(&groups_map, &scene->scratch->quad);
		g = NULL;
	}
	return g ? go_on(scene, g, s) : begin(scene, s);
}

/*
 * The same for both kinds of context.  Where the packet lies is read
 * again: it would take room on a small stack.
 */
#define SIFT(ctx, s, verdict) do { \
	struct scene scene = { 0 }; \
	verdict = XDP_PASS; \
	if (parse(&s, (const uint8_t *)(uint64_t)(ctx)->data, \
		  (const uint8_t *)(uint64_t)(ctx)->data_end) == 0 && \
	    find_scene(&scene, &s) == 0) { \
		verdict = judge(&scene, &s); \
	} \
	if (s.becomes && \
	    become(&s, (uint32_t)scene.scratch->tcp_at, (uint8_t *)(uint64_t)(ctx)->data, \
		   (const uint8_t *)(uint64_t)(ctx)->data_end) < 0) { \
		verdict = XDP_DROP; \
	} \
} while (0)

/* In the driver, or where it would be. */
SECTION("xdp") int
sieve_xdp(struct xdp_md *ctx)
{
	struct syn s = { 0 };
	int verdict;

	SIFT(ctx, s, verdict);
	return verdict;
}

/* A little later, when the kernel has made a packet of it. */
SECTION("tc") int
sieve_tc(struct __sk_buff *skb)
{
	struct syn s = { 0 };
	int verdict = XDP_PASS;

	if (!skb->vlan_present) {
		SIFT(skb, s, verdict);
	}
	return verdict == XDP_DROP ? SIEVE_TC_DROP : SIEVE_TC_NEXT;
}
