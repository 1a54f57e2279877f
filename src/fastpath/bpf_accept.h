/*
 * A group accepted by the ingress program's program itself: the receiver's
 * checks, as receiver.h has them or stricter, and the memory of replays, which
 * is one for both.  Whatever is in doubt is left to the receiver.
 *
 * Every group that was accepted, by either, is in replays_map, or it is not
 * later than the floor.  Who inserts a group there has it: so of two copies
 * on two processors one gets in.  tap raises the floor before it takes
 * anything out; it is looked at again after the insertion, for what was
 * taken out in between.
 */
#ifndef TAP_FASTPATH_BPF_ACCEPT_H
#define TAP_FASTPATH_BPF_ACCEPT_H

#include "fastpath/bpf_lookup.h"
#include "fastpath/bpf_roles.h"

static uint64_t (*clock_tai_ns)(void) = (void *)BPF_FUNC_ktime_get_tai_ns;
static uint64_t (*clock_boot_ns)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;

extern const char replays_map, admitted_map;

/*
 * The checks of the receiver that are made here, too: see the functions
 * beside them.  What has to pass any other is the receiver's.
 */
#define JUDGED                                                                 \
	(REASON_BIT(VERIFY_INCOMPLETE) | /* is_right() */                      \
	 REASON_BIT(VERIFY_FLAGS) |      /* is_key_good() */                   \
	 REASON_BIT(VERIFY_TIME) |       /* is_good() */                       \
	 REASON_BIT(VERIFY_KEY) |        /* is_key_good() */                   \
	 REASON_BIT(VERIFY_ACL) |        /* is_key_good() */                   \
	 REASON_BIT(VERIFY_GUESS) |      /* none: no key of 30 bits */         \
	 REASON_BIT(VERIFY_MAC) |        /* is_right() */                      \
	 REASON_BIT(VERIFY_REPLAY) |     /* remember() */                      \
	 REASON_BIT(VERIFY_MALFORMED))   /* judge() */

static inline_always bool
is_judged(const struct scene *scene)
{
	const volatile uint64_t *checks = &scene->scratch->checks;

	return (*checks & ~(uint64_t)JUDGED) == 0;
}

/* One of these two has jumped: until tap has looked, only the receiver knows.
 */
#define JUMP (SECOND / 4)

/*
 * UTC as an instant, 0 where it is not known.  TAI goes with UTC wherever
 * that is set, at once; it is ahead by whole seconds, which tap tells.
 */
static inline_always uint64_t
instant_now(const struct scene *scene)
{
	const struct ingress_config *config = scene->config;
	const uint64_t tai = clock_tai_ns();
	const uint64_t moved = tai - clock_ns() - config->tai_monotonic;
	const uint64_t utc = tai - config->tai_utc;

	if (moved + JUMP > 2 * JUMP || utc >> 63) {
		return 0;
	}
	return frame_instant_of((int64_t)(utc / SECOND),
				(uint32_t)(utc % SECOND));
}

/* As is_before_begin() in receiver.c, by one unit more for its reading later.
 */
static inline_always bool
is_known_time(const struct scene *scene, uint64_t now, uint64_t instant)
{
	const uint64_t ms = clock_boot_ns() / 1000000;
	const uint64_t since = (ms - scene->config->begin_ms) * 256 / 1000;

	return since <= now && instant > now - since + 1;
}

static inline_always bool
is_above_floor(const struct scene *scene, uint64_t instant)
{
	return instant > *(const volatile uint64_t *)&scene->config->floor;
}

/*
 * A key of 30 bits is the receiver's, who counts guesses.  The key was looked
 * at when its SYN1 came, but roughly, and may have changed since; its
 * times are whole seconds, rounded down.
 */
static inline_always bool
is_key_good(const struct scene *scene, const struct sorted *g,
	    const struct ingress_key *key, uint64_t now)
{
	const uint32_t syn1 = INGRESS_FRAME_SEQ(g->frame[FRAME_SYN1]);

	return extra_of(key) > 0 && extra_of(key) == frame_flags(syn1) &&
		now >> 8 > key->not_before && now >> 8 < key->not_after &&
		is_allowed(scene, frame_key_no(syn1));
}

static inline_always bool
is_good(const struct scene *scene, const struct sorted *g,
	const struct ingress_key *key, uint64_t now, uint64_t instant)
{
	const uint64_t most = (uint64_t)scene->tolerance << 8;
	const uint64_t ahead = most < INGRESS_AHEAD ? most : INGRESS_AHEAD;

	/* 40 bits are what the receiver's memory holds of an instant. */
	return now != 0 && now >> 39 == 0 && instant + most >= now &&
		instant <= now + ahead && is_known_time(scene, now, instant) &&
		is_above_floor(scene, instant) &&
		is_key_good(scene, g, key, now);
}

/*
 * Whether what was sorted is of this group still: its place in groups_map
 * may have been given to another one while it was read.
 */
