#include "protocol/verify.h"

#include <string.h>

#include "base/bytes.h"
#include "protocol/frame.h"
#include "protocol/reassembly.h"

struct search {
	const struct verify_scene *scene;
	const struct verify_frame *frames;
	size_t count;
	unsigned marks[FRAME_MAX]; /* how many frames bear each role's mark */
	enum verify_way way;
	unsigned macs_left;
	unsigned wrong; /* guesses at 30-bit authenticators so far */
	struct verify *found;
};

static uint64_t
distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

bool
verify_is_timely_syn2(uint32_t seq, uint64_t now, uint16_t tolerance)
{
	return frame_role_of(seq) == FRAME_SYN2 &&
		distance(frame_second(seq, now), now) <=
		((uint64_t)tolerance + 1) << 8;
}

void
verify_earn(uint8_t macs[VERIFY_WAYS], bool first)
{
	static const unsigned begin[VERIFY_WAYS] = VERIFY_BUDGET_FIRST;
	static const unsigned frame[VERIFY_WAYS] = VERIFY_BUDGET_FRAME;

	for (unsigned way = 0; way < VERIFY_WAYS; way++) {
		unsigned more = macs[way] + frame[way];

		more += first ? begin[way] : 0;
		macs[way] =
			(uint8_t)(more < VERIFY_BUDGET_MAX ? more
							   : VERIFY_BUDGET_MAX);
	}
}

void
verify_spend(uint8_t macs[VERIFY_WAYS], const struct verify *found)
{
	for (unsigned way = 0; way < VERIFY_WAYS; way++) {
		macs[way] = (uint8_t)(macs[way] - found->macs[way]);
	}
}

static void
note(struct search *s, enum verify_reason reason, const struct verify *tried)
{
	if (reason > s->found->reason) {
		const struct verify before = *s->found;

		*s->found = *tried;
		s->found->reason = reason;
		s->found->whole = before.whole;
		memcpy(s->found->macs, before.macs, sizeof before.macs);
	}
}

/* flags, time, key, acl: what is decided before any HMAC. */
static enum verify_reason
check_head(const struct verify_scene *scene, const struct verify *tried,
	   uint8_t flags)
{
	const struct acl_key *key = tried->key;

	if (flags > FRAME_EXTRA_MAX || (key && flags != key->mac.extra)) {
		return VERIFY_FLAGS;
	}
	if (distance(tried->instant, scene->instant) >
	    (uint64_t)scene->tolerance << 8) {
		return VERIFY_TIME;
	}
	if (!key || !acl_key_valid_at(key, scene->instant)) {
		return VERIFY_KEY;
	}
	if (!acl_allows(scene->acl, scene->dport, key->no)) {
		return VERIFY_ACL;
	}
	return VERIFY_ACCEPTED;
}

/* Whether the others can be SYN3 and so on if frame i0 is SYN0. */
static bool
marks_suffice(const struct search *s, size_t i0, unsigned extra)
{
	enum frame_role own = frame_role_of(s->frames[i0].seq);

	for (unsigned role = FRAME_SYN3; role <= FRAME_SYN3 + extra; role++) {
		if (s->marks[role] < (own == role ? 2u : 1u)) {
			return false;
		}
	}
	return true;
}

/*
 * Whether all authenticators stand in frames of their own.  Takes the
 * same time wherever they differ.
 */
static uint32_t
auth_stands(const struct search *s, const struct verify *tried,
	    const uint32_t *seq, unsigned extra)
{
	uint32_t all = 1;

	for (unsigned role = FRAME_SYN3; role <= FRAME_SYN3 + extra; role++) {
		uint32_t one = 0;

		for (size_t i = 0; i < s->count; i++) {
			uint32_t free = i != tried->at[FRAME_SYN0];

			one |= free & ct_equal32(s->frames[i].seq, seq[role]);
		}
		all &= one;
	}
	return all;
}

