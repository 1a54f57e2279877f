/*
 * Which frames of a group are SYN0, SYN1, ...: for the ingress program.
 *
 * Whoever can send from the client's address can put frames into its groups.
 * So a group has several frames of each role, of which the newest is tried
 * first; see verify.h for how the receiver does that.  The program tries
 * fewer: what it can't judge is the receiver's.
 *
 * All of this is without a jump, by masks: the verifier would go through what
 * follows once for each way to it.
 */
#ifndef TAP_FASTPATH_BPF_ROLES_H
#define TAP_FASTPATH_BPF_ROLES_H

#include "fastpath/bpf_mac.h"

/* Those of a group, and the one that the last frame has pushed out. */
#define LAYERS (INGRESS_LAYERS + 1)
#define ROLES 8 /* and one that there is not: a power of two */

/* Of the frames that a group has, three that may belong together. */
struct attempt {
	uint64_t syn0, syn1, syn2;
};

/* With the new frame as SYN0, and with another one. */
#define ATTEMPTS_LAST (INGRESS_LAYERS * INGRESS_LAYERS)
#define ATTEMPTS_EARLY 2
#define ATTEMPTS (ATTEMPTS_LAST + ATTEMPTS_EARLY)

struct search {
	uint64_t frame[LAYERS][ROLES]; /* newest first; 0: none */
	struct attempt attempt[ATTEMPTS];
	uint64_t mine; /* the new frame */
	uint64_t lost; /* what it pushed out */
	int64_t macs;  /* that the group may still cost */
	/* Volatile: what it reads back, the verifier does not know. */
	volatile uint64_t role;        /* of the new frame */
	volatile uint64_t count;       /* frames */
	volatile uint64_t extra, most; /* that a SYN1 names */
	volatile uint64_t failed;  /* some attempt was whole, and not right */
	volatile uint64_t guessed; /* at a short authenticator, likewise */
	volatile uint64_t foreign; /* one is of a suite not known here */
};

/* A group in order. */
struct sorted {
	uint64_t frame[INGRESS_FRAMES];
};

/* ---- masks: all bits or none */

/* The compiler is not to see that it could jump. */
static inline_always uint64_t
if_negative(int64_t x)
{
	__asm__ volatile("" : "+r"(x));
	return (uint64_t)(x >> 63);
}

static inline_always uint64_t
if_any(uint64_t x)
{
	return if_negative((int64_t)(x | (0 - x)));
}

static inline_always uint64_t
choose(uint64_t mask, uint64_t yes, uint64_t no)
{
	return (yes & mask) | (no & ~mask);
}

/* Whether a frame is there, and not that one. */
static inline_always uint64_t
if_other(uint64_t frame, uint64_t than)
{
	return if_any(frame) & if_any((frame ^ than) & ~INGRESS_FRAME_NOTES);
}

static inline_always bool
is_same(uint64_t one, uint64_t other)
{
	return ((one ^ other) & ~INGRESS_FRAME_NOTES) == 0;
}

/* ---- frames */

static inline_always bool
has_frame(const struct ingress_group *g, uint32_t role, uint64_t frame)
{
	uint64_t all_differ = ~0ull;

#pragma clang loop unroll(full)
	for (int layer = 0; layer < INGRESS_LAYERS; layer++) {
		all_differ &= if_any((g->frame[layer][role] ^ frame) &
				     ~INGRESS_FRAME_NOTES);
	}
	return all_differ == 0;
}

/* How many frames there are, and the shortest group that they could be. */
static inline_always void
count_frames(struct search *s)
{
	uint64_t count = 0, extra = 4, most = 0;

#pragma clang loop unroll(full)
	for (int layer = 0; layer < LAYERS; layer++) {
		const uint64_t syn1 = s->frame[layer][FRAME_SYN1];
		const uint64_t flags = frame_flags(INGRESS_FRAME_SEQ(syn1));

#pragma clang loop unroll(full)
		for (int role = FRAME_SYN0; role <= FRAME_SYN6; role++) {
			count -= if_any(s->frame[layer][role]);
			/* One after the other: they would fill the stack. */
			__asm__ volatile("" : "+r"(count));
		}
		extra = choose(if_any(syn1) &
				       if_negative((int64_t)(flags - extra)),
			       flags, extra);
		most = choose(if_any(syn1) &
				      if_negative((int64_t)(most - flags)),
			      flags, most);
	}
	s->count = count;
	s->extra = extra;
	s->most = most;
}