static inline_always bool
is_whole(const struct scene *scene, const struct sorted *sorted)
{
	const struct ingress_group *g =
		map_lookup(&groups_map, &scene->scratch->group_key);

	return g && has_frame(g, FRAME_SYN1, sorted->frame[FRAME_SYN1]) &&
		has_frame(g, FRAME_SYN2, sorted->frame[FRAME_SYN2]) &&
		has_frame(g, FRAME_SYN3, sorted->frame[FRAME_SYN3]);
}

/* All that was written before is seen before what is read after. */
static inline_always void
barrier(const struct scene *scene)
{
	uint64_t was = __sync_fetch_and_add(&scene->scratch->barrier, 1);

	/* The addition is a barrier only where its result is wanted. */
	__asm__ volatile("" : : "r"(was));
}

/* Remember a group, if nobody has. */
static inline_always bool
remember(const struct scene *scene, const struct ingress_record *record)
{
	uint64_t tag = record->tag, instant = record->instant;

	if (map_update(&replays_map, &tag, &instant, BPF_NOEXIST) < 0) {
		return false;
	}
	barrier(scene);
	if (!is_above_floor(scene, instant)) {
		map_delete(&replays_map, &tag);
		return false;
	}
	return true;
}

/* What the door knows a connection by; see struct door_key. */
static inline_always struct door_key *
door_key_for(const struct scene *scene, uint16_t sport)
{
	struct scratch *scratch = scene->scratch;
	struct door_key *key = &scratch->admitted;

	__builtin_memcpy(key->addr, &scratch->group_key.src, sizeof key->addr);
	key->keys = scene->keys;
	key->port[0] = (uint8_t)(sport >> 8);
	key->port[1] = (uint8_t)sport;
	key->family = (uint16_t)INGRESS_FAMILY(scratch->group_key.family);
	return key;
}

/* Whether the door would let it in; see door_admits(). */
static inline_always bool
is_admitted(const struct scene *scene, uint16_t sport)
{
	return map_lookup(&admitted_map, door_key_for(scene, sport)) != NULL;
}

/* Tell the door, before SYN0 goes on; see door_admit(). */
static inline_always bool
admit(const struct scene *scene, const struct sorted *sorted)
{
	struct scratch *scratch = scene->scratch;
	const uint16_t sport = INGRESS_FRAME_SPORT(sorted->frame[FRAME_SYN0]);
	struct door_key *key = door_key_for(scene, sport);

	scratch->expires = scene->now + DOOR_LIFE_NS;
	return map_update(&admitted_map, key, &scratch->expires, BPF_ANY) == 0;
}

/* Wake tap, but not for each of many. */
static inline_always uint64_t
wakeup(const struct scene *scene)
{
	volatile uint64_t *woken = (uint64_t *)&scene->config->woken;

	if (scene->now - *woken < INGRESS_WAKE_MS * 1000000ull) {
		return BPF_RB_NO_WAKEUP;
	}
	*woken = scene->now;
	return BPF_RB_FORCE_WAKEUP;
}

/*
 * A group that is complete, in order and authentic, as it was sorted: let
 * it in, or (false) leave it to the receiver.  Without room to report it tap
 * would never know of it.
 */
static inline_always bool
accept(const struct scene *scene, const struct sorted *sorted)
{
	const struct ingress_key *key =
		key_of(INGRESS_FRAME_SEQ(sorted->frame[FRAME_SYN1]));
	const uint64_t now = scene->config->accept ? instant_now(scene) : 0;
	const uint64_t instant = frame_instant(
		INGRESS_FRAME_SEQ(sorted->frame[FRAME_SYN1]),
		INGRESS_FRAME_SEQ(sorted->frame[FRAME_SYN2]), now);
	struct ingress_record *record;

	if (!key || !is_judged(scene) ||
	    !is_good(scene, sorted, key, now, instant) ||
	    !is_whole(scene, sorted)) {
		return false;
	}
	record = ring_reserve(&records_map, sizeof *record, 0);
	if (!record) {
		return false;
	}
	record->group_key = scene->scratch->group_key;
#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_FRAMES; i++) {
		record->frame[i] = sorted->frame[i];
	}
	record->tag = scene->scratch->work.tag;
	record->instant = instant;
	record->now = now;
	if (!remember(scene, record)) {
		ring_discard(record, BPF_RB_NO_WAKEUP);
		return false;
	}
	if (!admit(scene, sorted)) {
		uint64_t tag = record->tag;

		map_delete(&replays_map, &tag);
		ring_discard(record, BPF_RB_NO_WAKEUP);
		return false;
	}
	ring_submit(record, wakeup(scene));
	map_delete(&groups_map, &scene->scratch->group_key);
	count(scene, INGRESS_ACCEPTED);
	forgive(scene->scratch, 4 + extra_of(key));
	return true;
}

#endif
