/*
 * The ingress program: runs in the kernel where packets come in (XDP, tc),
 * ahead of the queue.  It takes the frames of a group off the wire, and when
 * all have come and the authenticator is right it lets SYN0 go on.  Either
 * marked, past the queue, where it is sure that the receiver would accept the
 * group (bpf_accept.h); or with the other frames in a ring for the
 * receiver, which judges the group as if it had come by the queue.  Only tc can
 * mark: where both are, XDP goes first and leaves it the last frame of each
 * group.
 *
 * The frames of a group are one SYN with other numbers: if SYN0 was not
 * the last to come, the last is made into it.
 *
 * What is no group ends as it would at any other port of this host: in tc it
 * goes on, marked as a stranger's, to the rule that drops it, or to the door.
 * The receiver, which logs it, is told of it by the ring and not by the queue,
 * so that nobody can tell by the time it takes which ports are protected.  For
 * the same reason SYNs to all other ports take the same way through the program
 * (find_scene()).  But under flood what is no group is dropped at once, and
 * nobody is told.
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

#define AGAIN (-1)    /* no verdict yet */
#define PACKET_HOST 0 /* see packet(7) */
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
	const uint32_t role = place_of(scene, s);

	return role == FRAME_SYN1 || role == FRAME_SYN2;
}

/*
 * The first of its group, of whatever role: packets of one group may come by
 * several queues of a device.  AGAIN: another processor was faster.
 */
static inline_always int
begin(const struct scene *scene, const struct syn *s)
{
	const bool split = is_split(scene);
	const uint32_t role = place_of(scene, s);
	struct ingress_group *g = &scene->scratch->group;

	g->odd = !is_first(scene, s);
	if (g->odd && !split && is_flood(scene)) {
		return drop(scene, INGRESS_DROPPED);
	}
	if (role >= INGRESS_FRAMES) {
		return drop(scene, INGRESS_DROPPED);
	}
	__builtin_memset(g->frame, 0, sizeof g->frame);
	g->since = scene->now;
	g->macs = INGRESS_MACS_FIRST;
	g->slow = split ? INGRESS_SLOW_SPLIT : 0;
	g->passed = split;
	if (!split) {
		const uint64_t frame = frame_of(scene, s);

		g->frame[0][role] = frame |
			(tell(scene, frame, false) ? INGRESS_FRAME_TOLD : 0);
	}
	hear(scene);
	if (map_update(&groups_map, &scene->scratch->group_key, g,
		       BPF_NOEXIST) < 0) {
		return AGAIN;
	}
	return split ? pass(scene, split) : drop(scene, INGRESS_TAKEN);
}

/* Whether an attempt is a whole group, and right. */
static inline_always bool
is_right(const struct scene *scene, const volatile struct attempt *a)
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
		return false;
	}
	if (key->suite == SUITE_KERNEL_NONE) {
		search->foreign = 1;
		return false;
	}
	if (search->macs <= 0 ||
	    (extra_of(key) == 0 && is_final(scene) && !may_charge())) {
		return false;
	}
	search->macs--;
	if (is_authentic(&scene->scratch->work, search, sorted,
			 scene->scratch->group_key.dport, key)) {
		return true;
	}
	if (extra_of(key) == 0 && is_final(scene)) {
		charge(scene, guesses_in(search, a->syn0));
	} else if (extra_of(key) == 0) {
		search->guessed = 1;
	}
	return false;
}

/* The same for one of them, by its number. */
FUNCTION int
try_attempt(int number)
{
	const uint32_t zero = 0;
	struct scratch *scratch = map_lookup(&scratch_map, &zero);
	const struct scene scene = { .scratch = scratch };

	if (!scratch || (uint32_t)number >= ATTEMPTS) {
		return false;
	}
	/* Most groups are right at once. */
	if (number == 0) {
		list_likeliest(&scratch->search);
	} else if (number == 1) {
		list_attempts(&scratch->search);
	}
	return is_right(&scene, &scratch->search.attempt[number]);
}