/* All bits where a group with so many frames more has this role. */
static inline_always uint64_t
if_wanted(uint64_t extra, uint32_t role)
{
	return ~if_negative((int64_t)(FRAME_SYN3 + extra - role));
}

/* Whether it can be a whole group at all: most frames end here. */
static inline_always bool
may_be_whole(const struct search *s)
{
	const uint64_t extra = s->extra;
	uint64_t missing = ~if_any(s->frame[0][FRAME_SYN2]);

	missing |= ~if_negative((int64_t)(extra - 4));
	missing |= if_negative((int64_t)(s->count - 4 - extra));
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN3; role <= FRAME_SYN6; role++) {
		missing |= ~if_any(s->frame[0][role]) & if_wanted(extra, role);
	}
	return missing == 0;
}

/* ---- attempts */

/* The newest frames of a role, but for one. */
static inline_always void
list_newest(const struct search *s, uint32_t role, uint64_t except,
	    uint64_t newest[INGRESS_LAYERS])
{
#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_LAYERS; i++) {
		newest[i] = 0;
	}
#pragma clang loop unroll(full)
	for (int layer = LAYERS - 1; layer >= 0; layer--) {
		const uint64_t frame = s->frame[layer][role];
		const uint64_t mask = if_other(frame, except);

#pragma clang loop unroll(full)
		for (int i = INGRESS_LAYERS - 1; i > 0; i--) {
			newest[i] = choose(mask, newest[i - 1], newest[i]);
		}
		newest[0] = choose(mask, frame, newest[0]);
	}
}

static inline_always void
set_attempt(volatile struct attempt *a, uint64_t syn0, uint64_t syn1,
	    uint64_t syn2)
{
	a->syn0 = syn0;
	a->syn1 = syn1;
	a->syn2 = syn2;
}

/*
 * SYN0 where it was not the last to come: it has no place; or one that the
 * group has no use for; or there are two of its role, and it is either.
 */
static inline_always void
find_spare(const struct search *s, uint64_t *one, uint64_t *other)
{
	const uint64_t most = s->most;
	uint64_t mask;

	*one = *other = 0;
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN1; role <= FRAME_SYN6; role++) {
		mask = if_any(s->frame[1][role]);
		*one = choose(mask, s->frame[1][role], *one);
		*other = choose(mask, s->frame[0][role], *other);
	}
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN4; role <= FRAME_SYN6; role++) {
		mask = if_any(s->frame[0][role]) & ~if_wanted(most, role);
		*one = choose(mask, s->frame[0][role], *one);
		*other &= ~mask;
	}
	mask = if_any(s->frame[0][FRAME_SYN0]);
	*one = choose(mask, s->frame[0][FRAME_SYN0], *one);
	*other &= ~mask;
}

/* Another one than the new frame may be SYN0, with the newest of the others. */
static inline_always void
list_early(struct search *s, uint64_t mine, uint64_t syn0,
	   struct attempt *attempt)
{
	uint64_t syn1[INGRESS_LAYERS], syn2[INGRESS_LAYERS];

	syn0 &= if_other(syn0, mine);
	list_newest(s, FRAME_SYN1, syn0, syn1);
	list_newest(s, FRAME_SYN2, syn0, syn2);
	set_attempt(attempt, syn0, syn1[0], syn2[0]);
}

/* What nearly all groups are. */
static inline_always void
list_likeliest(struct search *s)
{
	const uint64_t mine = s->mine;
	uint64_t syn1 = 0, syn2 = 0;

#pragma clang loop unroll(full)
	for (int layer = LAYERS - 1; layer >= 0; layer--) {
		const uint64_t one = s->frame[layer][FRAME_SYN1];
		const uint64_t two = s->frame[layer][FRAME_SYN2];

		syn1 = choose(if_other(one, mine), one, syn1);
		syn2 = choose(if_other(two, mine), two, syn2);
	}
	set_attempt(&s->attempt[0], mine, syn1, syn2);
}

