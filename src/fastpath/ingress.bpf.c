/*
 * The ingress program: runs in the kernel where packets come in (XDP, tc),
 * ahead of the queue.  It takes the frames of a group off the wire, and when
 * all have come and the authenticator is right it lets SYN0 go on.  Either
 * marked, past the queue, where it is sure that the receiver would accept the
 * group (ingress_accept.h); or with the other frames in a ring for the
 * receiver, which judges the group as if it had come by the queue.  Only tc can
 * mark: where both are, XDP goes first and leaves it the last frame of each
 * group.
 *
 * The frames of a group are one SYN with other numbers: if SYN0 was not
 * the last to come, the last is made into it.
 *
 * What does not fit goes to the receiver as it came, along with what was
 * taken of its group before; but under flood it is dropped.
 *
 * Frames of one group may come on several processors at once.  Each has
 * its own word in the group; who sets `slow` takes what is there, and who
 * sees `slow` after writing lets the packet go on, too: the receiver takes no
 * offence at a frame that it has already.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "fastpath/bpf_accept.h"
#include "fastpath/bpf_hand_over.h"
#include "fastpath/bpf_mac.h"
#include "fastpath/ingress_map.h"
#include "fastpath/bpf_packet.h"
#include "fastpath/bpf_lookup.h"
#include "fastpath/bpf_roles.h"

#define SECTION(name) __attribute__((section(name), used))

static long (*store_bytes)(void *, uint32_t, const void *, uint32_t,
			   uint64_t) = (void *)BPF_FUNC_skb_store_bytes;

/* A frame that came now. */
static inline_always uint64_t
frame_of(const struct scene *scene, const struct syn *s)
{
	return INGRESS_FRAME(s->seq, (uint32_t)s->sport) |
		(scene->now >> TICK_BITS & INGRESS_FRAME_TICKS) << 17;
}

/*
 * Where a frame belongs by its number; SYN0: it can't be what it says.  Read
 * back from memory, for the verifier would go through all that follows once
 * for each.
 */
static inline_always uint32_t
place_of(const struct scene *scene, const struct syn *s)
{
	struct search *search = &scene->scratch->search;

	search->role = frame_role_of(s->seq);
	if ((search->role == FRAME_SYN1 && !is_head(s->seq)) ||
	    (search->role == FRAME_SYN2 && !is_timely(scene, s->seq))) {
		search->role = FRAME_SYN0;
	}
	return search->role & (ROLES - 1);
}

/* Whether a group may begin with it. */
static inline_always bool
is_first(const struct scene *scene, const struct syn *s)
{
	const uint32_t role = frame_role_of(s->seq);

	return role == FRAME_SYN2 ? is_timely(scene, s->seq)
				  : role == FRAME_SYN1 && is_head(s->seq);
}

/* The first of its group. */
static inline_always int
begin(const struct scene *scene, const struct syn *s)
{
	const bool split = is_split(scene);
	const bool fits = !split && is_first(scene, s);
	struct ingress_group *g = &scene->scratch->group;

	if (!fits && !split && is_final(scene)) {
		return drop(INGRESS_DROPPED);
	}
	__builtin_memset(g, 0, sizeof *g);
	g->since = scene->now;
	g->macs = INGRESS_MACS_FIRST;
	if (fits) {
		uint64_t frame = frame_of(scene, s);

		frame |= tell(scene, frame) ? INGRESS_FRAME_TOLD : 0;
		if (frame_role_of(s->seq) == FRAME_SYN2) {
			g->frame[0][FRAME_SYN2] = frame;
		} else {
			g->frame[0][FRAME_SYN1] = frame;
		}
	} else {
		g->slow = split ? INGRESS_SLOW_SPLIT : 1;
		g->passed = 1;
	}
	hear(scene);
	/* Another processor was faster, or there is no memory. */
	if (map_update(&groups_map, &scene->scratch->group_key, g,
		       BPF_NOEXIST) < 0) {
		return is_flood(scene) ? drop(INGRESS_DROPPED)
				       : pass(scene, split);
	}
	return fits ? drop(INGRESS_TAKEN) : pass(scene, split);
}

