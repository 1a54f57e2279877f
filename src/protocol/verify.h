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

/* Why a group ended, in the order of the checks: a later one got further. */
enum match_reason {
	MATCH_INCOMPLETE, /* frames were missing */
	MATCH_FLAGS,	  /* unknown flags, or a length not the key's */
	MATCH_TIME,	  /* outside now +- tolerance */
	MATCH_KEY,	  /* unknown, or not valid now */
	MATCH_ACL,	  /* not allowed on this port */
	MATCH_GUESS,	  /* too many wrong 30-bit guesses from its address */
	MATCH_MAC,
	MATCH_REPLAY,	  /* the gate's: it asks the replay memory */
	MATCH_MALFORMED,  /* the gate's: a SYN that can't be a frame */
	MATCH_ACCEPTED,
	MATCH_REASONS,
};

/* HMACs computed for one frame: two assignments of a clean group, and more. */
#define MATCH_MACS_STRICT 16u
#define MATCH_MACS_LOOSE 64u

struct match_frame {
	uint32_t seq;
	uint32_t hint;	 /* loose: equal for all frames of one SYN */
	bool maybe_syn0; /* its packet can still be let through */
};

/* What the frames belong to. */
struct match_scene {
	const struct acl *acl;
	struct guess *guess;
	const struct packet_addr *src;
	uint16_t dport;
	uint16_t tolerance; /* seconds */
	bool loose;
	uint64_t instant, ms; /* now */
};

struct match {
	enum match_reason reason; /* the furthest that was reached */
	bool whole;		  /* the frames are one group, no more no less */
	int key_no;		  /* that it names, or -1 */
	const struct acl_key *key;
	uint64_t instant; /* carried */
	uint64_t tag;	  /* for the replay memory; of an accepted one */
	unsigned macs;	  /* HMACs that were computed */
	size_t frames;	  /* of an accepted one */
	size_t at[FRAME_MAX]; /* which frame is SYN0, SYN1, ... */
};

/*
 * Look for a connection among `count` frames (in the order of arrival,
 * at most QUAD_FRAMES_MAX) of which the last one is new.
 */
void match_find(const struct match_scene *scene,
		const struct match_frame *frames, size_t count,
		struct match *found);

#endif
