/*
 * The replay memory against a slow one that keeps everything: nothing
 * remembered twice, nothing new above the floor refused, nothing lost
 * when full, when the clock is stepped, or when the process starts anew.
 */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/replay_cache.h"

#define SECOND 256u
#define HOUR (3600u * SECOND)
#define KEEP (30u * SECOND)
#define BEGIN ((uint64_t)1795132800 * SECOND)

static const struct hash_key key = { 1, 2 };

struct memory {
	struct replay r;
	struct replay_store *store;
	void *index;
	uint32_t capacity;
};

/* Returns how much is damaged. */
static uint32_t
memory_start(struct memory *m, const struct hash_key *with)
{
	memset(m->index, 0xee, replay_index_size(m->capacity));
	return replay_init(&m->r, m->store, m->index, m->capacity, with);
}

static struct memory
memory_new(uint32_t capacity)
{
	struct memory m = { .capacity = capacity };

	m.store = calloc(1, replay_store_size(capacity));
	m.index = malloc(replay_index_size(capacity));
	assert_non_null(m.store);
	assert_non_null(m.index);
	replay_format(m.store, capacity);
	memory_start(&m, &key);
	return m;
}

static void
memory_free(struct memory *m)
{
	free(m->store);
	free(m->index);
}

static uint64_t
instant_in(const struct memory *m, uint32_t slot)
{
	return m->store->slot[slot].sealed &
		(((uint64_t)1 << REPLAY_INSTANT_BITS) - 1);
}

/* Heap order, places, chains: each slot in use is found in each of them. */
static void
memory_check(const struct memory *m)
{
	const struct replay *r = &m->r;
	uint32_t used = 0;

	assert_true(r->count <= m->capacity);
	for (uint32_t slot = 0; slot < m->capacity; slot++) {
		bool in_use = instant_in(m, slot) != 0;

		used += in_use;
		assert_int_equal(r->heap[r->place[slot]], slot);
		assert_int_equal(in_use, r->place[slot] < r->count);
	}
	assert_int_equal(used, r->count);
	for (uint32_t at = 1; at < r->count; at++) {
		uint64_t child = instant_in(m, r->heap[at]);
		uint64_t parent = instant_in(m, r->heap[(at - 1) / 2]);

		assert_true(parent <= child);
	}
}

static enum replay_answer
ask(struct memory *m, uint64_t tag, uint64_t instant)
{
	return replay_remember(&m->r, tag, instant);
}

static void
a_group_is_new_once(void **state)
{
	struct memory m = memory_new(64);

	(void)state;
	assert_int_equal(ask(&m, 1, BEGIN), REPLAY_NEW);
	assert_int_equal(ask(&m, 1, BEGIN), REPLAY_SEEN);
	assert_int_equal(ask(&m, 2, BEGIN), REPLAY_NEW);
	assert_int_equal(ask(&m, 0, BEGIN), REPLAY_NEW);
	assert_int_equal(ask(&m, 0, BEGIN), REPLAY_SEEN);
	assert_int_equal(ask(&m, UINT64_MAX, BEGIN - 9), REPLAY_NEW);
	assert_int_equal(replay_floor(&m.r), 0);
	memory_check(&m);
	memory_free(&m);
}

/* However much later others are: their own time may come again. */
static void
memory_lasts_as_long_as_there_is_room(void **state)
{
	struct memory m = memory_new(64);

	(void)state;
	for (uint64_t tag = 0; tag < 64; tag++) {
		assert_int_equal(ask(&m, tag, BEGIN + tag * HOUR), REPLAY_NEW);
	}
	assert_int_equal(replay_floor(&m.r), 0);
	for (uint64_t tag = 0; tag < 64; tag++) {
		assert_int_equal(ask(&m, tag, BEGIN + tag * HOUR), REPLAY_SEEN);
	}
	/* Forgotten, it raises the floor, and is refused by that. */
	assert_int_equal(ask(&m, 64, BEGIN + 64 * HOUR), REPLAY_NEW);
	assert_int_equal(replay_floor(&m.r), BEGIN);
	assert_int_equal(m.r.count, 64);
	assert_int_equal(ask(&m, 0, BEGIN), REPLAY_OLD);
	assert_int_equal(ask(&m, 65, BEGIN), REPLAY_OLD);
	memory_free(&m);
}