/* Whether an attempt is a whole group, and right. */
static inline_always bool
is_right(const struct scene *scene, struct ingress_group *g,
	 const volatile struct attempt *a)
{
	struct search *search = &scene->scratch->search;
	struct sorted *sorted = &scene->scratch->sorted;
	const struct ingress_key *key;

	if (!sort_attempt(search, a, sorted)) {
		return false;
	}
	search->failed = 1;
	key = key_of(INGRESS_FRAME_SEQ(a->syn1));
	if (!key || extra_of(key) != frame_flags(INGRESS_FRAME_SEQ(a->syn1))) {
		search->keyless = a->syn1;
		return false;
	}
	if (key->suite == SUITE_KERNEL_NONE) {
		search->foreign = 1;
		return false;
	}
	if (g->macs <= 0 ||
	    (extra_of(key) == 0 && is_final(scene) && !may_charge())) {
		return false;
	}
	search->wrong = 1;
	g->macs--;
	if (is_authentic(&scene->scratch->work, search, sorted,
			 scene->scratch->group_key.dport, key)) {
		return true;
	}
	if (extra_of(key) == 0 && is_final(scene)) {
		charge(scene, guesses_in(search, a->syn0));
	}
	return false;
}

/* Look for a group among all frames, with mine in it; it is sorted then. */
static inline_always bool
find_right(const struct scene *scene, struct ingress_group *g, uint64_t mine)
{
	struct search *search = &scene->scratch->search;
	bool right = false;

	list_attempts(search, mine);
	search->failed = search->wrong = 0;
	search->keyless = search->foreign = 0;
	/* By the same instructions. */
#pragma clang loop unroll(disable)
	for (int i = 0; i < ATTEMPTS && !right; i++) {
		right = is_right(scene, g, &search->attempt[i]);
	}
	return right;
}

/* A right group, of which mine goes on, as SYN0 if that was another one. */
static inline_always int
end_right(const struct scene *scene, struct ingress_group *g, struct syn *s,
	  uint64_t mine, bool accepts)
{
	const struct sorted *sorted = &scene->scratch->sorted;
	const uint64_t syn0 = sorted->frame[FRAME_SYN0];

	count(INGRESS_VERIFIED);
	if (!is_same(syn0, mine)) {
		s->becomes = is_closed(scene) ? 0 : syn0;
	} else if (accepts && accept(scene, sorted)) {
		s->accepted = true;
		return XDP_PASS;
	}
	return hand_over(scene, g, sorted);
}

/* No group was right: whether more frames are waited for, and who judges. */
static inline_always int
end_wrong(const struct scene *scene, struct ingress_group *g, struct syn *s,
	  uint64_t mine)
{
	const struct search *search = &scene->scratch->search;

	if (!search->failed) {
		return drop(INGRESS_TAKEN);
	}
	if (search->foreign) {
		return leave(scene, g, mine);
	}
	if (is_final(scene)) {
		return drop(INGRESS_MAC);
	}
	/* A longer group may be on its way, of which SYN0 is here. */
	if (search->count < FRAME_BASE + search->most) {
		return drop(INGRESS_TAKEN);
	}
	/* It may be SYN0 itself, which nothing but a packet can be. */
	if (!search->wrong) {
		s->becomes = search->keyless;
		return leave(scene, g, s->becomes);
	}
	/* The receiver logs it, and counts guesses at short authenticators. */
	return leave(scene, g, mine);
}

/* Whether tc, which can let it in, is to get the last frame of a group. */
static inline_always bool
may_relay(const struct scene *scene)
{
	struct ingress_config *config = (struct ingress_config *)scene->config;

	if (!config->relay || *(volatile int64_t *)&config->credit <= 0) {
		return false;
	}
	__sync_fetch_and_add(&config->credit, -1);
	return true;
}

/* It has come. */
static inline_always void
repay(const struct scene *scene)
{
	struct ingress_config *config = (struct ingress_config *)scene->config;

	if (*(volatile int64_t *)&config->credit < INGRESS_CREDIT) {
		__sync_fetch_and_add(&config->credit, 1);
	}
}

/* As the newest of its role; the oldest of too many goes. */
static inline_always void
store(const struct scene *scene, struct ingress_group *g, uint32_t role,
      uint64_t mine)
{
	scene->scratch->search.lost = g->frame[INGRESS_LAYERS - 1][role];
#pragma clang loop unroll(full)
	for (int layer = INGRESS_LAYERS - 1; layer > 0; layer--) {
		g->frame[layer][role] = g->frame[layer - 1][role];
	}
	g->frame[0][role] = mine;
	g->since = scene->now;
	g->macs += g->macs < INGRESS_MACS_MAX ? INGRESS_MACS_FRAME : 0;
	hear(scene);
}

