#include "unit/files_support.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void
text_appends(void **state)
{
	char out[16];
	struct text t = text_over(out, sizeof out);

	(void)state;
	assert_string_equal(out, "");
	text_put(&t, "%s-%d", "a", 7);
	text_put(&t, "%c", 'b');
	assert_string_equal(out, "a-7b");
	assert_int_equal(t.len, 4);
	assert_false(t.full);
}

static void
text_fills_to_the_last_byte(void **state)
{
	char out[5];
	struct text t = text_over(out, sizeof out);

	(void)state;
	text_put(&t, "%s", "abcd");
	assert_string_equal(out, "abcd");
	assert_false(t.full);
	text_put(&t, "%s", "");
	assert_false(t.full);
}

static void
text_leaves_out_what_does_not_fit(void **state)
{
	char memory[8];
	struct text t;

	(void)state;
	memset(memory, 0x55, sizeof memory);
	t = text_over(memory, 5);
	text_put(&t, "ab");
	text_put(&t, "cde");
	assert_string_equal(memory, "ab");
	assert_true(t.full);
	/* Nor does anything that comes later, though it would fit. */
	text_put(&t, "f");
	assert_string_equal(memory, "ab");
	assert_int_equal(t.len, 2);
	for (size_t i = 5; i < sizeof memory; i++) {
		assert_int_equal(memory[i], 0x55);
	}
}

static void
text_adds_strings_and_numbers(void **state)
{
	char memory[16];
	struct text t;

	(void)state;
	memset(memory, 0x55, sizeof memory);
	t = text_over(memory, 8);
	text_add(&t, "");
	text_add(&t, "ab");
	text_number(&t, 0);
	text_number(&t, 1234);
	assert_string_equal(memory, "ab01234");
	assert_false(t.full);
	text_add(&t, "");
	assert_false(t.full);
	text_number(&t, 5);
	assert_true(t.full);
	assert_string_equal(memory, "ab01234");
	assert_int_equal(memory[8], 0x55);
	/* All of it, or nothing; nor what comes later. */
	t = text_over(memory, 4);
	text_add(&t, "abcd");
	text_add(&t, "e");
	assert_string_equal(memory, "");
	assert_int_equal(t.len, 0);
}

static void
text_numbers_go_to_the_last(void **state)
{
	static const unsigned long long numbers[] = { 9,          10,
						      99,         100,
						      UINT32_MAX, UINT64_MAX };
	char out[32], expected[32];

	(void)state;
	for (size_t i = 0; i < LENGTH(numbers); i++) {
		struct text t = text_over(out, sizeof out);

		text_number(&t, numbers[i]);
		snprintf(expected, sizeof expected, "%llu", numbers[i]);
		assert_string_equal(out, expected);
	}
}

static void
text_of_one_byte_holds_nothing(void **state)
{
	char out[1] = { 'x' };
	struct text t = text_over(out, sizeof out);

	(void)state;
	assert_string_equal(out, "");
	text_put(&t, "%s", "");
	assert_false(t.full);
	text_put(&t, "a");
	assert_true(t.full);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_appends),
		cmocka_unit_test(text_fills_to_the_last_byte),
		cmocka_unit_test(text_leaves_out_what_does_not_fit),
		cmocka_unit_test(text_adds_strings_and_numbers),
		cmocka_unit_test(text_numbers_go_to_the_last),
		cmocka_unit_test(text_of_one_byte_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
