/*
 * The bounded reassembly of groups (papers: 000, 3.3: the "4つ組"; here
 * four to seven frames).  A group is what came from one address to one
 * service with one mark; where windows don't survive the path, with one mark
 * that is made of the TCP options, which all frames of one SYN have in common.
 * Without time stamps other SYNs have the same, and a group may hold frames
 * of several connections.
 *
 * Three lists bound everything: groups by their last arrival, the frames
 * of each group by arrival, and all held frames by arrival.  All memory
 * is the caller's; time is in milliseconds of any clock that never goes
 * back.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_REASSEMBLY_H
#define TAP_PROTOCOL_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "protocol/packet.h"

/*
 * Frames that one group may hold: a group of seven, three forged frames of
 * each role beside it, and some more.
 */
#define REASSEMBLY_FRAMES_STRICT 32u
/* Where marks tell nothing: sixteen connections at once from one address. */
#define REASSEMBLY_FRAMES_LOOSE 64u
#define REASSEMBLY_FRAMES_MAX REASSEMBLY_FRAMES_LOOSE

struct reassembly_key {
	struct packet_addr src, dst;
	uint16_t dport;
	bool loose;
	uint32_t mark; /* the window; or, if loose, the caller's of the options
			*/
};

struct reassembly_frame {
	uint32_t seq;
	uint64_t id; /* the caller's name of a held packet */
	uint16_t sport;
	bool held;      /* no verdict yet: it may still become SYN0 */
	bool witnessed; /* the caller's */
	uint64_t arrived;
	uint32_t next;                 /* in its group, or in the free list */
	uint32_t held_prev, held_next; /* among all held frames */
};

struct reassembly_group {
	struct reassembly_key key;
	uint8_t reason; /* the caller's; 0 at first */
	bool reported;  /* the caller's: the reason was told already */
	/* The caller's: HMACs that it may cost; see match.h. */
	uint8_t macs[2];
	uint16_t key_no; /* the caller's, with the reason, and its skew */
	int64_t skew;
	uint16_t count; /* frames */
	uint32_t first, last;
	uint64_t arrived; /* the last frame */
	uint32_t next;    /* in its chain, or in the free list */
	uint32_t older, newer;
};

struct reassembly {
	struct hash_key hash;
	struct reassembly_group *groups;
	struct reassembly_frame *frames;
	uint32_t *head; /* of the hash chains: group + 1, or 0 */
	uint32_t heads;
	uint32_t groups_max, frames_max, held_max;
	uint32_t groups_used, frames_used, held_used;
	uint32_t free_group, free_frame; /* index + 1, or 0, as all below */
	uint32_t oldest, newest;
	uint32_t held_first, held_last;
};

struct reassembly_limits {
	uint32_t groups, frames, held; /* each at least 1; frames >= groups */
};

/* Bytes that reassembly_init() wants. */
size_t reassembly_size(const struct reassembly_limits *limits);
void reassembly_init(struct reassembly *q, void *memory,
		     const struct reassembly_limits *limits,
		     const struct hash_key *hash);

/* The group of this key, or NULL. */
struct reassembly_group *reassembly_find(struct reassembly *q,
					 const struct reassembly_key *key);
/* A new group, which must not be there yet; NULL where all are in use. */
struct reassembly_group *reassembly_add(struct reassembly *q,
					const struct reassembly_key *key);
/* Give up a group and its frames, none of which may be held any more. */
void reassembly_remove(struct reassembly *q, struct reassembly_group *g);
/* The group that waited longest since its last frame, or NULL. */
struct reassembly_group *reassembly_oldest(struct reassembly *q);
/* The one that waited longest of those that waited less than this; or NULL. */
struct reassembly_group *reassembly_newer(struct reassembly *q,
					  const struct reassembly_group *g);
/* The one that waited shortest of those that waited longer than this; or NULL.
 */
struct reassembly_group *reassembly_older(struct reassembly *q,
					  const struct reassembly_group *g);
/* The one with the latest frame, or NULL. */
struct reassembly_group *reassembly_newest(struct reassembly *q);

/*
 * Append a frame that arrived at `now`, not held yet; NULL where all
 * frames are in use.
 */
struct reassembly_frame *reassembly_append(struct reassembly *q,
					   struct reassembly_group *g,
					   uint64_t now);
/* The frames of a group by arrival; NULL behind the last. */
struct reassembly_frame *reassembly_first(struct reassembly *q,
					  const struct reassembly_group *g);
struct reassembly_frame *reassembly_next(struct reassembly *q,
					 const struct reassembly_frame *f);
/*
 * What makes room in a full group: of the role (see frame.h) with the most
 * frames the oldest, so that frames of one role push out no others.
 */
struct reassembly_frame *reassembly_crowded(struct reassembly *q,
					    const struct reassembly_group *g);
/* Take a frame, not held any more, out of its group. */
void reassembly_drop(struct reassembly *q, struct reassembly_group *g,
		     struct reassembly_frame *f);

/* Note that the caller holds this frame's packet under this id. */
void reassembly_hold(struct reassembly *q, struct reassembly_frame *f,
		     uint64_t id);
void reassembly_unhold(struct reassembly *q, struct reassembly_frame *f);
/* The frame that was held longest, or NULL. */
struct reassembly_frame *reassembly_held(struct reassembly *q);

#endif
