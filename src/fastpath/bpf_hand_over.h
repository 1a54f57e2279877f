/*
 * What the ingress program gives to the receiver, and how a frame ends: the
 * frames of a group that it took go by a ring, ahead of the packet that goes
 * on itself.
 */
#ifndef TAP_FASTPATH_BPF_HAND_OVER_H
#define TAP_FASTPATH_BPF_HAND_OVER_H

#include <linux/bpf.h>
#include <stdbool.h>

#include "fastpath/bpf_lookup.h"
#include "fastpath/bpf_roles.h"
#include "fastpath/ingress_map.h"

/* Records wait for a packet, and wake nobody before there are many. */
static inline_always void
submit(const struct scene *scene, struct ingress_record *record)
{
	const uint64_t wake = ring_query(&records_map, BPF_RB_AVAIL_DATA) >
			INGRESS_RECORDS_SIZE / 4
		? BPF_RB_FORCE_WAKEUP
		: BPF_RB_NO_WAKEUP;

	/* What is discarded takes its room, too, until somebody reads. */
	if (is_other(scene)) {
		ring_discard(record, wake);
	} else {
		ring_submit(record, wake);
	}
}

/* Strangers get no more than half of the room. */
static inline_always bool
may_tell(const struct scene *scene)
{
	return !is_flood(scene) &&
		ring_query(&records_map, BPF_RB_AVAIL_DATA) <=
		INGRESS_RECORDS_SIZE / 2;
}

/* Whether a wrong group of a short key ends here, and is counted. */
static inline_always bool
is_final(const struct scene *scene)
{
	return is_flood(scene) || is_closed(scene);
}

/*
 * Without a flood the receiver is told, at its leisure, of the first frame that
 * is taken of a group: so it can say that it never became complete.  And of
 * all frames of what is none: so it can say why.
 */
static inline_always bool
tell(const struct scene *scene, uint64_t frame, bool data)
{
	struct ingress_record *record;

	if (!may_tell(scene)) {
		return false;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		return false;
	}
	__builtin_memset(record, 0, sizeof *record);
	record->group_key = scene->scratch->group_key;
	record->frame[0] = frame;
	record->tag = data;
	submit(scene, record);
	return true;
}

/* A frame that the receiver is to be told of, or 0. */
static inline_always uint64_t
untold(uint64_t frame, uint64_t except)
{
	return frame & INGRESS_FRAME_TOLD || is_same(frame, except) ? 0 : frame;
}

/* Frames that the receiver does not know of yet; false: there is no room. */
static inline_always bool
send_frames(const struct scene *scene, const uint64_t *frames, uint64_t except)
{
	struct ingress_record *record;
	uint64_t some = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_FRAMES; i++) {
		some |= untold(frames[i], except);
	}
	if (some == 0) {
		return true;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		return false;
	}
	record->group_key = scene->scratch->group_key;
#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_FRAMES; i++) {
		record->frame[i] = untold(frames[i], except);
	}
	record->tag = record->instant = record->now = 0;
	submit(scene, record);
	return true;
}

/*
 * From here on the receiver has the group: what it was not told of goes ahead,
 * but for the frame that goes on itself.
 */
static inline_always void
make_slow(const struct scene *scene, struct ingress_group *g)
{
	g->passed = 1;
	g->since = scene->now;
	hear(scene);
	__sync_fetch_and_add(&g->slow, 1); /* a barrier, too */
}

static inline_always int
lose(const struct scene *scene)
{
	count(scene, INGRESS_LOST);
	return is_flood(scene) ? XDP_DROP : XDP_PASS;
}

/* A group in order. */
static inline_always int
hand_over(const struct scene *scene, struct ingress_group *g,
	  const struct sorted *sorted)
{
	make_slow(scene, g);
	return send_frames(scene, sorted->frame, sorted->frame[FRAME_SYN0])
		? XDP_PASS
		: lose(scene);
}

/* One that the program can't judge, with all that it has of it. */
static inline_always int
leave(const struct scene *scene, struct ingress_group *g, uint64_t mine)
{
	bool all = true;

	count(scene, INGRESS_PASSED);
	make_slow(scene, g);
#pragma clang loop unroll(disable)
	for (int layer = 0; layer < INGRESS_LAYERS; layer++) {
		all &= send_frames(scene, g->frame[layer], mine);
	}
	return all ? XDP_PASS : lose(scene);
}

static inline_always int
drop(const struct scene *scene, uint32_t why)
{
	count(scene, why);
	return XDP_DROP;
}

/* It is wrong: the receiver finds out why, at its leisure. */
static inline_always void
tell_all(const struct scene *scene, struct ingress_group *g)
{
	if (!may_tell(scene)) {
		return;
	}
#pragma clang loop unroll(disable)
	for (int layer = 0; layer < INGRESS_LAYERS; layer++) {
		(void)send_frames(scene, g->frame[layer], 0);
#pragma clang loop unroll(full)
		for (int i = 0; i < INGRESS_FRAMES; i++) {
			g->frame[layer][i] |=
				INGRESS_FRAME_TOLD & if_any(g->frame[layer][i]);
		}
	}
	g->odd = 1;
}

/*
 * Left to the receiver; or to a closed port, at once: see ingress_tc().  There
 * the receiver has none but the groups that were split.
 */
static inline_always int
pass(const struct scene *scene, bool split)
{
	count(scene, INGRESS_PASSED);
	return is_closed(scene) && !split ? XDP_DROP : XDP_PASS;
}

#endif
