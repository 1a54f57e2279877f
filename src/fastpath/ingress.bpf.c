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
#include "fastpath/bpf_mac.h"
#include "fastpath/ingress_map.h"
#include "fastpath/bpf_packet.h"
#include "fastpath/bpf_lookup.h"
#include "fastpath/bpf_roles.h"

#define SECTION(name) __attribute__((section(name), used))

static long (*replay_file_bytes)(void *, uint32_t, const void *, uint32_t,
				 uint64_t) = (void *)BPF_FUNC_skb_store_bytes;

/* ---- groups */

/* Records wait for a packet, and wake nobody before there are many. */
static inline_always void
submit(struct ingress_record *record)
{
	const bool many = ring_query(&records_map, BPF_RB_AVAIL_DATA) >
		INGRESS_RECORDS_SIZE / 2;

	ring_submit(record, many ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/*
 * Without a flood the receiver is told, at its leisure, of the first frame that
 * is taken of a group: so it can say that it never became complete.
 */
static inline_always bool
tell(const struct scene *scene, uint64_t frame)
{
	struct ingress_record *record;

	if (is_flood(scene)) {
		return false;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		return false;
	}
	__builtin_memset(record, 0, sizeof *record);
	record->reassembly = scene->scratch->reassembly;
	record->frame[0] = frame;
	submit(record);
	return true;
}

/*
 * From here on the receiver has the group: what it was not told of goes ahead,
 * but for the frame that goes on itself.
 */
static inline_always int
hand_over(const struct scene *scene, struct ingress_group *g,
	  const struct ingress_group *from, uint64_t except)
{
	struct ingress_record *record;
	uint64_t some = 0;

	g->passed = 1;
	g->since = scene->now;
	hear(scene);
	__sync_fetch_and_add(&g->slow, 1); /* a barrier, too */
#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_FRAMES; i++) {
		const uint64_t frame = from->frame[i];

		some |= frame & INGRESS_FRAME_TOLD || is_same(frame, except)
			? 0
			: frame;
	}
	if (some == 0) {
		return XDP_PASS;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		count(INGRESS_LOST);
		return is_flood(scene) ? XDP_DROP : XDP_PASS;
	}
	record->reassembly = scene->scratch->reassembly;
#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_FRAMES; i++) {
		const uint64_t frame = from->frame[i];

		record->frame[i] =
			frame & INGRESS_FRAME_TOLD || is_same(frame, except)
			? 0
			: frame;
	}
	record->tag = record->instant = record->now = 0;
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
	count(INGRESS_PASSED);
	return XDP_PASS;
}

/* Whether a group may begin with it. */
static inline_always bool
is_first(const struct scene *scene, const struct syn *s)
{
	const uint32_t role = role_of(s->seq);

	return role == SYN2 ? is_timely(scene, s->seq)
			    : role == SYN1 && is_head(scene, s->seq);
}

/* The first of its group. */
static inline_always int
begin(const struct scene *scene, const struct syn *s)
{
	const bool fits = is_first(scene, s);
	struct ingress_group *g = &scene->scratch->group;

	if (!fits && is_flood(scene)) {
		return drop(INGRESS_DROPPED);
	}
	__builtin_memset(g, 0, sizeof *g);
	g->since = scene->now;
	if (fits) {
		uint64_t frame = INGRESS_FRAME(s->seq, (uint32_t)s->sport);

		frame |= tell(scene, frame) ? INGRESS_FRAME_TOLD : 0;
		if (role_of(s->seq) == SYN2) {
			g->frame[SYN2] = frame;
		} else {
			g->frame[SYN1] = frame;
		}
	} else {
		g->slow = g->passed = 1;
	}
	hear(scene);
	/* Another processor was faster, or there is no memory. */
	if (map_update(&groups_map, &scene->scratch->reassembly, g,
		       BPF_NOEXIST) < 0) {
		return is_flood(scene) ? drop(INGRESS_DROPPED) : pass();
	}
	return fits ? drop(INGRESS_TAKEN) : pass();
}

/* Where a frame belongs by its mark; NULL: it can't be what it says. */
static inline_always uint64_t *
place_of(const struct scene *scene, struct ingress_group *g,
	 const struct syn *s)
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

/* A wrong guess at a short authenticator counts, as at the receiver. */
static inline_always void
charge(const struct scene *scene)
{
	struct ingress_charge *charge =
		ring_reserve(&charges_map, sizeof *charge, 0);

	if (charge) {
		charge->src = scene->scratch->reassembly.src;
		charge->family = scene->scratch->reassembly.family;
		ring_submit(charge, 0);
	}
}