/* Look for a group among all frames, with mine in it; it is sorted then. */
static inline_always bool
find_right(const struct scene *scene, struct ingress_group *g, uint64_t mine)
{
	struct search *search = &scene->scratch->search;
	const int64_t macs = g->macs;
	bool right = false;

	search->mine = mine;
	search->macs = macs;
	/* By the same instructions. */
#pragma clang loop unroll(disable)
	for (int i = 0; i < ATTEMPTS && !right; i++) {
		right = try_attempt(i);
	}
	g->macs -= macs - search->macs;
	return right;
}

/* A right group, of which mine goes on, as SYN0 if that was another one. */
static inline_always int
end_right(const struct scene *scene, struct ingress_group *g, struct syn *s,
	  uint64_t mine, bool accepts)
{
	const struct sorted *sorted = &scene->scratch->sorted;
	const uint64_t syn0 = sorted->frame[FRAME_SYN0];

	if (is_other(scene)) {
		return XDP_DROP;
	}
	count(scene, INGRESS_VERIFIED);
	if (!is_same(syn0, mine)) {
		s->becomes = is_closed(scene) ? 0 : syn0;
	} else if (accepts && accept(scene, sorted)) {
		s->accepted = true;
		return XDP_PASS;
	}
	return hand_over(scene, g, sorted);
}

/*
 * No group was right: whether more frames are waited for.  One that is longer
 * may be on its way, of which SYN0 is here.  What bears the prefix of SYN1 or
 * SYN2, and can't be that, is mostly SYN0, or there never will be a group.
 */
static inline_always int
end_wrong(const struct scene *scene, struct ingress_group *g, uint32_t role,
	  uint64_t mine)
{
	const struct search *search = &scene->scratch->search;
	const bool wrong =
		search->failed && search->count >= FRAME_BASE + search->most;

	/* The receiver counts guesses at short authenticators. */
	if ((search->foreign || (wrong && search->guessed)) &&
	    !is_other(scene)) {
		return leave(scene, g, mine);
	}
	if (wrong || (role == FRAME_SYN0 && !g->odd)) {
		tell_all(scene, g);
	}
	return drop(scene, wrong ? INGRESS_MAC : INGRESS_TAKEN);
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
	search->failed = search->guessed = search->foreign = 0;
	count_frames(search);
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
		return drop(scene, INGRESS_DROPPED);
	}
	g->passed++;
	g->since = scene->now;
	hear(scene);
	return pass(scene, g->slow & INGRESS_SLOW_SPLIT);
}

/*
 * All may have come, mine last: so it is judged, here or by tc.  AGAIN: it is
 * wrong.
 */
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
		: AGAIN;
}

/* A further frame of a group. */
static inline_always int
go_on(const struct scene *scene, struct ingress_group *g, struct syn *s,
      bool accepts)
{
	uint64_t mine = frame_of(scene, s);
	uint32_t role;

	if (g->slow) {
		return follow(scene, g);
	}
	role = place_of(scene, s);
	if (role >= INGRESS_FRAMES) {
		return drop(scene, INGRESS_DROPPED);
	}
	/* A copy that the network made. */
	if (is_copy(g, role, mine)) {
		tell(scene, mine, false);
		return drop(scene, INGRESS_TAKEN);
	}
	if (g->odd && tell(scene, mine, false)) {
		mine |= INGRESS_FRAME_TOLD;
	}
	store(scene, g, role, mine);
	/* Not barrier(): Linux before 5.12 has no addition with a result. */
	__sync_fetch_and_add(&scene->scratch->barrier, 1);
	if (*(volatile uint32_t *)&g->slow) {
		return pass(scene, false);
	}
	gather(scene, g, role);
	if (may_be_whole(&scene->scratch->search)) {
		const int verdict = finish(scene, g, s, role, mine, accepts);

		if (verdict != AGAIN) {
			return verdict;
		}
	}
	return end_wrong(scene, g, role, mine);
}

/* Whether its group has begun; what is left of one long ago is removed. */
static inline_always bool
has_group(const struct scene *scene)
{
	const struct ingress_group *g =
		map_lookup(&groups_map, &scene->scratch->group_key);

	if (g && scene->now - g->since > scene->config->assembly &&
	    scene->now - g->since < 1ull << 63) {
		map_delete(&groups_map, &scene->scratch->group_key);
		return false;
	}
	return g != NULL;
}

