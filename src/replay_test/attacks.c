#include "replay_test/attacks.h"

#include <string.h>

#include "protocol/frame.h"

#define USED ATTACK_OF_USED
#define FRESH ATTACK_OF_FRESH
#define ANY ATTACK_OF_ANY

#define ADDRESS ATTACK_NEEDS_ADDRESS
#define PATIENCE ATTACK_NEEDS_PATIENCE

const struct attack attacks[ATTACKS] = {
	[ATTACK_PLAIN] = { "plain", "a SYN without a group", "not-hidden",
			   ATTACK_OF_NONE, 0 },
	[ATTACK_AGAIN] = { "again", "the same group at once", "no-memory", USED,
			   0, true },
	[ATTACK_THOUSAND] = { "thousand", "the same group many times",
			      "memory-worn-out", USED, 0, true },
	[ATTACK_OTHER_PORTS] = { "other-ports", "from other source ports",
				 "memory-by-port", USED, 0, true },
	[ATTACK_OTHER_ADDRESS] = { "other-address", "from another address",
				   "memory-by-address", USED, ADDRESS, true },
	[ATTACK_OTHER_MARK] = { "other-mark", "with another mark",
				"memory-by-mark", USED, 0, true },
	[ATTACK_REVERSED] = { "reversed", "its frames in reverse order",
			      "memory-by-order", USED, 0, true },
	[ATTACK_FLIP_ISN] = { "flip-isn", "a bit of SYN0's number flipped",
			      "isn-not-authenticated", ANY, 0 },
	[ATTACK_FLIP_FLAGS] = { "flip-flags", "a bit of the flags flipped",
				"flags-not-authenticated", ANY, 0 },
	[ATTACK_FLIP_KEY] = { "flip-key", "a bit of the key number flipped",
			      "key-not-authenticated", ANY, 0 },
	[ATTACK_FLIP_FRACTION] = { "flip-fraction",
				   "a bit of the second's fraction flipped",
				   "time-not-authenticated", ANY, 0 },
	[ATTACK_FLIP_SECOND] = { "flip-second", "a bit of the second flipped",
				 "time-not-authenticated", ANY, 0 },
	[ATTACK_FLIP_MARKS] = { "flip-marks", "a bit of a frame's mark flipped",
				"marks-ignored", ANY, 0 },
	[ATTACK_FLIP_SYN3] = { "flip-syn3", "a bit of SYN3 flipped",
			       "authenticator-cut-short", ANY, 0 },
	[ATTACK_FLIP_SYN4] = { "flip-syn4", "a bit of SYN4 flipped",
			       "authenticator-cut-short", ANY, 0 },
	[ATTACK_FLIP_SYN5] = { "flip-syn5", "a bit of SYN5 flipped",
			       "authenticator-cut-short", ANY, 0 },
	[ATTACK_FLIP_SYN6] = { "flip-syn6", "a bit of SYN6 flipped",
			       "authenticator-cut-short", ANY, 0 },
	[ATTACK_MIXED] = { "mixed", "one frame of another group",
			   "groups-mixed", ANY, ATTACK_NEEDS_SECOND },
	[ATTACK_SPLIT] = { "split", "one group from two addresses",
			   "source-unchecked", FRESH, ADDRESS },
	[ATTACK_TIME_NOW] = { "time-now", "its time moved to now",
			      "time-not-authenticated", USED, 0 },
	[ATTACK_FUTURE] = { "future", "signed for the future",
			    "future-accepted", FRESH, 0 },
	[ATTACK_PAST] = { "past", "signed for the past", "past-accepted", FRESH,
			  0 },
	[ATTACK_FLAGS] = { "flags", "signed with unknown flags",
			   "flags-ignored", FRESH, 0 },
	[ATTACK_OTHER_SERVICE] = { "other-service",
				   "to another port than it is signed for",
				   "port-unchecked", ANY,
				   ATTACK_NEEDS_SERVICE },
	[ATTACK_OTHER_SERVER] = { "other-server",
				  "to another server with the key",
				  "server-unchecked", USED,
				  ATTACK_NEEDS_SERVER },
	[ATTACK_RACE] = { "race", "two copies at once", "race", FRESH, 0,
			  true },
	[ATTACK_FRAGMENTS] = { "fragments", "each frame in fragments",
			       "fragments", USED, 0, true },
	[ATTACK_OPTIONS] = { "options", "with TCP options added",
			     "memory-by-options", USED, 0, true },
	[ATTACK_DATA] = { "data", "with data added", "data", USED, 0, true },
	[ATTACK_DISPLACED] = { "displaced", "again, after many other groups",
			       "memory-too-small", USED, 0, true },
	[ATTACK_DELAY_HALF] = { "delay-half", "again, after half the tolerance",
				"memory-too-short", USED, PATIENCE, true },
	[ATTACK_DELAY_EDGE] = { "delay-edge",
				"again, just before its time is up",
				"memory-too-short", USED, PATIENCE, true },
	[ATTACK_DELAY_PAST] = { "delay-past",
				"again, just after its time is up",
				"past-accepted", USED, PATIENCE },
	[ATTACK_DELAY_AHEAD] = { "delay-ahead",
				 "one of a fast clock, before its time is up",
				 "memory-too-short", USED, PATIENCE, true },
	[ATTACK_RESTART] = { "restart", "again, after the hook has run",
			     "memory-lost", USED, ATTACK_NEEDS_HOOK, true },
	[ATTACK_GUESS] = { "guess", "random authenticators", "guessed", ANY,
			   0 },
};

