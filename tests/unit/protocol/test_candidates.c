/* Which frames are tried together where windows tell nothing. */
#include "unit/support.h"

#include <stdlib.h>

#include "protocol/candidates.h"

#define GROUPS 256
#define SINCE 1000 /* ms: what came before is too old */

static const struct hash_key hash = { 3, 4 };

static struct reassembly q;
static void *memory;
static struct candidates found;

static int
setup(void **state)
{
	const struct reassembly_limits limits = { GROUPS, GROUPS, GROUPS };

	(void)state;
	memory = malloc(reassembly_size(&limits));
	assert_non_null(memory);
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
key_of(uint32_t src, uint16_t dport, uint32_t options)
{
	return (struct reassembly_key){
		.src = addr4(src),
		.dst = addr4(1),
		.dport = dport,
		.mark = options,
		.loose = true,
	};
}

/* One more frame of that group, which it may begin; its number is n. */
static struct reassembly_group *
come(const struct reassembly_key *key, uint32_t n, uint64_t ms)
{
	struct reassembly_group *group = reassembly_find(&q, key);

	group = group ? group : reassembly_add(&q, key);
	assert_non_null(group);
	reassembly_append(&q, group, ms)->seq = n;
	return group;
}

/* A frame of its own options, and with which it is tried. */
static size_t
find_with(uint32_t src, uint16_t dport, uint32_t n)
{
	const struct reassembly_key key = key_of(src, dport, 100 + n);

	candidates_find(&q, come(&key, n, SINCE), SINCE, &found);
	return found.count;
}

/* In the order in which they came, from this address to this service. */
static void
lone_frames_are_tried_together(void **state)
{
	struct reassembly_key strict = key_of(7, 22, 1);

	(void)state;
	strict.loose = false;
	come(&strict, 90, SINCE);
	for (uint32_t n = 0; n < FRAME_MAX; n++) {
		find_with(8, 22, 20 + n);
		find_with(7, 23, 40 + n);
		assert_int_equal(find_with(7, 22, n), n + 1);
		assert_true(found.single);
		for (uint32_t i = 0; i <= n; i++) {
			assert_int_equal(found.frame[i]->seq, i);
			assert_ptr_equal(reassembly_first(&q, found.group[i]),
					 found.frame[i]);
		}
	}
	/* Of one connection there are no more. */
	assert_int_equal(find_with(7, 22, FRAME_MAX), 0);
}

/* Where two have the same options, these do tell frames apart. */
static void
alike_frames_are_a_group(void **state)
{
	const struct reassembly_key key = key_of(7, 22, 1);

	(void)state;
	assert_int_equal(find_with(7, 22, 0), 1);
	come(&key, 1, SINCE);
	candidates_find(&q, come(&key, 2, SINCE), SINCE, &found);
	assert_int_equal(found.count, 2);
	assert_false(found.single);
	assert_int_equal(find_with(7, 22, 3), 0);
}

static void
old_frames_are_not_tried(void **state)
{
	const struct reassembly_key key = key_of(7, 22, 1);

	(void)state;
	come(&key, 1, SINCE - 1);
	assert_int_equal(find_with(7, 22, 2), 1);
	assert_int_equal(find_with(7, 22, 3), 2);
}

/* Behind so many of others: no look takes longer. */
static void
far_frames_are_not_tried(void **state)
{
	(void)state;
	find_with(7, 22, 0);
	for (uint32_t n = 0; n < CANDIDATES_AMONG - 2; n++) {
		find_with(100 + n, 22, 1);
	}
	assert_int_equal(find_with(7, 22, 2), 2);
	assert_int_equal(find_with(7, 22, 3), 2);
}

/* In a flood, what is awaited begins a group, whatever frame it is. */
static void
what_is_awaited_is_known(void **state)
{
	struct reassembly_key key = key_of(7, 22, 1);

	(void)state;
	assert_false(candidates_wait(&q, &key, SINCE));
	find_with(7, 22, 0);
	assert_true(candidates_wait(&q, &key, SINCE));
	assert_false(candidates_wait(&q, &key, SINCE + 1));
	key.dport = 23;
	assert_false(candidates_wait(&q, &key, SINCE));
	key.dport = 22;
	key.loose = false;
	assert_false(candidates_wait(&q, &key, SINCE));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lone_frames_are_tried_together), T(alike_frames_are_a_group),
		T(old_frames_are_not_tried),       T(far_frames_are_not_tried),
		T(what_is_awaited_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
