/*
 * The bounded reassembly of groups (papers: 000, 3.3: the "4つ組"; here
 * four to seven frames).  A group is what came from one address to one
 * service with one mark; where windows don't survive the path, without
 * the mark, and then it may hold frames of several connections.
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

/* Frames that one group may hold: two whole groups of seven and two more. */
#define QUAD_FRAMES_STRICT 16u
/* Without the mark: sixteen connections at once from one address. */
#define QUAD_FRAMES_LOOSE 64u
#define QUAD_FRAMES_MAX QUAD_FRAMES_LOOSE

struct quad_key {
	struct packet_addr src, dst;
	uint16_t dport;
	uint16_t mark;
	bool loose; /* mark is 0 and not looked at */
};

struct quad_frame {
	uint32_t seq;
	uint64_t id;   /* the caller's name of a held packet */
	uint32_t hint; /* equal for frames of one group, where known */
	uint16_t sport;
	bool held; /* no verdict yet: it may still become SYN0 */
	bool witnessed; /* the caller's */
	uint64_t arrived;
	uint32_t next;		       /* in its group, or in the free list */
	uint32_t held_prev, held_next; /* among all held frames */
};

struct quad_group {
	struct quad_key key;
	uint8_t reason;	 /* the caller's; 0 at first */
	uint16_t key_no; /* the caller's, with the reason, and its skew */
	int64_t skew;
	uint16_t count;	 /* frames */
	uint32_t first, last;
	uint64_t arrived; /* the last frame */
	uint32_t next;	  /* in its chain, or in the free list */
	uint32_t older, newer;
};

struct quad {
	struct hash_key hash;
	struct quad_group *groups;
	struct quad_frame *frames;
	uint32_t *head; /* of the hash chains: group + 1, or 0 */
	uint32_t heads;
	uint32_t groups_max, frames_max, held_max;
	uint32_t groups_used, frames_used, held_used;
	uint32_t free_group, free_frame; /* index + 1, or 0, as all below */
	uint32_t oldest, newest;
	uint32_t held_first, held_last;
};

struct quad_limits {
	uint32_t groups, frames, held; /* each at least 1; frames >= groups */
};

/* Bytes that quad_init() wants. */
size_t quad_size(const struct quad_limits *limits);
void quad_init(struct quad *q, void *memory, const struct quad_limits *limits,
	       const struct hash_key *hash);

/* The group of this key, or NULL. */
struct quad_group *quad_find(struct quad *q, const struct quad_key *key);
/* A new group, which must not be there yet; NULL where all are in use. */
struct quad_group *quad_add(struct quad *q, const struct quad_key *key);
/* Give up a group and its frames, none of which may be held any more. */
void quad_remove(struct quad *q, struct quad_group *g);
/* The group that waited longest since its last frame, or NULL. */
struct quad_group *quad_oldest(struct quad *q);

/*
 * Append a frame that arrived at `now`, not held yet; NULL where all
 * frames are in use.
 */
struct quad_frame *quad_append(struct quad *q, struct quad_group *g,
			       uint64_t now);
/* The frames of a group by arrival; NULL behind the last. */
struct quad_frame *quad_first(struct quad *q, const struct quad_group *g);
struct quad_frame *quad_next(struct quad *q, const struct quad_frame *f);
/* Take a frame, not held any more, out of its group. */
void quad_drop(struct quad *q, struct quad_group *g, struct quad_frame *f);

/* Note that the caller holds this frame's packet under this id. */
void quad_hold(struct quad *q, struct quad_frame *f, uint64_t id);
void quad_unhold(struct quad *q, struct quad_frame *f);
/* The frame that was held longest, or NULL. */
struct quad_frame *quad_held(struct quad *q);

#endif
