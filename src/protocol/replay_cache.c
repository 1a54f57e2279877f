#include "protocol/replay_cache.h"

#include <string.h>

size_t
replay_store_size(uint32_t capacity)
{
	return sizeof(struct replay_store) +
		capacity * sizeof(struct replay_slot);
}

/* The heads are a power of two, at least one for each group. */
static uint32_t
heads_for(uint32_t capacity)
{
	uint32_t heads = REPLAY_CAPACITY_MIN;

	while (heads < capacity) {
		heads *= 2;
	}
	return heads;
}

size_t
replay_index_size(uint32_t capacity)
{
	return ((size_t)capacity * 3 + heads_for(capacity)) * sizeof(uint32_t);
}

static uint32_t *
chain_of(const struct replay *r, uint64_t tag)
{
	uint64_t hash = hash_bytes(&r->key, &tag, sizeof tag);

	return &r->head[hash & (heads_for(r->capacity) - 1)];
}

#define INSTANT_MASK (((uint64_t)1 << REPLAY_INSTANT_BITS) - 1)

/*
 * The key of the checks, which are against damage and not against
 * forgery: who can write the store could as well empty it.
 */
static const struct hash_key check_key = {
	0x7461702d7265706c,
	0x61792d736c6f7431,
};

/* An instant with a check over it and over what it belongs to. */
static uint64_t
seal(uint64_t instant, uint64_t tag, uint64_t place)
{
	uint64_t words[3] = { instant & INSTANT_MASK, tag, place };

	return words[0] |
		hash_bytes(&check_key, words, sizeof words)
		<< REPLAY_INSTANT_BITS;
}

/* The place of the floor among the slots: none of them. */
#define FLOOR_PLACE UINT64_MAX

/*
 * A slot is written tag first: between the two it is empty still, with
 * a tag already.  So the check of an empty slot leaves its tag out.
 */
static uint64_t
seal_slot(uint64_t instant, uint64_t tag, uint32_t slot)
{
	return seal(instant, instant ? tag : 0, slot);
}

static bool
slot_is_sound(const struct replay_store *store, uint32_t slot)
{
	uint64_t sealed = store->slot[slot].sealed;

	return sealed ==
		seal_slot(sealed & INSTANT_MASK, store->slot[slot].tag, slot);
}

static uint64_t
instant_at(const struct replay *r, uint32_t place)
{
	return r->store->slot[r->heap[place]].sealed & INSTANT_MASK;
}

uint64_t
replay_floor(const struct replay *r)
{
	return r->store->floor & INSTANT_MASK;
}

bool
replay_at(const struct replay *r, uint32_t place, uint64_t *tag,
	  uint64_t *instant)
{
	const struct replay_slot *slot = &r->store->slot[place];

	*tag = slot->tag;
	*instant = slot->sealed & INSTANT_MASK;
	return *instant != 0;
}

void
replay_format(struct replay_store *store, uint32_t capacity)
{
	store->floor = seal(0, 0, FLOOR_PLACE);
	for (uint32_t slot = 0; slot < capacity; slot++) {
		store->slot[slot].tag = 0;
		store->slot[slot].sealed = seal_slot(0, 0, slot);
	}
}

static void
heap_swap(struct replay *r, uint32_t a, uint32_t b)
{
	uint32_t slot = r->heap[a];

	r->heap[a] = r->heap[b];
	r->heap[b] = slot;
	r->place[r->heap[a]] = a;
	r->place[r->heap[b]] = b;
}

static void
heap_up(struct replay *r, uint32_t place)
{
	while (place > 0 &&
	       instant_at(r, place) < instant_at(r, (place - 1) / 2)) {
		heap_swap(r, place, (place - 1) / 2);
		place = (place - 1) / 2;
	}
}

static void
heap_down(struct replay *r, uint32_t place)
{
	for (;;) {
		uint32_t least = place;
		uint32_t child = 2 * place + 1;

		for (uint32_t n = 0; n < 2 && child < r->count; n++, child++) {
			if (instant_at(r, child) < instant_at(r, least)) {
				least = child;
			}
		}
		if (least == place) {
			return;
		}
		heap_swap(r, place, least);
		place = least;
	}
}

/* Index the slot that stands at heap[count]; its content is written. */
static void
link_slot(struct replay *r)
{
	uint32_t slot = r->heap[r->count];
	uint32_t *chain = chain_of(r, r->store->slot[slot].tag);

	r->next[slot] = *chain;
	*chain = slot + 1;
	heap_up(r, r->count++);
}

static void
unlink_slot(struct replay *r, uint32_t slot)
{
	uint32_t *link = chain_of(r, r->store->slot[slot].tag);

	while (*link != slot + 1) {
		link = &r->next[*link - 1];
	}
	*link = r->next[slot];
}

void
replay_raise_floor(struct replay *r, uint64_t instant)
{
	if (instant > INSTANT_MASK) {
		instant = INSTANT_MASK;
	}
	if (instant > replay_floor(r)) {
		__atomic_store_n(&r->store->floor,
				 seal(instant, 0, FLOOR_PLACE),
				 __ATOMIC_RELEASE);
		if (r->twin.raise) {
			r->twin.raise(r->twin.context, instant);
		}
	}
}