static void
a_full_memory_forgets_the_oldest(void **state)
{
	struct memory m = memory_new(REPLAY_CAPACITY_MIN);

	(void)state;
	for (uint64_t i = 0; i < REPLAY_CAPACITY_MIN; i++) {
		assert_int_equal(ask(&m, 100 + i, BEGIN + i), REPLAY_NEW);
	}
	assert_int_equal(replay_floor(&m.r), 0);
	assert_int_equal(ask(&m, 7, BEGIN + 1000), REPLAY_NEW);
	assert_int_equal(replay_floor(&m.r), BEGIN);
	assert_int_equal(ask(&m, 100, BEGIN), REPLAY_OLD);
	for (uint64_t i = 1; i < REPLAY_CAPACITY_MIN; i++) {
		assert_int_equal(ask(&m, 100 + i, BEGIN + i), REPLAY_SEEN);
	}
	/* Full again, and older than what would have to go. */
	assert_int_equal(ask(&m, 8, BEGIN + 1), REPLAY_OLD);
	memory_check(&m);
	memory_free(&m);
}

static void
the_floor_only_rises(void **state)
{
	struct memory m = memory_new(64);

	(void)state;
	replay_raise_floor(&m.r, BEGIN);
	replay_raise_floor(&m.r, BEGIN - 1);
	assert_int_equal(replay_floor(&m.r), BEGIN);
	assert_int_equal(ask(&m, 1, BEGIN), REPLAY_OLD);
	assert_int_equal(ask(&m, 1, BEGIN + 1), REPLAY_NEW);
	memory_free(&m);
}

static void
a_stepped_clock_opens_nothing(void **state)
{
	const int64_t steps[] = { HOUR, -(int64_t)HOUR };

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct memory m = memory_new(256);
		uint64_t there = BEGIN + (uint64_t)steps[i];

		for (uint64_t tag = 0; tag < 50; tag++) {
			assert_int_equal(ask(&m, tag, BEGIN + tag), REPLAY_NEW);
		}
		/* There, where others are accepted, and back. */
		for (uint64_t tag = 50; tag < 100; tag++) {
			assert_int_equal(ask(&m, tag, there + tag), REPLAY_NEW);
		}
		for (uint64_t tag = 0; tag < 50; tag++) {
			assert_int_not_equal(ask(&m, tag, BEGIN + tag),
					     REPLAY_NEW);
		}
		for (uint64_t tag = 50; tag < 100; tag++) {
			assert_int_not_equal(ask(&m, tag, there + tag),
					     REPLAY_NEW);
		}
		/* And nobody is locked out, wherever the clock stands. */
		assert_int_equal(ask(&m, 500, BEGIN + 60), REPLAY_NEW);
		assert_int_equal(ask(&m, 501, there + 60), REPLAY_NEW);
		assert_int_equal(ask(&m, 502, BEGIN - HOUR / 2), REPLAY_NEW);
		memory_check(&m);
		memory_free(&m);
	}
}

static void
a_restart_keeps_everything(void **state)
{
	struct memory m = memory_new(64);
	const struct hash_key another = { 99, 98 };

	(void)state;
	for (uint64_t tag = 0; tag < 100; tag++) {
		assert_int_equal(ask(&m, tag, BEGIN + tag), REPLAY_NEW);
	}
	for (int i = 0; i < 3; i++) {
		memory_start(&m, i % 2 ? &key : &another);
		memory_check(&m);
		assert_int_equal(m.r.count, 64);
		for (uint64_t tag = 0; tag < 100; tag++) {
			assert_int_equal(ask(&m, tag, BEGIN + tag),
					 tag < 36 ? REPLAY_OLD : REPLAY_SEEN);
		}
	}
	memory_free(&m);
}