static void
locate_auth(const struct search *s, struct verify *tried, const uint32_t *seq,
	    unsigned extra)
{
	for (unsigned role = FRAME_SYN3; role <= FRAME_SYN3 + extra; role++) {
		size_t i = s->count - 1;

		while (s->frames[i].seq != seq[role] ||
		       i == tried->at[FRAME_SYN0]) {
			i--;
		}
		tried->at[role] = i;
	}
}

/*
 * The guesses that one HMAC makes: it is compared with every SYN3.  Keys
 * of more bits than 30 need not count.
 */
static unsigned
guesses_in(const struct search *s, const struct verify *tried)
{
	uint32_t syn0 = s->frames[tried->at[FRAME_SYN0]].seq;

	if (tried->key->mac.extra > 0) {
		return 0;
	}
	return s->marks[FRAME_SYN3] - (frame_role_of(syn0) == FRAME_SYN3);
}

static enum verify_reason
check_auth(struct search *s, struct verify *tried)
{
	const struct verify_scene *scene = s->scene;
	const struct acl_key *key = tried->key;
	unsigned extra = key->mac.extra;
	unsigned guesses = guesses_in(s, tried);
	uint32_t seq[FRAME_MAX];

	/* What is tried in vain must not use up those of the right one. */
	if (guesses > 0 && scene->guess &&
	    !guess_allows(scene->guess, scene->src, scene->ms,
			  s->wrong + guesses +
				  (s->way == VERIFY_REORDERED ? GUESS_BURST / 2
							      : 0))) {
		return VERIFY_GUESS;
	}
	s->macs_left--;
	for (unsigned role = FRAME_SYN0; role <= FRAME_SYN2; role++) {
		seq[role] = s->frames[tried->at[role]].seq;
	}
	mac_sign(&key->mac, scene->dport, seq, &tried->tag);
	if (!auth_stands(s, tried, seq, extra)) {
		s->wrong += guesses;
		return VERIFY_MAC;
	}
	locate_auth(s, tried, seq, extra);
	tried->frames = FRAME_BASE + extra;
	return VERIFY_ACCEPTED;
}

/*
 * A whole group that fails is told of at once; but what would be SYN0 in
 * it may be the SYN2 of another group with the same mark.  That the head
 * is in order has to be known before: a SYN0 that looks like a SYN1 may
 * name any length.  And without the mark nothing tells what is whole.
 */
static bool
is_whole(const struct search *s, size_t i0, unsigned extra)
{
	return !s->scene->loose && s->count == FRAME_BASE + extra &&
		!verify_is_timely_syn2(s->frames[i0].seq, s->scene->instant,
				       s->scene->tolerance);
}

/* What a SYN1 and a SYN2 say together. */
static struct verify
read_head(const struct search *s, size_t i1, size_t i2)
{
	const uint32_t syn1 = s->frames[i1].seq, syn2 = s->frames[i2].seq;

	return (struct verify){
		.at = { [FRAME_SYN1] = i1, [FRAME_SYN2] = i2 },
		.key_no = frame_key_no(syn1),
		.key = acl_key_by_no(s->scene->acl, frame_key_no(syn1)),
		.instant = frame_instant(syn1, syn2, s->scene->instant),
	};
}

/* Whether a group of that head and length may have the new frame in it. */
static bool
may_have_new(const struct search *s, const struct verify *tried, unsigned extra)
{
	const size_t new = s->count - 1;
	const unsigned role = frame_role_of(s->frames[new].seq);

	return new == tried->at[FRAME_SYN1] || new == tried->at[FRAME_SYN2] ||
		(role >= FRAME_SYN3 && role <= FRAME_SYN3 + extra);
}

static bool
can_be_syn0(const struct search *s, const struct verify *tried, size_t i0,
	    unsigned extra)
{
	return i0 != tried->at[FRAME_SYN1] && i0 != tried->at[FRAME_SYN2] &&
		s->frames[i0].maybe_syn0 && marks_suffice(s, i0, extra);
}

/*
 * Whether trying them may find something: not a reason that is known already,
 * nor, where an older frame is to be SYN0, what was tried before the new one.
 */