/* Bits of a frame that an attack flips, one after the other. */
struct bits {
	uint8_t role, low, count;
};

static const struct bits flips[ATTACKS] = {
	[ATTACK_FLIP_ISN] = { FRAME_SYN0, 0, 32 },
	[ATTACK_FLIP_FLAGS] = { FRAME_SYN1, 24, 5 },
	[ATTACK_FLIP_KEY] = { FRAME_SYN1, 8, 16 },
	[ATTACK_FLIP_FRACTION] = { FRAME_SYN1, 0, 8 },
	[ATTACK_FLIP_SECOND] = { FRAME_SYN2, 0, 29 },
	[ATTACK_FLIP_SYN3] = { FRAME_SYN3, 0, 30 },
	[ATTACK_FLIP_SYN4] = { FRAME_SYN4, 0, 30 },
	[ATTACK_FLIP_SYN5] = { FRAME_SYN5, 0, 29 },
	[ATTACK_FLIP_SYN6] = { FRAME_SYN6, 0, 29 },
};

/* Bits flipped from SYN1 on: a prefix of three, or of two and one more. */
#define MARK_BITS 3u

/*
 * How far the time of a group is off.  This and the server's clock differ
 * by no more than the tolerance, or nothing would be accepted: what is
 * off by twice that and a bit is too far for any server.
 */
static const uint32_t offsets[] = { 0, 3600, 86400, 86400u * 365 };
#define OFFSETS (sizeof offsets / sizeof offsets[0])

static const uint8_t unknown_flags[] = { 4, 8, 16, 28 };
#define UNKNOWN_FLAGS (sizeof unknown_flags)

/* Whether swapping this frame changes the group at all. */
static bool
differ(const struct sender_group *a, const struct sender_group *b, size_t role)
{
	return a->count == b->count && a->seq[role] != b->seq[role];
}

enum attack_kind
attack_find(const char *name, size_t len)
{
	enum attack_kind kind = 0;

	while (kind < ATTACKS &&
	       (strlen(attacks[kind].name) != len ||
		memcmp(attacks[kind].name, name, len) != 0)) {
		kind++;
	}
	return kind;
}

unsigned
attack_guesses(enum attack_kind kind, unsigned variant, uint32_t tolerance)
{
	switch (kind) {
	case ATTACK_FLIP_ISN:
	case ATTACK_FLIP_FRACTION:
	case ATTACK_FLIP_SYN3:
	case ATTACK_FLIP_MARKS:
	case ATTACK_MIXED:
	case ATTACK_TIME_NOW:
		return 1;
	case ATTACK_FLIP_SECOND:
		return UINT64_C(1) << variant <= (uint64_t)tolerance + 1;
	default:
		return 0;
	}
}

unsigned
attack_variants(enum attack_kind kind, size_t frames)
{
	const struct bits *bits = &flips[kind];

	switch (kind) {
	case ATTACK_FLIP_MARKS:
		return (unsigned)(frames - 1) * MARK_BITS;
	case ATTACK_MIXED:
		return (unsigned)frames;
	case ATTACK_FUTURE:
	case ATTACK_PAST:
		return OFFSETS;
	case ATTACK_FLAGS:
		return UNKNOWN_FLAGS;
	case ATTACK_SPLIT:
	case ATTACK_RACE:
	case ATTACK_FRAGMENTS:
		return 2;
	default:
		return bits->count == 0       ? 1
			: bits->role < frames ? bits->count
					      : 0;
	}
}