/* What is to be tried, likeliest first. */
static inline_always void
list_attempts(struct search *s)
{
	const uint64_t mine = s->mine;
	uint64_t syn1[INGRESS_LAYERS], syn2[INGRESS_LAYERS];
	uint64_t one, other;

	list_newest(s, FRAME_SYN1, mine, syn1);
	list_newest(s, FRAME_SYN2, mine, syn2);
#pragma clang loop unroll(full)
	for (int i = 0; i < INGRESS_LAYERS; i++) {
#pragma clang loop unroll(full)
		for (int j = 0; j < INGRESS_LAYERS; j++) {
			set_attempt(&s->attempt[i * INGRESS_LAYERS + j], mine,
				    syn1[i], syn2[j]);
		}
	}
	find_spare(s, &one, &other);
	list_early(s, mine, one, &s->attempt[ATTEMPTS_LAST]);
	list_early(s, mine, other, &s->attempt[ATTEMPTS_LAST + 1]);
}

/* ---- a group in order */

/* Put a frame of a role, but for SYN0, with this number where bits has any. */
static inline_always void
put(const struct search *s, volatile struct sorted *sorted, uint32_t role,
    uint32_t seq, uint32_t bits)
{
	const uint64_t syn0 = sorted->frame[FRAME_SYN0];
	uint64_t found = 0;

#pragma clang loop unroll(full)
	for (int layer = LAYERS - 1; layer >= 0; layer--) {
		const uint64_t frame = s->frame[layer][role];
		const uint32_t wrong = (INGRESS_FRAME_SEQ(frame) ^ seq) & bits;

		found = choose(if_other(frame, syn0) & ~if_any(wrong), frame,
			       found);
	}
	sorted->frame[role] = found;
}

/* Whether SYN3 and so on are there; what is not needed is not. */
static inline_always bool
has_all(volatile struct sorted *sorted, uint64_t extra)
{
	uint64_t missing = ~if_any(sorted->frame[FRAME_SYN0]) |
		~if_any(sorted->frame[FRAME_SYN1]) |
		~if_any(sorted->frame[FRAME_SYN2]);

#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN3; role <= FRAME_SYN6; role++) {
		const uint64_t wanted = if_wanted(extra, role);

		sorted->frame[role] &= wanted;
		missing |= ~if_any(sorted->frame[role]) & wanted;
	}
	return missing == 0;
}

/* An attempt as a group in order, with the newest of the others. */
static inline_always bool
sort_attempt(const struct search *s, const volatile struct attempt *a,
	     volatile struct sorted *sorted)
{
	const uint64_t syn1 = a->syn1;

	sorted->frame[FRAME_SYN0] = a->syn0;
	sorted->frame[FRAME_SYN1] = syn1;
	sorted->frame[FRAME_SYN2] = a->syn2;
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN3; role <= FRAME_SYN6; role++) {
		put(s, sorted, role, 0, 0);
	}
	return has_all(sorted, frame_flags(INGRESS_FRAME_SEQ(syn1)));
}

/* SYN3s that an authenticator is compared with: so many guesses it is. */
static inline_always uint32_t
guesses_in(const struct search *s, uint64_t syn0)
{
	uint32_t guesses = 0;

#pragma clang loop unroll(full)
	for (int layer = 0; layer < LAYERS; layer++) {
		guesses -=
			(uint32_t)if_other(s->frame[layer][FRAME_SYN3], syn0);
	}
	return guesses;
}

/* With those that the authenticator asks for; false: one is not there. */
static inline_always bool
is_authentic(struct ingress_work *work, const struct search *s,
	     struct sorted *sorted, uint16_t port,
	     const struct ingress_key *key)
{
	const uint32_t numbers[3] = {
		INGRESS_FRAME_SEQ(sorted->frame[FRAME_SYN0]),
		INGRESS_FRAME_SEQ(sorted->frame[FRAME_SYN1]) &
			frame_mask(FRAME_SYN1),
		INGRESS_FRAME_SEQ(sorted->frame[FRAME_SYN2]) &
			frame_mask(FRAME_SYN2),
	};
	uint64_t high, low;

	fill_block(work->block, key, port, numbers);
	authenticate(work, key, &high, &low);
	work->tag = high;
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN3; role <= FRAME_SYN6; role++) {
		put(s, sorted, role, frame_auth(role, high, low), ~0u);
	}
	return has_all(sorted, extra_of(key));
}

#endif
