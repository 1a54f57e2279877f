/*
 * The bounded memory of accepted groups (papers: 000, 3.8).  A group is
 * remembered by 64 bits of its HMAC, until the oldest has to make room.
 * Nothing is forgotten without a trace: whatever is forgotten raises the
 * floor, and a group not later than the floor is refused, since nobody
 * can tell any more whether it is new.
 *
 * It is not forgotten as soon as its time is past: when the clock is
 * stepped back, that time comes again.  What is remembered then is
 * refused, and only that; below the floor everybody would be.
 *
 * The store is what has to outlive the process: a floor and the slots.
 * Each word of it that counts carries a check of 24 bits, so that damage
 * is seen, and a slot is taken and given up by one aligned store of 64
 * bits: it may be the mapping of a file, and the process may be killed
 * at any instant.  The index over it is made anew at each start.
 *
 * Remembering costs O(log n) at the most, and O(1) for groups that come
 * in the order of their time.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_REPLAY_CACHE_H
#define TAP_PROTOCOL_REPLAY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

#define REPLAY_CAPACITY_MIN 16u
#define REPLAY_CAPACITY_MAX (1u << 24)

/*
 * A sealed word: check:24 instant:40.  2^40 instants of 1/256 s are the
 * years up to 2106.
 */
#define REPLAY_INSTANT_BITS 40

struct replay_slot {
	uint64_t tag;
	uint64_t sealed; /* instant 0: an empty slot, whatever its tag */
};

struct replay_store {
	uint64_t floor; /* sealed; groups not later are refused */
	struct replay_slot slot[];
};

/*
 * Another memory of the same groups, by which others let them in: whatever
 * is remembered here is there, too, or not later than its floor.  Without
 * one all is NULL.
 */
struct replay_twin {
	void *context;
	/* Remember, or false: it is there already.  The instant is above. */
	bool (*claim)(void *context, uint64_t tag, uint64_t instant);
	/* What is not later than this instant is no more to be let in. */
	void (*raise)(void *context, uint64_t floor);
	/* Forget what is not later than the floor, now or later. */
	void (*forget)(void *context, uint64_t tag);
	/*
	 * All that is known already, in parts of up to REPLAY_PART groups:
	 * they are to be there, or not later than its floor.
	 */
	void (*fill)(void *context, const uint64_t *tags,
		     const uint64_t *instants, size_t count);
};

/* As many as one call of the kernel is worth; and they lie on the stack. */
#define REPLAY_PART 1024u

struct replay {
	struct hash_key key;
	struct replay_twin twin;
	struct replay_store *store;
	uint32_t capacity;
	uint32_t count;
	uint32_t *heap;  /* [0, count): slots by instant; then free ones */
	uint32_t *place; /* of each slot in the heap */
	uint32_t *head;  /* of each hash chain: a slot + 1, or 0 */
	uint32_t *next;  /* of each slot in its chain, likewise */
};

enum replay_answer {
	REPLAY_NEW,  /* not seen before: now it is */
	REPLAY_SEEN, /* accepted before */
	REPLAY_OLD,  /* not later than what had to be forgotten */
};

/* Bytes of a store, and of its index, for `capacity` groups. */
size_t replay_store_size(uint32_t capacity);
size_t replay_index_size(uint32_t capacity);

/* Make an empty store of what may hold anything. */
void replay_format(struct replay_store *store, uint32_t capacity);

/*
 * Take up a store and index what is in it.  Both blocks are the
 * caller's, aligned for uint64_t, and must outlive r.  capacity is from
 * REPLAY_CAPACITY_MIN to REPLAY_CAPACITY_MAX.  Returns the number of
 * damaged words, which are made good as empty: where it is not 0, groups
 * may be missing.
 */
uint32_t replay_init(struct replay *r, struct replay_store *store, void *index,
		     uint32_t capacity, const struct hash_key *key);

/*
 * What is remembered in a place, from 0 to capacity - 1: false where there is
 * nothing.
 */
bool replay_at(const struct replay *r, uint32_t place, uint64_t *tag,
	       uint64_t *instant);

/* The floor, an instant. */
uint64_t replay_floor(const struct replay *r);

/* Refuse what is not later than this instant; a lower one does nothing. */
void replay_raise_floor(struct replay *r, uint64_t instant);

/*
 * Ask about a group and remember it, as one step.  Whether its instant is
 * acceptable at all was checked before.
 */
enum replay_answer replay_remember(struct replay *r, uint64_t tag,
				   uint64_t instant);

/*
 * From now on there is a twin, which is empty: tell it all.  NULL: there is
 * none.
 */
void replay_join(struct replay *r, const struct replay_twin *twin);

/*
 * Remember, too, what the twin has remembered by itself.  REPLAY_OLD: it
 * could not be, but is refused from now on.
 */
enum replay_answer replay_learn(struct replay *r, uint64_t tag,
				uint64_t instant);

#endif