static void
add_frame(struct attack_shot *shot, const struct sender_group *group,
	  enum frame_role role)
{
	shot->frames[shot->count++] = (struct attack_frame){
		.seq = group->seq[role],
		.sport = group->sport[role],
		.window = group->mark,
		.is_syn0 = role == FRAME_SYN0,
	};
}

void
attack_send(const struct sender_group *group, struct attack_shot *shot)
{
	memset(shot, 0, sizeof *shot);
	for (size_t i = 0; i < group->count; i++) {
		add_frame(shot, group, frame_sent_at(i, group->count));
	}
}

/* The same numbers from other ports and, where one is given, a mark. */
static struct sender_group
move(const struct sender_group *group, const uint16_t *sports, uint16_t mark)
{
	struct sender_group moved = *group;

	memcpy(moved.sport, sports, group->count * sizeof *sports);
	moved.mark = mark;
	return moved;
}

static bool
make_plain(unsigned variant, const struct attack_scene *s,
	   struct attack_shot *shot)
{
	(void)variant;
	memset(shot, 0, sizeof *shot);
	shot->count = 1;
	shot->frames[0] = (struct attack_frame){
		.seq = s->isn,
		.sport = s->sports[0],
		.window = s->mark,
		.is_syn0 = true,
	};
	return true;
}

static bool
make_reversed(unsigned variant, const struct attack_scene *s,
	      struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);

	(void)variant;
	memset(shot, 0, sizeof *shot);
	for (size_t i = g.count; i-- > 0;) {
		add_frame(shot, &g, frame_sent_at(i, g.count));
	}
	return true;
}

static bool
make_flip(const struct bits *bits, unsigned variant,
	  const struct attack_scene *s, struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);

	g.seq[bits->role] ^= UINT32_C(1) << (bits->low + variant);
	attack_send(&g, shot);
	return true;
}

static bool
make_flip_mark(unsigned variant, const struct attack_scene *s,
	       struct attack_shot *shot)
{
	const struct bits bits = {
		.role = (uint8_t)(1 + variant / MARK_BITS),
		.low = 32 - MARK_BITS,
	};

	return make_flip(&bits, variant % MARK_BITS, s, shot);
}

static bool
make_mixed(unsigned variant, const struct attack_scene *s,
	   struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);

	if (!s->second || !differ(s->group, s->second, variant)) {
		return false;
	}
	g.seq[variant] = s->second->seq[variant];
	attack_send(&g, shot);
	return true;
}

/* SYN0 from one address and the others from another, or the reverse. */
static bool
make_split(unsigned variant, const struct attack_scene *s,
	   struct attack_shot *shot)
{
	attack_send(s->group, shot);
	for (size_t i = 0; i < shot->count; i++) {
		shot->frames[i].other_address =
			shot->frames[i].is_syn0 == (variant == 0);
	}
	return true;
}

static bool
make_time_now(unsigned variant, const struct attack_scene *s,
	      struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);
	struct frame_head head = {
		.flags = frame_flags(g.seq[FRAME_SYN1]),
		.key_no = frame_key_no(g.seq[FRAME_SYN1]),
		.instant = s->instant,
	};

	(void)variant;
	/* The group may have been made in this very second. */
	if (frame_syn2(&head) == g.seq[FRAME_SYN2]) {
		head.instant += FRAME_SECOND;
	}
	g.seq[FRAME_SYN1] = frame_syn1(&head);
	g.seq[FRAME_SYN2] = frame_syn2(&head);
	attack_send(&g, shot);
	return true;
}

/* Signed as a client would whose clock, or whose flags, are wrong. */
static bool
make_signed(const struct attack_scene *s, uint64_t instant, uint8_t flags,
	    struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);
	const struct frame_head head = {
		.flags = s->key->mac.extra | flags,
		.key_no = s->key->no,
		.instant = instant,
	};

	sender_seal(&g, &s->key->mac, &head, s->port);
	attack_send(&g, shot);
	return true;
}

static uint64_t
offset_of(unsigned variant, const struct attack_scene *s)
{
	uint64_t seconds = 2 * (uint64_t)s->tolerance + 2 + offsets[variant];

	return seconds * FRAME_SECOND;
}

static bool
make_future(unsigned variant, const struct attack_scene *s,
	    struct attack_shot *shot)
{
	return make_signed(s, s->instant + offset_of(variant, s), 0, shot);
}

static bool
make_past(unsigned variant, const struct attack_scene *s,
	  struct attack_shot *shot)
{
	return make_signed(s, s->instant - offset_of(variant, s), 0, shot);
}

