/* The reassembly against a model with plain arrays, and its bounds. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/reassembly.h"

#define GROUPS 12
#define FRAMES 40
#define KEYS 30

static const struct hash_key hash = { 3, 4 };

static struct reassembly q;
static void *memory;
static uint64_t seed;

static int
setup(void **state)
{
	const struct reassembly_limits limits = { GROUPS, FRAMES, FRAMES };

	(void)state;
	seed = 99;
	memory = malloc(reassembly_size(&limits));
	assert_non_null(memory);
	memset(memory, 0xee, reassembly_size(&limits));
	reassembly_init(&q, memory, &limits, &hash);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static struct reassembly_key
key_of(uint32_t n)
{
	return (struct reassembly_key){
		.src = n % 3 ? addr4(n) : addr6(n, n),
		.dst = addr4(1),
		.dport = 22,
		.mark = 7,
	};
}

static void
begins_empty(void **state)
{
	const struct reassembly_key key = key_of(1);

	(void)state;
	assert_null(reassembly_find(&q, &key));
	assert_null(reassembly_oldest(&q));
	assert_null(reassembly_held(&q));
	bench_check_reassembly(&q);
}

/* Each part of the key tells groups apart. */
static void
keys_differ_in_every_part(void **state)
{
	const struct reassembly_key key = key_of(1);
	struct reassembly_key others[6];

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		others[i] = key;
	}
	others[0].src.bytes[15] ^= 1;
	others[1].dst.bytes[3] ^= 1;
	others[2].dport ^= 1;
	others[3].mark ^= 1;
	others[4].loose = true;
	others[5].src.family = 6;
	reassembly_append(&q, reassembly_add(&q, &key), 1);
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_null(reassembly_find(&q, &others[i]));
		reassembly_append(&q, reassembly_add(&q, &others[i]), 1);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_memory_equal(&reassembly_find(&q, &others[i])->key,
				    &others[i], sizeof key);
	}
	bench_check_reassembly(&q);
}

static void
groups_are_bounded(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < GROUPS; i++) {
		const struct reassembly_key key = key_of(i);

		assert_non_null(reassembly_add(&q, &key));
	}
	assert_null(reassembly_add(&q, &(struct reassembly_key){ .dport = 1 }));
	bench_check_reassembly(&q);
	reassembly_remove(&q, reassembly_oldest(&q));
	assert_non_null(
		reassembly_add(&q, &(struct reassembly_key){ .dport = 1 }));
	bench_check_reassembly(&q);
}

static void
frames_are_bounded(void **state)
{
	const struct reassembly_key key = key_of(1);
	struct reassembly_group *g = reassembly_add(&q, &key);

	(void)state;
	for (uint32_t i = 0; i < FRAMES; i++) {
		assert_non_null(reassembly_append(&q, g, i));
	}
	assert_null(reassembly_append(&q, g, FRAMES));
	assert_int_equal(g->count, FRAMES);
	bench_check_reassembly(&q);
	reassembly_drop(&q, g, reassembly_first(&q, g));
	assert_non_null(reassembly_append(&q, g, FRAMES));
	bench_check_reassembly(&q);
	reassembly_remove(&q, g);
	assert_int_equal(q.frames_used, 0);
	bench_check_reassembly(&q);
}

/* Each frame makes its group the newest. */
static void
the_oldest_waited_longest(void **state)
{
	const struct reassembly_key keys[] = { key_of(0), key_of(1),
					       key_of(2) };

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		reassembly_append(&q, reassembly_add(&q, &keys[i]), i);
	}
	assert_ptr_equal(reassembly_oldest(&q), reassembly_find(&q, &keys[0]));
	reassembly_append(&q, reassembly_find(&q, &keys[0]), 3);
	assert_ptr_equal(reassembly_oldest(&q), reassembly_find(&q, &keys[1]));
	reassembly_append(&q, reassembly_find(&q, &keys[2]), 4);
	reassembly_remove(&q, reassembly_find(&q, &keys[1]));
	assert_ptr_equal(reassembly_oldest(&q), reassembly_find(&q, &keys[0]));
	bench_check_reassembly(&q);
}

static void
held_frames_are_by_arrival(void **state)
{
	const struct reassembly_key key = key_of(1);
	struct reassembly_group *g = reassembly_add(&q, &key);
	struct reassembly_frame *f[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		f[i] = reassembly_append(&q, g, i);
		assert_false(f[i]->held);
		reassembly_hold(&q, f[i], 100 + i);
		assert_int_equal(f[i]->id, 100 + i);
	}
	reassembly_unhold(&q, f[1]);
	assert_ptr_equal(reassembly_held(&q), f[0]);
	reassembly_unhold(&q, f[0]);
	assert_ptr_equal(reassembly_held(&q), f[2]);
	reassembly_unhold(&q, f[3]);
	bench_check_reassembly(&q);
	reassembly_unhold(&q, f[2]);
	assert_null(reassembly_held(&q));
	bench_check_reassembly(&q);
}

