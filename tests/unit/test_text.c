#include "files_support.h"

#include <string.h>

#include "text.h"

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
		cmocka_unit_test(text_of_one_byte_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
