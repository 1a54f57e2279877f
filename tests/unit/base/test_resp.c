/* SPDX-License-Identifier: ISC */
/* RESP: replies read, in parts, too; and what is none; commands written. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/resp.h"

static ptrdiff_t
read_text(struct resp_reply *r, const char *text)
{
	return resp_read(r, (const uint8_t *)text, strlen(text));
}

static void
test_replies(void **state)
{
	struct resp_reply r;

	(void)state;
	assert_int_equal(read_text(&r, "+OK\r\n+more"), 5);
	assert_int_equal(r.whole.type, RESP_SIMPLE);
	assert_true(resp_is(&r.whole, "OK"));
	assert_false(resp_is(&r.whole, "O"));
	assert_int_equal(read_text(&r, "-ERR no\r\n"), 9);
	assert_int_equal(r.whole.type, RESP_ERROR);
	assert_false(resp_is(&r.whole, "ERR no"));
	assert_int_equal(read_text(&r, ":12\r\n"), 5);
	assert_int_equal(r.whole.type, RESP_NUMBER);
	assert_int_equal(read_text(&r, "$-1\r\n"), 5);
	assert_int_equal(r.whole.type, RESP_NIL);
	assert_int_equal(read_text(&r, "$0\r\n\r\n"), 6);
	assert_int_equal(r.whole.type, RESP_BULK);
	assert_true(resp_is(&r.whole, ""));
	assert_int_equal(read_text(&r, "$4\r\n\r\n\r\n\r\n"), 10);
	assert_true(resp_is(&r.whole, "\r\n\r\n"));
	assert_int_equal(read_text(&r, "*2\r\n$1\r\na\r\n$-1\r\n"), 16);
	assert_int_equal(r.count, 2);
	assert_true(resp_is(&r.items[0], "a"));
	assert_int_equal(r.items[1].type, RESP_NIL);
	assert_int_equal(read_text(&r, "*0\r\n"), 4);
	assert_int_equal(r.count, 0);
}

static void
test_parts(void **state)
{
	static const char *const whole[] = {
		"+OK\r\n",
		"$-1\r\n",
		"$3\r\nabc\r\n",
		"*2\r\n$1\r\na\r\n$2\r\nbc\r\n",
		"*2\r\n:1\r\n-E\r\n",
	};
	struct resp_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
		const size_t len = strlen(whole[i]);

		for (size_t part = 0; part < len; part++) {
			assert_int_equal(
				resp_read(&r, (const uint8_t *)whole[i], part),
				0);
		}
		assert_int_equal(read_text(&r, whole[i]), len);
	}
}

static void
test_no_replies(void **state)
{
	static const char *const none[] = {
		"HTTP/1.1 400 Bad Request\r\n",
		"SSH-2.0-OpenSSH_9.2p1\r\n",
		"\r\n",
		"x",
		"$\r\n",
		"$-2\r\n",
		"$+1\r\n",
		"$ 1\r\n",
		"$1x\r\n",
		"$1\r\nabc",
		"$1\r\na\n\n",
		"$16385\r\n",
		"$99999999999999999999\r\n",
		"*3\r\n",
		"*-1\r\n",
		"*1\r\n*1\r\n",
		"*2\r\n$1\r\na\r\nx",
		"+OK\rX",
		"_\r\n", /* RESP3 */
		"%1\r\n",
	};
	struct resp_reply r;
	char line[RESP_LINE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		assert_int_equal(read_text(&r, none[i]), -1);
	}
	memset(line, 'a', sizeof line);
	line[0] = '+';
	assert_int_equal(resp_read(&r, (const uint8_t *)line, RESP_LINE_MAX),
			 0);
	assert_int_equal(
		resp_read(&r, (const uint8_t *)line, RESP_LINE_MAX + 1), -1);
}

static void
test_commands(void **state)
{
	static const char *const parts[] = { "SET", "a b", "" };
	static const char want[] = "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$0\r\n\r\n";
	const size_t len = sizeof want - 1;
	uint8_t out[64];

	(void)state;
	assert_int_equal(resp_write(out, sizeof out, parts, 3), len);
	assert_memory_equal(out, want, len);
	assert_int_equal(resp_write(out, len, parts, 3), len);
	for (size_t size = 0; size < len; size++) {
		assert_int_equal(resp_write(out, size, parts, 3), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_no_replies),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
