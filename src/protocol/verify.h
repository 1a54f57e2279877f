/*
 * Find, among the frames of a group, those that make one connection.
 * No frame says that it is SYN0, and a SYN0 may look like any other
 * frame; where windows don't survive, frames of several connections are
 * mixed.  So assignments are tried, each with the new frame in it, first
 * those that it completes as SYN0, newest frames first, until an
 * authenticator fits.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_VERIFY_H
#define TAP_PROTOCOL_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "protocol/guess_limit.h"
#include "protocol/reason.h"

/*
 * The two ways in which a new frame completes a group: as its SYN0, which is
 * sent last; or as another one, of a group that was reordered.  The HMACs of
 * the second must not use up those of the first.
 */
enum verify_way {
	VERIFY_IN_ORDER,
	VERIFY_REORDERED,
	VERIFY_WAYS,
};

/*
 * HMACs computed for one frame, each way: those of a clean group, of one
 * with three forged SYN1s and three forged SYN2s, and more.
 */
#define VERIFY_MACS_STRICT 16u
#define VERIFY_MACS_LOOSE 64u
/*
 * HMACs that a group may cost, each way: so many at first, and more with
 * each frame.  Three forged frames of every role before the right ones
 * leave enough (test_receiver_forged.c); who sends frames in plenty gets
 * few for each, and loses nobody's group but that one.
 */
#define VERIFY_BUDGET_FIRST                                                    \
	{                                                                      \
		32, 16                                                         \
	}
#define VERIFY_BUDGET_FRAME                                                    \
	{                                                                      \
		4, 2                                                           \
	}
#define VERIFY_BUDGET_MAX 128u

struct verify_frame {
	uint32_t seq;
	bool maybe_syn0; /* its packet can still be let through */
};

/* What the frames belong to. */
struct verify_scene {
	const struct acl *acl;
	struct guess *guess; /* NULL: they were counted already */
	const struct packet_addr *src;
	uint16_t dport;
	uint16_t tolerance; /* seconds */
	bool loose;
	bool single; /* nothing says that these belong together: all, or none */
	unsigned macs[VERIFY_WAYS]; /* HMACs that the group may still cost */
	uint64_t instant, ms;       /* now */
};

struct verify {
	enum verify_reason reason; /* the furthest that was reached */
	bool whole; /* the frames are one group, no more no less */
	int key_no; /* that it names, or -1 */
	const struct acl_key *key;
	uint64_t instant; /* carried */
	uint64_t tag;     /* for the replay memory; of an accepted one */
	unsigned macs[VERIFY_WAYS]; /* HMACs that were computed */
	size_t frames;              /* of an accepted one */
	size_t at[FRAME_MAX];       /* which frame is SYN0, SYN1, ... */
};

/*
 * Look for a connection among `count` frames (in the order of arrival,
 * at most REASSEMBLY_FRAMES_MAX) of which the last one is new.
 */
void verify_find(const struct verify_scene *scene,
		 const struct verify_frame *frames, size_t count,
		 struct verify *found);

/* What a group may cost: more with each frame, and less by what it did. */
void verify_earn(uint8_t macs[VERIFY_WAYS], bool first);
void verify_spend(uint8_t macs[VERIFY_WAYS], const struct verify *found);

/* Whether it bears SYN2's prefix and a second that may be accepted. */
bool verify_is_timely_syn2(uint32_t seq, uint64_t now, uint16_t tolerance);

#endif