/* Whatever a damaged file holds: it is seen, and the memory works. */
static void
any_store_can_be_taken_up(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct memory m = memory_new(40);
		uint8_t *bytes = (uint8_t *)m.store;

		for (size_t i = 0; i < replay_store_size(40); i++) {
			if (random_below(&seed, 8) > 0) {
				bytes[i] = (uint8_t)random_u32(&seed);
			}
		}
		assert_true(memory_start(&m, &key) > 0);
		assert_int_equal(memory_start(&m, &key), 0);
		memory_check(&m);
		for (int n = 0; n < 200; n++) {
			ask(&m, random_u64(&seed), random_u64(&seed) | 1);
		}
		memory_check(&m);
		memory_free(&m);
	}
}

/* One bit of the store is wrong: no other group is lost by it. */
static void
each_damaged_bit_is_seen(void **state)
{
	const size_t size = replay_store_size(REPLAY_CAPACITY_MIN);

	(void)state;
	for (size_t bit = 0; bit < size * 8; bit++) {
		struct memory m = memory_new(REPLAY_CAPACITY_MIN);
		uint64_t lost = 0;

		replay_raise_floor(&m.r, BEGIN - 1);
		for (uint64_t tag = 0; tag < REPLAY_CAPACITY_MIN; tag++) {
			ask(&m, tag, BEGIN + tag);
		}
		((uint8_t *)m.store)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(memory_start(&m, &key), 1);
		memory_check(&m);
		for (uint64_t tag = 0; tag < REPLAY_CAPACITY_MIN; tag++) {
			lost += ask(&m, tag, BEGIN + tag) == REPLAY_NEW;
		}
		assert_int_equal(lost, bit < 64 ? 0 : 1);
		memory_free(&m);
	}
}

/* Killed between a tag and its seal, or with slots in each other's place. */
static void
half_written_is_empty_and_misplaced_is_damage(void **state)
{
	struct memory m = memory_new(REPLAY_CAPACITY_MIN);
	struct replay_slot was;

	(void)state;
	m.store->slot[3].tag = 12345;
	assert_int_equal(memory_start(&m, &key), 0);
	assert_int_equal(m.r.count, 0);
	assert_int_equal(ask(&m, 1, BEGIN), REPLAY_NEW);
	assert_int_equal(ask(&m, 2, BEGIN), REPLAY_NEW);
	assert_int_equal(memory_start(&m, &key), 0);
	was = m.store->slot[0];
	m.store->slot[0] = m.store->slot[1];
	m.store->slot[1] = was;
	assert_int_equal(memory_start(&m, &key), 2);
	assert_int_equal(m.r.count, 0);
	memory_free(&m);
}

/* What the 40 bits of a slot can't hold can't be remembered. */
static void
the_end_of_time_is_refused(void **state)
{
	const uint64_t end = (uint64_t)1 << REPLAY_INSTANT_BITS;
	struct memory m = memory_new(64);

	(void)state;
	assert_int_equal(ask(&m, 1, end - 1), REPLAY_NEW);
	assert_int_equal(ask(&m, 1, end - 1), REPLAY_SEEN);
	assert_int_equal(ask(&m, 2, end), REPLAY_OLD);
	assert_int_equal(ask(&m, 3, end + 1), REPLAY_OLD);
	assert_int_equal(ask(&m, 1, end - 1), REPLAY_SEEN);
	assert_int_equal(ask(&m, 4, UINT64_MAX), REPLAY_OLD);
	replay_raise_floor(&m.r, end);
	assert_int_equal(ask(&m, 5, end - 1), REPLAY_OLD);
	memory_free(&m);
}

/*
 * A memory beside this one, which lets groups in by itself and tells of
 * them later.  It never lets in what is not later than its floor, or there.
 */
#define TWIN_MAX 64

struct twin {
	uint64_t tag[TWIN_MAX], instant[TWIN_MAX];
	size_t count;
	uint64_t floor;
	struct {
		uint64_t tag, instant;
	} told[16]; /* not yet learnt */
	size_t told_count;
};

static bool
twin_has(const struct twin *t, uint64_t tag)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->tag[i] == tag) {
			return true;
		}
	}
	return false;
}

static bool
twin_claim(void *context, uint64_t tag, uint64_t instant)
{
	struct twin *t = context;

	if (twin_has(t, tag)) {
		return false;
	}
	if (t->count == TWIN_MAX) {
		t->floor = instant > t->floor ? instant : t->floor;
		return true;
	}
	t->tag[t->count] = tag;
	t->instant[t->count++] = instant;
	return true;
}

