/* SPDX-License-Identifier: ISC */
/* Lines of the log, read again. */
#include "unit/files_support.h"

#include <string.h>

#include "protocol/frame.h"
#include "server/log_line.h"

#define AT_NINE ((uint64_t)1793178000 * FRAME_SECOND) /* 2026-10-28 09:00 */

static void
reads(const char *text, const struct log_line *wanted)
{
	struct log_line line;

	if (!log_line_accepted(text, &line)) {
		fail_msg("not taken: %s", text);
	}
	assert_int_equal(line.instant, wanted->instant);
	assert_int_equal(line.key_no, wanted->key_no);
	assert_string_equal(line.name, wanted->name);
	assert_string_equal(line.src, wanted->src);
	assert_int_equal(line.sport, wanted->sport);
	assert_string_equal(line.dst, wanted->dst);
	assert_int_equal(line.dport, wanted->dport);
	assert_string_equal(line.skew, wanted->skew);
}

static const struct log_line alice = {
	.instant = AT_NINE,
	.key_no = 10,
	.name = "alice b",
	.src = "192.0.2.2",
	.sport = 58018,
	.dst = "192.0.2.1",
	.dport = 22,
	.skew = "+0.004",
};

static void
text(void **state)
{
	const struct log_line other = {
		.instant = AT_NINE,
		.key_no = 0,
		.src = "2001:db8::2",
		.sport = 1,
		.dst = "2001:db8::1",
		.dport = 65535,
		.skew = "-1.000",
	};

	(void)state;
	reads("2026-10-28T09:00:00Z tap server: accepted key=10 "
	      "name=\"alice b\" src=192.0.2.2:58018 dst=192.0.2.1:22 "
	      "skew=+0.004s",
	      &alice);
	reads("2026-10-28T09:00:00Z tap server: accepted key=0 "
	      "src=[2001:db8::2]:1 dst=[2001:db8::1]:65535 skew=-1.000s",
	      &other);
}

static void
journal(void **state)
{
	struct log_line syslog = alice;

	(void)state;
	reads("1793178000.900000 host tap[12]: accepted key=10 "
	      "name=\"alice b\" src=192.0.2.2:58018 dst=192.0.2.1:22 "
	      "skew=+0.004s",
	      &alice);
	/* A line that says the time otherwise is one of no time. */
	syslog.instant = 0;
	reads("Oct 28 09:00:00 host tap[12]: accepted key=10 "
	      "name=\"alice b\" src=192.0.2.2:58018 dst=192.0.2.1:22 "
	      "skew=+0.004s",
	      &syslog);
}

#define OBJECT                                                                 \
	"{\"time\":\"2026-10-28T09:00:00Z\",\"level\":\"info\","               \
	"\"event\":\"accepted\",\"key\":10,\"name\":\"alice b\","              \
	"\"src\":\"192.0.2.2\",\"src_port\":58018,\"dst\":\"192.0.2.1\","      \
	"\"dst_port\":22,\"skew\":0.004}"

static void
json(void **state)
{
	(void)state;
	reads(OBJECT, &alice);
	reads("1793178000.900000 host tap[12]: " OBJECT, &alice);
}

/* JSON spells what a terminal would obey. */
static void
spelt(void **state)
{
	struct log_line line;

	(void)state;
	assert_true(log_line_accepted(
		"{\"event\":\"accepted\",\"key\":10,\"name\":\"a\\u001b[2J\","
		"\"src\":\"192.0.2.2\",\"src_port\":1,\"dst\":\"192.0.2.1\","
		"\"dst_port\":22,\"skew\":0}",
		&line));
	assert_string_equal(line.name, "a?[2J");
}

static void
refuses(void **state)
{
	static const char *const others[] = {
		"",
		"{",
		"{}",
		"2026-10-28T09:00:00Z tap server: ready: 1 rule",
		"2026-10-28T09:00:00Z tap server: refused reason=key key=10 "
		"src=192.0.2.2:58018 dst=192.0.2.1:22 skew=+0.004s",
		"x: accepted ",
		"x: accepted key=10",
		"x: accepted key=65536 src=192.0.2.2:1 dst=192.0.2.1:22 "
		"skew=+0.004s",
		"x: accepted key=10 src=192.0.2.2 dst=192.0.2.1:22 "
		"skew=+0.004s",
		"x: accepted key=10 src=192.0.2.2:1 dst=192.0.2.1:22",
		"x: accepted key=10 name=\"a src=192.0.2.2:1 "
		"dst=192.0.2.1:22 skew=+0.004s",
		/* What would command a terminal. */
		"x: accepted key=10 name=\x1b[2J src=192.0.2.2:1 "
		"dst=192.0.2.1:22 skew=+0.004s",
		"{\"event\":\"refused\",\"key\":10,\"src\":\"192.0.2.2\","
		"\"src_port\":1,\"dst\":\"192.0.2.1\",\"dst_port\":22}",
		"{\"event\":\"accepted\",\"key\":-1,\"src\":\"192.0.2.2\","
		"\"src_port\":1,\"dst\":\"192.0.2.1\",\"dst_port\":22}",
		OBJECT "x",
		/* What would be more than a number, or an address. */
		"x: accepted key=10 src=192.0.2.2:1 dst=192.0.2.1:22 "
		"skew=+1,\"a\":1s",
		"x: accepted key=10 src=\\:1 dst=192.0.2.1:22 skew=+0.004s",
	};
	struct log_line line;

	(void)state;
	for (size_t i = 0; i < LENGTH(others); i++) {
		if (log_line_accepted(others[i], &line)) {
			fail_msg("taken: %s", others[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),    cmocka_unit_test(journal),
		cmocka_unit_test(json),    cmocka_unit_test(spelt),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
