/* Types, taken apart or refused. */
#include "unit/guests_fake.h"
#include "unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/btf.h"

static struct fake fake;
static uint32_t types[BTF_TYPES_MAX];

static void
members_are_found(void **state)
{
	struct btf_member next, prev;
	struct btf btf;

	(void)state;
	fake_make(&fake, 4, false);
	assert_true(btf_open(&btf, fake.btf, fake.btf_len, types));
	assert_true(btf_member(&btf, "task_struct", "tasks.next", &next));
	assert_true(btf_member(&btf, "task_struct", "tasks.prev", &prev));
	assert_int_equal(next.offset, 24);
	assert_int_equal(prev.offset, 32);
	assert_int_equal(next.size, 8);
	assert_false(btf_member(&btf, "task_struct", "tasks.nex", &next));
	assert_false(btf_member(&btf, "task_struct", "tasks.next.x", &next));
	assert_false(btf_member(&btf, "task_struct", "task", &next));
	assert_false(btf_member(&btf, "task", "tasks", &next));
	assert_true(btf_size(&btf, "inet_bind_hashbucket") >= 8);
	assert_int_equal(btf_size(&btf, "none"), 0);
}

/* The kernel that runs this test, where it has them: not made up. */
static void
types_of_this_kernel(void **state)
{
	FILE *file = fopen("/sys/kernel/btf/vmlinux", "rb");
	const char *missing = "";
	struct layout layout;
	struct btf btf;
	uint8_t *bytes;
	size_t len;

	(void)state;
	if (!file) {
		skip();
	}
	bytes = malloc(BTF_SIZE_MAX);
	assert_non_null(bytes);
	len = fread(bytes, 1, BTF_SIZE_MAX, file);
	fclose(file);
	assert_true(btf_open(&btf, bytes, len, types));
	if (!layout_from(&layout, &btf, &missing)) {
		fail_msg("%s", missing);
	}
	free(bytes);
}

static void
what_is_cut_is_refused(void **state)
{
	struct btf btf;

	(void)state;
	fake_make(&fake, 4, false);
	for (size_t len = 0; len < fake.btf_len; len++) {
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, fake.btf, len);
		assert_false(btf_open(&btf, copy, len, types));
		free(copy);
	}
}

/* Whatever a byte becomes, nothing is read beyond. */
static void
changed_bytes(void **state)
{
	uint64_t seed = property_seed();
	const unsigned long steps = property_steps(20000);

	(void)state;
	fake_make(&fake, 4, false);
	for (unsigned long i = 0; i < steps; i++) {
		uint8_t *copy = malloc(fake.btf_len);
		const char *missing;
		struct layout layout;
		struct btf btf;

		assert_non_null(copy);
		memcpy(copy, fake.btf, fake.btf_len);
		for (unsigned n = 1 + random_below(&seed, 4); n > 0; n--) {
			copy[random_below(&seed, (uint32_t)fake.btf_len)] =
				(uint8_t)random_u32(&seed);
		}
		if (btf_open(&btf, copy, fake.btf_len, types)) {
			(void)layout_from(&layout, &btf, &missing);
		}
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(types_of_this_kernel),
		cmocka_unit_test(what_is_cut_is_refused),
		cmocka_unit_test(changed_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