static void
twin_fill(void *context, const uint64_t *tags, const uint64_t *instants,
	  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_true(twin_claim(context, tags[i], instants[i]));
	}
}

static void
twin_raise(void *context, uint64_t floor)
{
	struct twin *t = context;

	t->floor = floor > t->floor ? floor : t->floor;
}

static void
twin_forget(void *context, uint64_t tag)
{
	struct twin *t = context;

	for (size_t i = 0; i < t->count; i++) {
		if (t->tag[i] == tag) {
			assert_true(t->instant[i] <= t->floor);
			t->tag[i] = t->tag[--t->count];
			t->instant[i] = t->instant[t->count];
			return;
		}
	}
}

static bool
twin_accepts(struct twin *t, uint64_t tag, uint64_t instant)
{
	if (t->told_count == COUNT(t->told) || instant <= t->floor ||
	    t->count == TWIN_MAX || !twin_claim(t, tag, instant)) {
		return false;
	}
	t->told[t->told_count].tag = tag;
	t->told[t->told_count++].instant = instant;
	return true;
}

/* In the order that it told of them, one or (again) the one before. */
static void
learn_some(struct memory *m, struct twin *t, uint64_t *seed)
{
	size_t some = random_below(seed, (uint32_t)t->told_count + 1);

	for (size_t i = 0; i < some; i++) {
		enum replay_answer answer =
			replay_learn(&m->r, t->told[i].tag, t->told[i].instant);

		assert_int_not_equal(answer, REPLAY_SEEN);
		if (random_below(seed, 4) == 0) {
			assert_int_not_equal(replay_learn(&m->r, t->told[i].tag,
							  t->told[i].instant),
					     REPLAY_NEW);
		}
	}
	t->told_count -= some;
	memmove(t->told, t->told + some, t->told_count * sizeof t->told[0]);
}

static void
learn_all(struct memory *m, struct twin *t)
{
	for (size_t i = 0; i < t->told_count; i++) {
		(void)replay_learn(&m->r, t->told[i].tag, t->told[i].instant);
	}
	t->told_count = 0;
}

static void
two_memories_are_one(void **state)
{
	const unsigned long steps = property_steps(200000);
	static bool accepted[4096];
	struct memory m = memory_new(32);
	struct twin t = { 0 };
	const struct replay_twin twin = { &t, twin_claim, twin_raise,
					  twin_forget, twin_fill };
	uint64_t seed = property_seed();
	size_t by_twin = 0, by_gate = 0;

	(void)state;
	memset(accepted, 0, sizeof accepted);
	replay_join(&m.r, &twin);
	for (unsigned long n = 0; n < steps; n++) {
		/* The clock goes on, and back now and then. */
		uint64_t tag =
			(n / 8 + random_below(&seed, 64)) % COUNT(accepted);
		uint64_t instant = BEGIN + tag * 3 + n / 8 / 4096 * 20000;

		if (tag == 0) {
			memset(accepted, 0, sizeof accepted);
			replay_raise_floor(&m.r, instant + 100);
		}
		switch (random_below(&seed, 16)) {
		case 0:
			learn_some(&m, &t, &seed);
			break;
		case 1: /* another process, which reads first what was told */
			memory_start(&m, &key);
			learn_all(&m, &t);
			t.count = 0;
			replay_join(&m.r, &twin);
			break;
		case 2:
		case 3:
		case 4:
		case 5:
		case 6:
		case 7:
		case 8:
			if (twin_accepts(&t, tag, instant)) {
				assert_false(accepted[tag]);
				accepted[tag] = true;
				by_twin++;
			}
			break;
		default:
			if (ask(&m, tag, instant) == REPLAY_NEW) {
				assert_false(accepted[tag]);
				accepted[tag] = true;
				by_gate++;
			}
			break;
		}
		assert_true(t.floor >= replay_floor(&m.r));
		assert_true(t.count <= 32 + COUNT(t.told));
	}
	assert_true(by_twin > steps / 200 && by_gate > steps / 200);
	memory_free(&m);
}

/* The obvious memory: everything that was ever accepted. */
struct slow {
	struct {
		uint64_t tag, instant;
	} seen[20000];
	size_t count;
};