/* The stack answers options of IP that are wrong, before any rule drops it. */
static inline_always bool
has_options(const struct scene *scene)
{
	return INGRESS_FAMILY(scene->scratch->group_key.family) == 4 &&
		scene->scratch->tcp_at != link_bytes() + 20;
}

static inline_always int
judge(const struct scene *scene, struct syn *s, bool accepts)
{
	struct ingress_group *g;
	int verdict;

	/* Under flood no time tells anything, and none is to be lost. */
	if (is_other(scene) && is_flood(scene)) {
		return XDP_PASS;
	}
	/* The rules drop what tc has marked, as they drop others' SYNs. */
	if (!accepts && scene->config->relay &&
	    (!is_flood(scene) || has_options(scene))) {
		scene->scratch->batch[0]--;
		return XDP_PASS;
	}
	count(scene, INGRESS_SEEN);
	if (s->data) {
		(void)tell(scene, frame_of(scene, s), true);
		return drop(scene, INGRESS_DROPPED);
	}
	/* Most of a flood ends here, without a search. */
	if (is_flood(scene) && !was_heard(scene) && !is_first(scene, s) &&
	    !is_split(scene)) {
		return drop(scene, INGRESS_DROPPED);
	}
	if (!has_group(scene)) {
		verdict = begin(scene, s);
		if (verdict != AGAIN) {
			return verdict;
		}
	}
	/* Again, for the verifier: one way to all that follows. */
	g = map_lookup(&groups_map, &scene->scratch->group_key);
	/* There is no memory. */
	if (!g) {
		return is_flood(scene) ? drop(scene, INGRESS_DROPPED)
				       : pass(scene, is_split(scene));
	}
	return go_on(scene, g, s, accepts);
}

/* The same for both kinds of context. */
#define SIFT(ctx, s, scene, protocol, verdict, accepts)                        \
	do {                                                                   \
		if (parse(&s, (const uint8_t *)(uint64_t)(ctx)->data,          \
			  (const uint8_t *)(uint64_t)(ctx)->data_end,          \
			  protocol) == 0 &&                                    \
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

	SIFT(ctx, s, scene,
	     protocol_of((const uint8_t *)(uint64_t)ctx->data,
			 (const uint8_t *)(uint64_t)ctx->data_end),
	     verdict, false);
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
 * A stranger's SYN that is no group goes on, marked, to where the rules drop
 * it, or the door refuses it, as others are that come to other ports: after the
 * same time, and in the same order.  But under flood only what may get an
 * answer does so: on its way through this host, anything, by its hops, its size
 * or a route that there is not.  And the door tells connections apart, not the
 * SYNs of one.
 */
static inline_always bool
goes_on(const struct scene *scene, const struct syn *s)
{
	const bool admitted = is_admitted(scene, (uint16_t)s->sport);

	return is_other(scene) ||
		(!admitted &&
		 (is_closed(scene) || is_routed(scene) || has_options(scene) ||
		  !is_flood(scene)));
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
	s.device = skb->vlan_present ? 0 : skb->ifindex;
	/* Of others' frames, which a device may show us, nothing is routed. */
	s.may_route = !skb->vlan_present && skb->pkt_type == PACKET_HOST;
	if (!skb->vlan_present || is_relayed()) {
		SIFT(skb, s, scene, (uint16_t)skb->protocol, verdict, true);
	}
	if (scene.scratch && s.mark && !is_other(&scene)) {
		skb->mark &= ~(s.mark | (uint32_t)scene.config->strangers);
		skb->mark |= s.accepted ? s.mark : 0;
		skb->mark |= s.accepted && is_routed(&scene)
			? (uint32_t)scene.config->strangers
			: 0;
	}
	if (verdict == XDP_DROP && scene.scratch && goes_on(&scene, &s)) {
		skb->mark |= is_other(&scene)
			? 0
			: (uint32_t)scene.config->strangers;
		verdict = XDP_PASS;
	}
	if (s.becomes && become(skb, &s, (uint32_t)scene.scratch->tcp_at) < 0) {
		verdict = XDP_DROP;
	}
	return verdict == XDP_DROP ? INGRESS_TC_DROP : INGRESS_TC_NEXT;
}