static bool
make_flags(unsigned variant, const struct attack_scene *s,
	   struct attack_shot *shot)
{
	return make_signed(s, s->instant, unknown_flags[variant], shot);
}

/*
 * Two copies in turns, with one mark and with two.  With one, a server
 * that counts guesses at 30 bits finds too many ways to put the frames
 * together: there it is two always.
 */
static bool
make_race(unsigned variant, const struct attack_scene *s,
	  struct attack_shot *shot)
{
	const struct sender_group *g = s->group;
	bool one_mark = variant == 0 && g->count > FRAME_BASE;
	struct sender_group copy =
		move(g, s->sports, one_mark ? g->mark : s->second_mark);

	memset(shot, 0, sizeof *shot);
	for (size_t i = 0; i < g->count; i++) {
		add_frame(shot, g, frame_sent_at(i, g->count));
		add_frame(shot, &copy, frame_sent_at(i, g->count));
	}
	return true;
}

static bool
make_other_ports(unsigned variant, const struct attack_scene *s,
		 struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->group->mark);

	(void)variant;
	attack_send(&g, shot);
	return true;
}

static bool
make_other_mark(unsigned variant, const struct attack_scene *s,
		struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->group->sport, s->mark);

	(void)variant;
	attack_send(&g, shot);
	return true;
}

static bool
make_other_address(unsigned variant, const struct attack_scene *s,
		   struct attack_shot *shot)
{
	(void)variant;
	attack_send(s->group, shot);
	for (size_t i = 0; i < shot->count; i++) {
		shot->frames[i].other_address = true;
	}
	return true;
}

/* The same numbers; something is different that the packets carry. */
static bool
make_options(unsigned variant, const struct attack_scene *s,
	     struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);

	(void)variant;
	attack_send(&g, shot);
	shot->words = 2;
	return true;
}

static bool
make_fragments(unsigned variant, const struct attack_scene *s,
	       struct attack_shot *shot)
{
	/* With options: longer than the least that some hosts take. */
	make_options(variant, s, shot);
	shot->split = variant == 0 ? 24 : 8;
	return true;
}

static bool
make_data(unsigned variant, const struct attack_scene *s,
	  struct attack_shot *shot)
{
	make_options(variant, s, shot);
	shot->words = 0;
	shot->data = 16;
	return true;
}

/* Of those that change something else than bits. */
static bool (*const makers[ATTACKS])(unsigned variant,
				     const struct attack_scene *s,
				     struct attack_shot *shot) = {
	[ATTACK_PLAIN] = make_plain,
	[ATTACK_OTHER_PORTS] = make_other_ports,
	[ATTACK_OTHER_SERVER] = make_other_ports,
	[ATTACK_OTHER_ADDRESS] = make_other_address,
	[ATTACK_OTHER_MARK] = make_other_mark,
	[ATTACK_REVERSED] = make_reversed,
	[ATTACK_FLIP_MARKS] = make_flip_mark,
	[ATTACK_MIXED] = make_mixed,
	[ATTACK_SPLIT] = make_split,
	[ATTACK_TIME_NOW] = make_time_now,
	[ATTACK_FUTURE] = make_future,
	[ATTACK_PAST] = make_past,
	[ATTACK_FLAGS] = make_flags,
	[ATTACK_RACE] = make_race,
	[ATTACK_FRAGMENTS] = make_fragments,
	[ATTACK_OPTIONS] = make_options,
	[ATTACK_DATA] = make_data,
};

bool
attack_make(enum attack_kind kind, unsigned variant,
	    const struct attack_scene *s, struct attack_shot *shot)
{
	if (makers[kind]) {
		return makers[kind](variant, s, shot);
	}
	if (flips[kind].count > 0) {
		return make_flip(&flips[kind], variant, s, shot);
	}
	attack_send(s->group, shot);
	return true;
}

void
attack_guess(const struct attack_scene *s, const uint32_t *bits,
	     struct attack_shot *shot)
{
	struct sender_group g = move(s->group, s->sports, s->mark);
	const struct frame_head head = {
		.flags = frame_flags(g.seq[FRAME_SYN1]),
		.key_no = frame_key_no(g.seq[FRAME_SYN1]),
		.instant = s->instant,
	};

	g.seq[FRAME_SYN1] = frame_syn1(&head);
	g.seq[FRAME_SYN2] = frame_syn2(&head);
	for (size_t role = FRAME_SYN3; role < g.count; role++) {
		g.seq[role] = frame_prefix((enum frame_role)role) |
			(bits[role - FRAME_SYN3] &
			 frame_mask((enum frame_role)role));
	}
	attack_send(&g, shot);
}