static bool
slow_has(const struct slow *s, uint64_t tag)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->seen[i].tag == tag) {
			return true;
		}
	}
	return false;
}

static void
compare(struct memory *m, struct slow *s, uint64_t tag, uint64_t instant)
{
	bool before = slow_has(s, tag);
	enum replay_answer answer = ask(m, tag, instant);

	/* The floor after it, as making room is part of the question. */
	if (before || instant <= replay_floor(&m->r)) {
		assert_int_not_equal(answer, REPLAY_NEW);
	} else {
		assert_int_equal(answer, REPLAY_NEW);
		s->seen[s->count].tag = tag;
		s->seen[s->count++].instant = instant;
	}
	if (answer == REPLAY_SEEN) {
		assert_true(before);
	}
}

#define ASKS 6000

/* Groups as a receiver asks for them: in time by its clock, which may step. */
static void
compare_at_random(uint32_t capacity, uint64_t seed, uint32_t steps)
{
	struct memory m = memory_new(capacity);
	struct slow *s = calloc(1, sizeof *s);
	uint64_t now = BEGIN;
	uint64_t floor = 0;

	assert_non_null(s);
	for (int i = 0; i < ASKS; i++) {
		uint64_t instant =
			now - KEEP + random_below(&seed, 2 * KEEP + 1);
		uint64_t tag = random_u64(&seed);

		if (s->count > 0 && random_below(&seed, 2) == 0) {
			size_t old = random_below(&seed, (uint32_t)s->count);

			tag = s->seen[old].tag;
			instant = s->seen[old].instant;
		}
		compare(&m, s, tag, instant);
		assert_true(replay_floor(&m.r) >= floor);
		floor = replay_floor(&m.r);
		now += random_below(&seed, 64);
		if (steps > 0 && random_below(&seed, steps) == 0) {
			now += random_below(&seed, 2) ? HOUR : -(uint64_t)HOUR;
		}
		if (random_below(&seed, 200) == 0) {
			const struct hash_key fresh = { random_u64(&seed), 0 };

			memory_start(&m, &fresh);
		}
		if (i % 50 == 0) {
			memory_check(&m);
		}
	}
	assert_true(s->count > 16);
	free(s);
	memory_free(&m);
}

static void
agrees_with_the_slow_one(void **state)
{
	const uint32_t capacities[] = { 16, 17, 31, 64, 1000, 4096 };

	const unsigned long asks = property_steps(1000000);
	uint64_t seed = property_seed();
	unsigned long asked = 0;

	(void)state;
	do {
		for (uint32_t i = 0; i < COUNT(capacities); i++) {
			compare_at_random(capacities[i], seed++, 0);
			compare_at_random(capacities[i], seed++, 500);
			asked += 2 * ASKS;
		}
	} while (asked < asks);
}

/* Room for all: then only what is old by the tolerance is refused. */
static void
nothing_new_is_refused_with_room(void **state)
{
	struct memory m = memory_new(8192);
	uint64_t seed = 11;
	uint64_t now = BEGIN;

	(void)state;
	for (uint64_t tag = 0; tag < 20000; tag++) {
		uint64_t instant =
			now - KEEP + random_below(&seed, 2 * KEEP + 1);

		/* What was forgotten is older than now - KEEP. */
		assert_int_equal(ask(&m, tag, instant), REPLAY_NEW);
		now += random_below(&seed, 16);
	}
	memory_check(&m);
	memory_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_new_once),
		cmocka_unit_test(memory_lasts_as_long_as_there_is_room),
		cmocka_unit_test(a_full_memory_forgets_the_oldest),
		cmocka_unit_test(the_floor_only_rises),
		cmocka_unit_test(a_stepped_clock_opens_nothing),
		cmocka_unit_test(a_restart_keeps_everything),
		cmocka_unit_test(any_store_can_be_taken_up),
		cmocka_unit_test(each_damaged_bit_is_seen),
		cmocka_unit_test(half_written_is_empty_and_misplaced_is_damage),
		cmocka_unit_test(the_end_of_time_is_refused),
		cmocka_unit_test(two_memories_are_one),
		cmocka_unit_test(agrees_with_the_slow_one),
		cmocka_unit_test(nothing_new_is_refused_with_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