/* The model: frames in plain arrays, newest last. */
struct model_frame {
	uint32_t key, seq;
	bool held;
};

static struct model_frame model[FRAMES];
static size_t model_count;

static void
model_drop(size_t at)
{
	model_count--;
	memmove(&model[at], &model[at + 1],
		(model_count - at) * sizeof model[0]);
}

static void
compare_group(uint32_t n)
{
	const struct reassembly_key key = key_of(n);
	const struct reassembly_group *g = reassembly_find(&q, &key);
	const struct reassembly_frame *f = g ? reassembly_first(&q, g) : NULL;

	for (size_t i = 0; i < model_count; i++) {
		if (model[i].key == n) {
			assert_non_null(f);
			assert_int_equal(f->seq, model[i].seq);
			assert_int_equal(f->held, model[i].held);
			f = reassembly_next(&q, f);
		}
	}
	assert_null(f);
}

/* The key whose last frame is the oldest of all last ones. */
static uint32_t
model_oldest(void)
{
	for (size_t i = 0; i < model_count; i++) {
		bool last = true;

		for (size_t j = i + 1; j < model_count; j++) {
			last = last && model[j].key != model[i].key;
		}
		if (last) {
			return model[i].key;
		}
	}
	return UINT32_MAX;
}

static void
remove_group(uint32_t n)
{
	const struct reassembly_key key = key_of(n);
	struct reassembly_group *g = reassembly_find(&q, &key);

	for (struct reassembly_frame *f = reassembly_first(&q, g); f;
	     f = reassembly_next(&q, f)) {
		if (f->held) {
			reassembly_unhold(&q, f);
		}
	}
	reassembly_remove(&q, g);
	for (size_t i = model_count; i-- > 0;) {
		if (model[i].key == n) {
			model_drop(i);
		}
	}
}

static void
append(uint32_t n, uint32_t seq, uint64_t now)
{
	const struct reassembly_key key = key_of(n);
	struct reassembly_group *g = reassembly_find(&q, &key);
	struct reassembly_frame *f;

	if (q.groups_used == GROUPS || q.frames_used == FRAMES) {
		remove_group(model_oldest());
		g = reassembly_find(&q, &key);
	}
	g = g ? g : reassembly_add(&q, &key);
	f = reassembly_append(&q, g, now);
	f->seq = seq;
	model[model_count++] = (struct model_frame){ n, seq, seq % 2 };
	if (seq % 2) {
		reassembly_hold(&q, f, seq);
	}
}

/* Take a random frame out: the last of its group takes the group along. */
static void
drop_any(void)
{
	size_t at = random_below(&seed, (uint32_t)model_count);
	const struct reassembly_key key = key_of(model[at].key);
	struct reassembly_group *g = reassembly_find(&q, &key);
	struct reassembly_frame *f = reassembly_first(&q, g);

	while (f->seq != model[at].seq) {
		f = reassembly_next(&q, f);
	}
	if (f->held) {
		reassembly_unhold(&q, f);
	}
	/* Its group's age is that of its last frame, dropped or not. */
	if (reassembly_next(&q, f) == NULL) {
		remove_group(model[at].key);
		return;
	}
	reassembly_drop(&q, g, f);
	model_drop(at);
}

static void
agrees_with_the_model(void **state)
{
	const uint32_t steps = (uint32_t)property_steps(1000000);

	(void)state;
	seed = property_seed();
	model_count = 0;
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t what = random_below(&seed, 100);

		if (what < 75 || model_count == 0) {
			append(random_below(&seed, KEYS), i, i);
		} else if (what < 90) {
			drop_any();
		} else {
			remove_group(model[random_below(&seed,
							(uint32_t)model_count)]
					     .key);
		}
		assert_int_equal(q.frames_used, model_count);
		if (model_count > 0) {
			const struct reassembly_key key =
				key_of(model_oldest());

			assert_ptr_equal(reassembly_oldest(&q),
					 reassembly_find(&q, &key));
		}
		if (i % 16 == 0) {
			bench_check_reassembly(&q);
			for (uint32_t n = 0; n < KEYS; n++) {
				compare_group(n);
			}
		}
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(begins_empty),
		T(keys_differ_in_every_part),
		T(groups_are_bounded),
		T(frames_are_bounded),
		T(the_oldest_waited_longest),
		T(held_frames_are_by_arrival),
		T(agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