static bool
is_worth_it(const struct search *s, const struct verify *tried,
	    enum verify_reason head, unsigned extra)
{
	if (s->scene->single && s->count != FRAME_BASE + extra) {
		return false;
	}
	return (head == VERIFY_ACCEPTED || head > s->found->reason) &&
		(s->way == VERIFY_IN_ORDER || may_have_new(s, tried, extra));
}

/* Try a SYN1 and a SYN2 with the new frame, or every older one, as SYN0. */
static bool
try_head(struct search *s, size_t i1, size_t i2)
{
	const uint8_t flags = frame_flags(s->frames[i1].seq);
	const unsigned extra = flags <= FRAME_EXTRA_MAX ? flags : 0;
	struct verify tried = read_head(s, i1, i2);
	const enum verify_reason head = check_head(s->scene, &tried, flags);
	const size_t new = s->count - 1;
	const size_t oldest = s->way == VERIFY_IN_ORDER ? new : 0;
	size_t i0 = s->way == VERIFY_IN_ORDER ? s->count : new;
	enum verify_reason reason = head;

	if (!is_worth_it(s, &tried, head, extra)) {
		return false;
	}
	while (i0-- > oldest && s->macs_left > 0) {
		if (!can_be_syn0(s, &tried, i0, extra)) {
			continue;
		}
		if (head == VERIFY_ACCEPTED) {
			s->found->whole |= is_whole(s, i0, extra);
			tried.at[FRAME_SYN0] = i0;
			reason = check_auth(s, &tried);
		}
		note(s, reason, &tried);
		if (head != VERIFY_ACCEPTED || reason == VERIFY_ACCEPTED) {
			return reason == VERIFY_ACCEPTED;
		}
	}
	return false;
}

/* The frames of a role, newest first; but one number counts once. */
static size_t
candidates_for(const struct search *s, enum frame_role role, uint8_t *at)
{
	size_t count = 0;

	for (size_t i = s->count; i-- > 0;) {
		size_t newer = 0;

		if (frame_role_of(s->frames[i].seq) != role) {
			continue;
		}
		while (newer < count &&
		       s->frames[at[newer]].seq != s->frames[i].seq) {
			newer++;
		}
		if (newer == count) {
			at[count++] = (uint8_t)i;
		}
	}
	return count;
}

static bool
try_all(struct search *s, enum verify_way way)
{
	const unsigned most =
		s->scene->loose ? VERIFY_MACS_LOOSE : VERIFY_MACS_STRICT;
	const unsigned macs =
		s->scene->macs[way] < most ? s->scene->macs[way] : most;
	uint8_t syn1[REASSEMBLY_FRAMES_MAX], syn2[REASSEMBLY_FRAMES_MAX];
	const size_t syn1s = candidates_for(s, FRAME_SYN1, syn1);
	const size_t syn2s = candidates_for(s, FRAME_SYN2, syn2);
	bool found = false;

	s->way = way;
	s->macs_left = macs;
	for (size_t i = 0; i < syn1s && !found; i++) {
		for (size_t j = 0; j < syn2s && s->macs_left > 0 && !found;
		     j++) {
			found = try_head(s, syn1[i], syn2[j]);
		}
	}
	s->found->macs[way] = macs - s->macs_left;
	return found;
}

void
verify_find(const struct verify_scene *scene, const struct verify_frame *frames,
	    size_t count, struct verify *found)
{
	struct search s = {
		.scene = scene,
		.frames = frames,
		.count = count,
		.found = found,
	};

	*found = (struct verify){ .key_no = -1 };
	if (count < FRAME_BASE) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		s.marks[frame_role_of(frames[i].seq)]++;
	}
	if (s.marks[FRAME_SYN1] == 0 || s.marks[FRAME_SYN2] == 0) {
		return;
	}
	/* SYN0 is sent last: what it completes is found at once. */
	(void)(try_all(&s, VERIFY_IN_ORDER) || try_all(&s, VERIFY_REORDERED));
	/* What was found may be a copy sent along with the guesses. */
	if (s.wrong > 0 && scene->guess) {
		guess_charge(scene->guess, scene->src, scene->ms, s.wrong);
	}
}