static void
forget_there(struct replay *r, uint64_t tag)
{
	if (r->twin.forget) {
		r->twin.forget(r->twin.context, tag);
	}
}

/* The floor rises before the slot is given up: a crash loses nothing. */
static void
forget_oldest(struct replay *r)
{
	uint32_t slot = r->heap[0];

	replay_raise_floor(r, instant_at(r, 0));
	unlink_slot(r, slot);
	__atomic_store_n(&r->store->slot[slot].sealed, seal_slot(0, 0, slot),
			 __ATOMIC_RELEASE);
	heap_swap(r, 0, --r->count);
	heap_down(r, 0);
	forget_there(r, r->store->slot[slot].tag);
}

/* What is damaged becomes empty.  Returns how much that is. */
static uint32_t
mend(struct replay_store *store, uint32_t capacity)
{
	uint32_t damaged = 0;

	if (store->floor != seal(store->floor & INSTANT_MASK, 0, FLOOR_PLACE)) {
		store->floor = seal(0, 0, FLOOR_PLACE);
		damaged++;
	}
	for (uint32_t slot = 0; slot < capacity; slot++) {
		if (!slot_is_sound(store, slot)) {
			store->slot[slot].sealed = seal_slot(0, 0, slot);
			damaged++;
		}
	}
	return damaged;
}

uint32_t
replay_init(struct replay *r, struct replay_store *store, void *index,
	    uint32_t capacity, const struct hash_key *key)
{
	uint32_t damaged = mend(store, capacity);

	memset(index, 0, replay_index_size(capacity));
	*r = (struct replay){
		.key = *key,
		.store = store,
		.capacity = capacity,
		.heap = index,
	};
	r->place = r->heap + capacity;
	r->next = r->place + capacity;
	r->head = r->next + capacity;
	for (uint32_t slot = 0; slot < capacity; slot++) {
		r->heap[slot] = slot;
		r->place[slot] = slot;
	}
	for (uint32_t slot = 0; slot < capacity; slot++) {
		if (store->slot[slot].sealed & INSTANT_MASK) {
			heap_swap(r, r->place[slot], r->count);
			link_slot(r);
		}
	}
	return damaged;
}

static bool
is_known(const struct replay *r, uint64_t tag)
{
	for (uint32_t at = *chain_of(r, tag); at != 0; at = r->next[at - 1]) {
		if (r->store->slot[at - 1].tag == tag) {
			return true;
		}
	}
	return false;
}

/*
 * What is older than all of a full memory is refused, since it would have
 * to be forgotten at once: by the twin, too.
 */
static void
warn_if_full(struct replay *r)
{
	if (r->twin.raise && r->count == r->capacity) {
		r->twin.raise(r->twin.context, instant_at(r, 0));
	}
}

static enum replay_answer
add(struct replay *r, uint64_t tag, uint64_t instant)
{
	struct replay_slot *slot;

	if (r->count == r->capacity) {
		forget_oldest(r);
		if (instant <= replay_floor(r)) {
			forget_there(r, tag);
			return REPLAY_OLD;
		}
	}
	slot = &r->store->slot[r->heap[r->count]];
	__atomic_store_n(&slot->tag, tag, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->sealed,
			 seal_slot(instant, tag, r->heap[r->count]),
			 __ATOMIC_RELEASE);
	link_slot(r);
	warn_if_full(r);
	return REPLAY_NEW;
}

/* What a slot can't hold would be forgotten without a trace. */
static bool
is_old(const struct replay *r, uint64_t instant)
{
	return instant <= replay_floor(r) || instant > INSTANT_MASK;
}

enum replay_answer
replay_remember(struct replay *r, uint64_t tag, uint64_t instant)
{
	if (is_old(r, instant)) {
		return REPLAY_OLD;
	}
	if (is_known(r, tag)) {
		return REPLAY_SEEN;
	}
	/* First there: what was let in by it may not be known here yet. */
	if (r->twin.claim && !r->twin.claim(r->twin.context, tag, instant)) {
		return REPLAY_SEEN;
	}
	return add(r, tag, instant);
}

enum replay_answer
replay_learn(struct replay *r, uint64_t tag, uint64_t instant)
{
	if (is_old(r, instant)) {
		forget_there(r, tag);
		return REPLAY_OLD;
	}
	return is_known(r, tag) ? REPLAY_SEEN : add(r, tag, instant);
}

/* Those from one place in the heap on. */
static void
fill_part(const struct replay *r, uint32_t first)
{
	uint64_t tags[REPLAY_PART], instants[REPLAY_PART];
	const uint32_t left = r->count - first;
	const uint32_t count = left < REPLAY_PART ? left : REPLAY_PART;

	for (uint32_t i = 0; i < count; i++) {
		tags[i] = r->store->slot[r->heap[first + i]].tag;
		instants[i] = instant_at(r, first + i);
	}
	r->twin.fill(r->twin.context, tags, instants, count);
}

void
replay_join(struct replay *r, const struct replay_twin *twin)
{
	r->twin = twin ? *twin : (struct replay_twin){ 0 };
	if (!twin) {
		return;
	}
	twin->raise(twin->context, replay_floor(r));
	for (uint32_t first = 0; first < r->count; first += REPLAY_PART) {
		fill_part(r, first);
	}
	warn_if_full(r);
}