/* All have come; mine is the last. */
static inline_always int
finish(const struct scene *scene, struct ingress_group *g,
       struct ingress_group *sorted, struct syn *s,
       const struct ingress_key *key, uint64_t mine, bool accepts)
{
	bool right = false;

	/* Twice, by the same instructions. */
#pragma clang loop unroll(disable)
	for (int turn = 0; turn < 2 && !right; turn++) {
		if (turn == 1 && !swap(sorted)) {
			break;
		}
		right = is_authentic(&scene->scratch->work, sorted,
				     scene->scratch->reassembly.dport, key);
		if (!right && is_flood(scene) && extra_of(key) == 0) {
			charge(scene);
		}
	}
	if (right) {
		const uint64_t syn0 = sorted->frame[SYN0];

		count(INGRESS_VERIFIED);
		if (!is_same(syn0, mine)) {
			s->becomes = syn0;
		} else if (accepts && accept(scene, sorted, key)) {
			s->accepted = true;
			return XDP_PASS;
		}
		return hand_over(scene, g, sorted, syn0);
	}
	/* The receiver logs it, and counts guesses at short authenticators. */
	if (!is_flood(scene)) {
		count(INGRESS_PASSED);
		return hand_over(scene, g, g, mine);
	}
	map_delete(&groups_map, &scene->scratch->reassembly);
	count(INGRESS_MAC);
	/* It may be the first frame of another group with this mark. */
	return begin(scene, s);
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

static inline_always int
go_on(const struct scene *scene, struct ingress_group *g, struct syn *s,
      bool accepts)
{
	const uint64_t mine = INGRESS_FRAME(s->seq, (uint32_t)s->sport);
	struct ingress_group *sorted = &scene->scratch->group;
	const struct ingress_key *key;
	uint64_t *place;

	if (g->slow) {
		if (is_flood(scene) && g->passed >= INGRESS_SLOW_MAX) {
			return drop(INGRESS_DROPPED);
		}
		g->passed++;
		g->since = scene->now;
		hear(scene);
		return pass();
	}
	place = place_of(scene, g, s);
	/* A copy that the network made. */
	if ((place && is_same(*place, mine)) || is_same(g->frame[SYN0], mine)) {
		tell(scene, mine);
		return drop(INGRESS_TAKEN);
	}
	if (!place || *place) {
		place = &g->frame[SYN0];
	}
	if (*place) {
		if (is_flood(scene)) {
			return drop(INGRESS_DROPPED);
		}
		count(INGRESS_PASSED);
		return hand_over(scene, g, g, mine);
	}
	*place = mine;
	__sync_fetch_and_add(&scene->scratch->barrier, 1);
	if (*(volatile uint32_t *)&g->slow) {
		return pass();
	}
	key = g->frame[SYN1] ? key_of(INGRESS_FRAME_SEQ(g->frame[SYN1])) : NULL;
	*sorted = *g;
	if (!key || !sort(sorted, key)) {
		return drop(INGRESS_TAKEN);
	}
	if (accepts) {
		repay(scene);
	} else if (may_relay(scene)) {
		/* It comes to tc as if it were new. */
		*place = 0;
		forgive(scene->scratch, 1);
		return XDP_PASS;
	}
	return finish(scene, g, sorted, s, key, mine, accepts);
}

static inline_always int
judge(const struct scene *scene, struct syn *s, bool accepts)
{
	struct ingress_group *g;

	count(INGRESS_SEEN);
	if (s->data) {
		return is_flood(scene) ? drop(INGRESS_DROPPED) : pass();
	}
	/* Most of a flood ends here, without a search. */
	if (is_flood(scene) && !was_heard(scene) && !is_first(scene, s)) {
		return drop(INGRESS_DROPPED);
	}
	g = map_lookup(&groups_map, &scene->scratch->reassembly);
	if (g && scene->now - g->since > scene->config->assembly &&
	    scene->now - g->since < 1ull << 63) {
		map_delete(&groups_map, &scene->scratch->reassembly);
		g = NULL;
	}
	return g ? go_on(scene, g, s, accepts) : begin(scene, s);
}

/* The same for both kinds of context. */
#define SIFT(ctx, s, scene, verdict, accepts)                                  \
	do {                                                                   \
		if (parse(&s, (const uint8_t *)(uint64_t)(ctx)->data,          \
			  (const uint8_t *)(uint64_t)(ctx)->data_end) == 0 &&  \
		    find_scene(&scene, &s) == 0) {                             \
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
	return replay_file_bytes(skb, at, &to.sport, sizeof to.sport, 0) < 0 ||
			replay_file_bytes(skb, at + 4, &to.seq, sizeof to.seq,
					  0) < 0 ||
			replay_file_bytes(skb, at + 16, &to.sum, sizeof to.sum,
					  0) < 0
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
	if (s.becomes && become(skb, &s, (uint32_t)scene.scratch->tcp_at) < 0) {
		verdict = XDP_DROP;
	}
	return verdict == XDP_DROP ? INGRESS_TC_DROP : INGRESS_TC_NEXT;
}
