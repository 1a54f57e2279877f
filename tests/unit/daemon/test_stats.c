#include "unit/files_support.h"

#include <string.h>

#include "daemon/stats.h"

static struct stats stats;

static void
put_all(void)
{
	stats.count = stats.texts_len = 0;
	stat_text(&stats, "command", NULL, "server");
	stat_text(&stats, NULL, "up", "00:01:00");
	stat_count(&stats, "syns", "SYNs seen", 18446744073709551615u, "");
	stat_count(&stats, "refused.mac", "refused: mac", 1, "");
	stat_count(&stats, "refused.acl", "refused: acl", 2, "");
	stat_level(&stats, "held.now", NULL, 3, "");
	stat_text(&stats, "who", "who", "a\"b");
	stat_number(&stats, "last.one", "last: one", 4);
}

static void
stat_json(void **state)
{
	char out[512];
	struct text t = text_over(out, sizeof out);

	(void)state;
	put_all();
	stat_write(&t, &stats, true);
	assert_string_equal(
		out,
		"{\"command\":\"server\",\"syns\":18446744073709551615,"
		"\"refused\":{\"mac\":1,\"acl\":2},\"held\":{\"now\":3},"
		"\"who\":\"a\\\"b\",\"last\":{\"one\":4}}\n");
	t = text_over(out, sizeof out);
	stats.count = 0;
	stat_write(&t, &stats, true);
	assert_string_equal(out, "{}\n");
}

/* Scripts of before still find what they look for. */
static void
stat_old_names(void **state)
{
	char out[512];
	struct text t = text_over(out, sizeof out);

	(void)state;
	stats.count = 0;
	stat_count(&stats, "ingress_lost", "ingress: groups lost", 5, "");
	stat_count(&stats, "untracked_passed", "untracked: passed", 6, "");
	stat_write(&t, &stats, true);
	assert_string_equal(out,
			    "{\"ingress_lost\":5,\"sieve_lost\":5,"
			    "\"untracked_passed\":6,\"stray_passed\":6}\n");
	t = text_over(out, sizeof out);
	stat_write(&t, &stats, false);
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
	put_all();
	stat_write(&t, &stats, false);
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
		stat_begin(&stats, "server", "", spans[i].seconds);
		assert_string_equal(stats.items[stats.count - 1].text,
				    spans[i].text);
	}
}

/* What there is no room for is left out: nothing is written past the end. */
static void
stat_bounds(void **state)
{
	static char text[STATS_TEXT_MAX / 3];
	const char *last;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	stats.count = stats.texts_len = 0;
	for (unsigned i = 0; i < 2 * STATS_MAX; i++) {
		stat_text(&stats, "name", "label", text);
	}
	assert_int_equal(stats.count, STATS_MAX);
	assert_string_equal(stats.items[2].text, text);
	last = stats.items[STATS_MAX - 1].text;
	assert_string_equal(last, "");
	assert_true(last < stats.texts + sizeof stats.texts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_json),      cmocka_unit_test(stat_table),
		cmocka_unit_test(stat_old_names), cmocka_unit_test(stat_spans),
		cmocka_unit_test(stat_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
