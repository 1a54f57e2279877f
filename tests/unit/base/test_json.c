#include "unit/files_support.h"

#include <string.h>

#include "base/json.h"

static void
json_is(const char *string, const char *json)
{
	char out[256];
	struct text t = text_over(out, sizeof out);

	json_string(&t, string);
	assert_string_equal(out, json);
	assert_false(t.full);
}

static void
json_plain(void **state)
{
	(void)state;
	json_is("", "\"\"");
	json_is("alice", "\"alice\"");
	json_is("a/b%s%n", "\"a/b%s%n\"");
	json_is("\x7f", "\"\x7f\"");
}

static void
json_escapes(void **state)
{
	(void)state;
	json_is("\"", "\"\\\"\"");
	json_is("\\", "\"\\\\\"");
	json_is("\x01\n\r\t\x1f", "\"\\u0001\\u000a\\u000d\\u0009\\u001f\"");
}

/* RFC 3629: the first and the last of each length. */
static void
json_keeps_utf8(void **state)
{
	static const char *const good[] = {
		"\xc2\x80",         "\xdf\xbf",         "\xe0\xa0\x80",
		"\xe6\x97\xa5",     "\xed\x9f\xbf",     "\xee\x80\x80",
		"\xef\xbf\xbf",     "\xf0\x90\x80\x80", "\xf1\x80\x80\x80",
		"\xf4\x8f\xbf\xbf",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		char json[16] = "\"";

		strcat(json, good[i]);
		strcat(json, "\"");
		json_is(good[i], json);
	}
}

static void
json_replaces_what_is_no_utf8(void **state)
{
	(void)state;
	json_is("\x80", "\"\\ufffd\"");
	json_is("\xff"
		"a",
		"\"\\ufffda\"");
	/* Overlong, a surrogate, above U+10FFFF. */
	json_is("\xc0\x80", "\"\\ufffd\\ufffd\"");
	json_is("\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\"");
	json_is("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	json_is("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	/* Cut: what follows keeps its own meaning, the quote above all. */
	json_is("\xe6\x97\"", "\"\\ufffd\\ufffd\\\"\"");
	json_is("\xf0\x90\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	json_is("\xc3", "\"\\ufffd\"");
}

static void
json_notes_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t size = 1; size < 12; size++) {
		char out[12];
		struct text t = text_over(out, size);

		json_string(&t, "a\"\x01");
		assert_true(t.full);
		assert_true(strlen(out) < size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_plain),
		cmocka_unit_test(json_escapes),
		cmocka_unit_test(json_keeps_utf8),
		cmocka_unit_test(json_replaces_what_is_no_utf8),
		cmocka_unit_test(json_notes_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
