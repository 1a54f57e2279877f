#include "unit/files_support.h"

#include <string.h>

#include "daemon/stats.h"

static const struct stat_item items[] = {
	{ "command", NULL, "server", 0 },
	{ NULL, "up", "00:01:00", 0 },
	{ "syns", "SYNs seen", NULL, 18446744073709551615u },
	{ "refused.mac", "refused: mac", NULL, 1 },
	{ "refused.acl", "refused: acl", NULL, 2 },
	{ "held.now", NULL, NULL, 3 },
	{ "who", "who", "a\"b", 0 },
	{ "last.one", "last: one", NULL, 4 },
};

static void
stat_json(void **state)
{
	char out[512];
	struct text t = text_over(out, sizeof out);

	(void)state;
	stat_write(&t, items, LENGTH(items), true);
	assert_string_equal(
		out,
		"{\"command\":\"server\",\"syns\":18446744073709551615,"
		"\"refused\":{\"mac\":1,\"acl\":2},\"held\":{\"now\":3},"
		"\"who\":\"a\\\"b\",\"last\":{\"one\":4}}\n");
	t = text_over(out, sizeof out);
	stat_write(&t, NULL, 0, true);
	assert_string_equal(out, "{}\n");
}

/* Scripts of before still find what they look for. */
static void
stat_old_names(void **state)
{
	static const struct stat_item fields[] = {
		{ "ingress_lost", "ingress: groups lost", NULL, 5 },
		{ "untracked_passed", "untracked: passed", NULL, 6 },
	};
	char out[512];
	struct text t = text_over(out, sizeof out);

	(void)state;
	stat_write(&t, fields, LENGTH(fields), true);
	assert_string_equal(out,
			    "{\"ingress_lost\":5,\"sieve_lost\":5,"
			    "\"untracked_passed\":6,\"stray_passed\":6}\n");
	t = text_over(out, sizeof out);
	stat_write(&t, fields, LENGTH(fields), false);
	assert_string_equal(out,
			    "ingress: groups lost     5\n"
			    "untracked: passed        6\n");
}

static void
stat_table(void **state)
{
	char out[512];
	struct text t = text_over(out, sizeof out);

	(void)state;
	stat_write(&t, items, LENGTH(items), false);
	assert_string_equal(out,
			    "up                       00:01:00\n"
			    "SYNs seen                18446744073709551615\n"
			    "refused: mac             1\n"
			    "refused: acl             2\n"
			    "who                      a\"b\n"
			    "last: one                4\n");
}

static void
stat_spans(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} spans[] = {
		{ 0, "00:00:00" },
		{ 59, "00:00:59" },
		{ 86399, "23:59:59" },
		{ 86400, "1 d 00:00:00" },
		{ 3 * 86400 + 4 * 3600 + 5 * 60 + 6, "3 d 04:05:06" },
		{ UINT64_MAX, "213503982334601 d 07:00:15" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(spans); i++) {
		char out[32];

		stat_duration(out, spans[i].seconds);
		assert_string_equal(out, spans[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_json),
		cmocka_unit_test(stat_table),
		cmocka_unit_test(stat_old_names),
		cmocka_unit_test(stat_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