static inline_always void
take_back(const struct scene *scene, struct ingress_group *g, uint32_t role)
{
#pragma clang loop unroll(full)
	for (int layer = 1; layer < INGRESS_LAYERS; layer++) {
		g->frame[layer - 1][role] = g->frame[layer][role];
	}
	g->frame[INGRESS_LAYERS - 1][role] = scene->scratch->search.lost;
}

/* What is there of the group, but for what came too long ago. */
static inline_always void
gather(const struct scene *scene, const struct ingress_group *g, uint32_t role)
{
	struct search *search = &scene->scratch->search;

#pragma clang loop unroll(full)
	for (int layer = 0; layer < INGRESS_LAYERS; layer++) {
#pragma clang loop unroll(full)
		for (int i = 0; i < INGRESS_FRAMES; i++) {
			search->frame[layer][i] =
				if_fresh(scene, g->frame[layer][i]);
			search->frame[INGRESS_LAYERS][i] = 0;
		}
	}
	search->frame[INGRESS_LAYERS][role] = if_fresh(scene, search->lost);
	count_frames(search);
}

/* Whether a further frame of its role would push out one that may count. */
static inline_always bool
is_full(const struct scene *scene, const struct ingress_group *g, uint32_t role)
{
	return if_fresh(scene, g->frame[INGRESS_LAYERS - 1][role]) != 0;
}

static inline_always bool
is_copy(const struct ingress_group *g, uint32_t role, uint64_t mine)
{
	return has_frame(g, role, mine) || has_frame(g, FRAME_SYN0, mine);
}

/* The receiver has the group, and gets this frame as it came. */
static inline_always int
follow(const struct scene *scene, struct ingress_group *g)
{
	if (is_flood(scene) && g->passed >= INGRESS_SLOW_MAX) {
		return drop(INGRESS_DROPPED);
	}
	g->passed++;
	g->since = scene->now;
	hear(scene);
	return pass(scene, g->slow & INGRESS_SLOW_SPLIT);
}

/* All may have come, mine last: so it is judged, here or by tc. */
static inline_always int
finish(const struct scene *scene, struct ingress_group *g, struct syn *s,
       uint32_t role, uint64_t mine, bool accepts)
{
	if (accepts) {
		repay(scene);
	} else if (may_relay(scene)) {
		/* It comes to tc as if it were new. */
		take_back(scene, g, role);
		forgive(scene->scratch, 1);
		return XDP_PASS;
	}
	return find_right(scene, g, mine)
		? end_right(scene, g, s, mine, accepts)
		: end_wrong(scene, g, s, mine);
}

/* A further frame of a group. */
static inline_always int
go_on(const struct scene *scene, struct ingress_group *g, struct syn *s,
      bool accepts)
{
	const uint64_t mine = frame_of(scene, s);
	uint32_t role;

	if (g->slow) {
		return follow(scene, g);
	}
	role = place_of(scene, s);
	if (role >= INGRESS_FRAMES) {
		return drop(INGRESS_DROPPED);
	}
	/* A copy that the network made. */
	if (is_copy(g, role, mine)) {
		tell(scene, mine);
		return drop(INGRESS_TAKEN);
	}
	if (is_full(scene, g, role) && !is_final(scene)) {
		return leave(scene, g, mine);
	}
	store(scene, g, role, mine);
	/* Not barrier(): Linux before 5.12 has no addition with a result. */
	__sync_fetch_and_add(&scene->scratch->barrier, 1);
	if (*(volatile uint32_t *)&g->slow) {
		return pass(scene, false);
	}
	gather(scene, g, role);
	return may_be_whole(&scene->scratch->search)
		? finish(scene, g, s, role, mine, accepts)
		: drop(INGRESS_TAKEN);
}

