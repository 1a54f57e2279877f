/* SPDX-License-Identifier: ISC */
/* The line of an invitation: RFC 4648's vectors, and every way to break one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/invite.h"

static enum invite_result
read_line(const char *line, uint8_t *out, size_t *len)
{
	return invite_read(out, len, line, strlen(line));
}

/* RFC 4648, section 10, without padding. */
static void
test_vectors(void **state)
{
	static const char *const lines[] = {
		"tap:1:",       "tap:1:Zg",      "tap:1:Zm8",      "tap:1:Zm9v",
		"tap:1:Zm9vYg", "tap:1:Zm9vYmE", "tap:1:Zm9vYmFy",
	};
	static const char text[] = "foobar";
	char line[INVITE_LINE_MAX + 1];
	uint8_t out[INVITE_BYTES_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++) {
		assert_int_equal(invite_write(line, text, i), strlen(lines[i]));
		assert_string_equal(line, lines[i]);
		assert_int_equal(read_line(line, out, &len), INVITE_OK);
		assert_int_equal(len, i);
		assert_memory_equal(out, text, i);
	}
	/* The two digits that are not those of plain base64. */
	assert_int_equal(read_line("tap:1:-_-_", out, &len), INVITE_OK);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
}

static void
test_longest(void **state)
{
	static uint8_t bytes[INVITE_BYTES_MAX + 1], out[INVITE_BYTES_MAX];
	static char line[INVITE_LINE_MAX + 2];
	size_t len;

	(void)state;
	memset(bytes, 0xa5, sizeof bytes);
	assert_int_equal(invite_write(line, bytes, INVITE_BYTES_MAX + 1), 0);
	assert_int_equal(invite_write(line, bytes, INVITE_BYTES_MAX),
			 INVITE_LINE_MAX);
	assert_int_equal(read_line(line, out, &len), INVITE_OK);
	assert_int_equal(len, INVITE_BYTES_MAX);
	assert_memory_equal(out, bytes, len);
	line[INVITE_LINE_MAX] = 'A';
	assert_int_equal(invite_read(out, &len, line, INVITE_LINE_MAX + 1),
			 INVITE_LONG);
}

static void
test_blanks(void **state)
{
	uint8_t out[INVITE_BYTES_MAX];
	size_t len;

	(void)state;
	assert_int_equal(read_line(" \ttap:1:Zm9v\r\n  YmFy\n", out, &len),
			 INVITE_OK);
	assert_int_equal(len, 6);
	assert_memory_equal(out, "foobar", 6);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *line;
		enum invite_result result;
	} cases[] = {
		{ "", INVITE_NONE },
		{ "tap", INVITE_NONE },
		{ "tap::Zm9v", INVITE_NONE },
		{ "tap:x:Zm9v", INVITE_NONE },
		{ "TAP:1:Zm9v", INVITE_NONE },
		{ "RULE:dst_port=22", INVITE_NONE },
		{ "tap:", INVITE_SHORT },
		{ "tap:1", INVITE_SHORT },
		{ "tap:0:Zm9v", INVITE_NEWER },
		{ "tap:2:Zm9v", INVITE_NEWER },
		{ "tap:11:Zm9v", INVITE_NEWER },
		{ "tap:1:Zm9v=", INVITE_CHARACTER },
		{ "tap:1:Zm+v", INVITE_CHARACTER },
		{ "tap:1:Zm/v", INVITE_CHARACTER },
		{ "tap:1:Zm9v\x80", INVITE_CHARACTER },
		/* A digit alone is no byte; bits of one that is cut off. */
		{ "tap:1:Zm9vY", INVITE_SHORT },
		{ "tap:1:Zh", INVITE_SHORT },
		{ "tap:1:Zm9", INVITE_SHORT },
	};
	uint8_t out[INVITE_BYTES_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_line(cases[i].line, out, &len),
				 cases[i].result);
		assert_true(strlen(invite_result_text(cases[i].result)) > 0);
	}
	/* A NUL within is no end. */
	assert_int_equal(invite_read(out, &len, "tap:1:Zm\0v", 10),
			 INVITE_CHARACTER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_blanks),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