static inline_always int
judge(const struct scene *scene, struct syn *s, bool accepts)
{
	struct ingress_group *g;

	count(INGRESS_SEEN);
	if (s->data) {
		return is_flood(scene) ? drop(INGRESS_DROPPED)
				       : pass(scene, false);
	}
	/* Most of a flood ends here, without a search. */
	if (is_flood(scene) && !was_heard(scene) && !is_first(scene, s) &&
	    !is_split(scene)) {
		return drop(INGRESS_DROPPED);
	}
	g = map_lookup(&groups_map, &scene->scratch->group_key);
	if (g && scene->now - g->since > scene->config->assembly &&
	    scene->now - g->since < 1ull << 63) {
		map_delete(&groups_map, &scene->scratch->group_key);
		g = NULL;
	}
	return g ? go_on(scene, g, s, accepts) : begin(scene, s);
}

/* The same for both kinds of context. */
#define SIFT(ctx, s, scene, verdict, accepts)                                  \
	do {                                                                   \
		if (parse(&s, (const uint8_t *)(uint64_t)(ctx)->data,          \
			  (const uint8_t *)(uint64_t)(ctx)->data_end) == 0 &&  \
		    find_scene(&scene, &s, accepts) == 0) {                    \
			verdict = judge(&scene, &s, accepts);                  \
		}                                                              \
	} while (0)

/*
 * The TCP header of a frame, or NULL.  Where the packet lies is read again:
 * it would take room on a small stack.
 */
#define TCP_OF(ctx, at)                                                        \
	((uint8_t *)(uint64_t)(ctx)->data + ((at)&127) + 20 >                  \
			 (uint8_t *)(uint64_t)(ctx)->data_end                  \
		 ? NULL                                                        \
		 : (uint8_t *)(uint64_t)(ctx)->data + ((at)&127))

/* In the driver, or where it would be: there is no mark yet. */
SECTION("xdp") int ingress_xdp(struct xdp_md *ctx)
{
	struct scene scene = { 0 };
	struct syn s = { 0 };
	int verdict = XDP_PASS;

	SIFT(ctx, s, scene, verdict, false);
	if (s.becomes) {
		uint8_t *tcp = TCP_OF(ctx, scene.scratch->tcp_at);
		struct change to;

		if (!tcp) {
			return XDP_DROP;
		}
		to = change_to(&s, tcp);
		*(uint16_t *)tcp = to.sport;
		*(uint32_t *)(tcp + 4) = to.seq;
		*(uint16_t *)(tcp + 16) = to.sum;
	}
	return verdict;
}

/*
 * By calls: were the bytes of any packet written to, the kernel would copy
 * each one that somebody else still has, as the sender on this host.
 */
static inline_always int
become(struct __sk_buff *skb, const struct syn *s, uint32_t at)
{
	const uint8_t *tcp = TCP_OF(skb, at);
	struct change to;

	if (!tcp) {
		return -1;
	}
	to = change_to(s, tcp);
	return store_bytes(skb, at, &to.sport, sizeof to.sport, 0) < 0 ||
			store_bytes(skb, at + 4, &to.seq, sizeof to.seq, 0) <
				0 ||
			store_bytes(skb, at + 16, &to.sum, sizeof to.sum, 0) < 0
		? -1
		: 0;
}

static inline_always bool
is_relayed(void)
{
	uint32_t zero = 0;
	const struct ingress_config *config = map_lookup(&config_map, &zero);

	return config && config->relay;
}

/*
 * A little later, when the kernel has made a packet of it.  The mark is
 * nobody else's: what comes with it gets no further by it.
 */
SECTION("tc") int ingress_tc(struct __sk_buff *skb)
{
	struct scene scene = { 0 };
	struct syn s = { 0 };
	int verdict = XDP_PASS;

	/* The program of XDP can't see whose VLAN it is. */
	if (!skb->vlan_present || is_relayed()) {
		SIFT(skb, s, scene, verdict, true);
	}
	if (s.mark) {
		skb->mark =
			s.accepted ? skb->mark | s.mark : skb->mark & ~s.mark;
	}
	/* The door tells connections apart, not the SYNs of one. */
	if (verdict == XDP_DROP && scene.scratch && is_closed(&scene) &&
	    !is_admitted(&scene, (uint16_t)s.sport)) {
		skb->mark |= (uint32_t)scene.config->strangers;
		verdict = XDP_PASS;
	}
	if (s.becomes && become(skb, &s, (uint32_t)scene.scratch->tcp_at) < 0) {
		verdict = XDP_DROP;
	}
	return verdict == XDP_DROP ? INGRESS_TC_DROP : INGRESS_TC_NEXT;
}
