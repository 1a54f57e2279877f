#include "unit/files_support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/log.h"

static const struct packet_addr v4 = { 4, { 192, 0, 2, 1 } };
static const struct packet_addr v6 = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } };

/* What a line says behind its time, which is checked for its form. */
static const char *
behind_time(const char *line)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";

	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == 'd' ? line[i] < '0' || line[i] > '9'
				   : line[i] != form[i]) {
			fail_msg("no time: '%s'", line);
		}
	}
	return line + sizeof form - 1;
}

static const char *
behind_json_time(const char *line)
{
	static const char begin[] = "{\"time\":\"";

	assert_memory_equal(line, begin, sizeof begin - 1);
	return behind_time(line + sizeof begin - 1);
}

static void
write_record(enum log_level level)
{
	struct log_record r;

	log_begin(&r, level, "accepted");
	log_number(&r, "key", -10);
	log_text(&r, "name", "alice");
	log_text(&r, "org", "a b");
	log_address(&r, "src", &v4, 40000);
	log_address(&r, "dst", &v6, 22);
	log_seconds(&r, "skew", -384);
	log_end(&r);
}

static int
setup(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	return 0;
}

static void
log_for_a_person(void **state)
{
	(void)state;
	log_open("tap server", false, false);
	capture_begin();
	write_record(LOG_LEVEL_INFO);
	log_say(LOG_LEVEL_ERROR, "%s: %d", "why", 7);
	const char *at = capture_end();

	at = behind_time(at);
	static const char record[] =
		" tap server: accepted key=-10 name=alice org=\"a b\" "
		"src=192.0.2.1:40000 dst=[2001:db8::1]:22 skew=-1.500s\n";
	assert_memory_equal(at, record, sizeof record - 1);
	at = behind_time(at + sizeof record - 1);
	assert_string_equal(at, " tap server: why: 7\n");
}

/* Its only field, in a buffer of the test's. */
static void
begin_field(struct log_record *r)
{
	log_open("tap", false, false);
	log_begin(r, LOG_LEVEL_INFO, "accepted");
	r->text.len = 0;
}

static void
check_seconds(int64_t ticks)
{
	char expected[64];
	struct log_record r;

	begin_field(&r);
	log_seconds(&r, "skew", ticks);
	snprintf(expected, sizeof expected, " skew=%+.3fs",
		 (double)ticks / 256);
	assert_string_equal(r.line, expected);
}

static void
log_seconds_as_printf(void **state)
{
	(void)state;
	for (int64_t ticks = -1024; ticks <= 1024; ticks++) {
		check_seconds(ticks);
	}
	/* Of 53 bits there is no other double. */
	check_seconds((1LL << 53) - 1);
	check_seconds(-(1LL << 53) + 1);
}

static void
log_numbers_of_all_sizes(void **state)
{
	static const long long numbers[] = { 0, -1, 1, INT64_MIN, INT64_MAX };
	char expected[64];

	(void)state;
	for (size_t i = 0; i < LENGTH(numbers); i++) {
		struct log_record r;

		begin_field(&r);
		log_number(&r, "key", numbers[i]);
		snprintf(expected, sizeof expected, " key=%lld", numbers[i]);
		assert_string_equal(r.line, expected);
	}
}

static void
log_for_a_script(void **state)
{
	(void)state;
	log_open("tap server", true, false);
	capture_begin();
	write_record(LOG_LEVEL_WARNING);
	log_say(LOG_LEVEL_ERROR, "%s", "a \"b\"\n\xff");
	const char *at = behind_json_time(capture_end());
	static const char record[] =
		"\",\"level\":\"warning\",\"event\":\"accepted\",\"key\":-10,"
		"\"name\":\"alice\",\"org\":\"a b\",\"src\":\"192.0.2.1\","
		"\"src_port\":40000,\"dst\":\"2001:db8::1\",\"dst_port\":22,"
		"\"skew\":-1.500}\n";

	assert_memory_equal(at, record, sizeof record - 1);
	at = behind_json_time(at + sizeof record - 1);
	assert_string_equal(at,
			    "\",\"level\":\"error\",\"event\":\"message\","
			    "\"text\":\"a \\\"b\\\"\\u000a\\ufffd\"}\n");
}

static void
log_debug_only_when_wanted(void **state)
{
	(void)state;
	log_open("tap", false, false);
	capture_begin();
	log_say(LOG_LEVEL_DEBUG, "no");
	write_record(LOG_LEVEL_DEBUG);
	assert_string_equal(capture_end(), "");
	log_open("tap", false, true);
	capture_begin();
	log_say(LOG_LEVEL_DEBUG, "yes");
	assert_string_equal(behind_time(capture_end()), " tap: yes\n");
}

static void
log_to_the_journal(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	capture_begin();
	fstat(2, &st);
	snprintf(stream, sizeof stream, "%llu:%llu",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("tap", false, false);
	log_say(LOG_LEVEL_ERROR, "one");
	log_say(LOG_LEVEL_INFO, "two");
	assert_string_equal(capture_end(), "<3>one\n<6>two\n");
}

/* What a session's shell inherits: its own errors go elsewhere. */
static void
log_to_another_stream_than_the_journal(void **state)
{
	static const char *const others[] = { "1:1", "", "x", "1", "1:" };

	(void)state;
	for (size_t i = 0; i < LENGTH(others); i++) {
		setenv("JOURNAL_STREAM", others[i], 1);
		capture_begin();
		log_open("tap", false, false);
		log_say(LOG_LEVEL_INFO, "one");
		assert_string_equal(behind_time(capture_end()), " tap: one\n");
	}
}

/* A line is cut, not lost, and ends as a line. */
static void
log_cuts_what_is_too_long(void **state)
{
	char message[2 * LOG_LINE_MAX];
	const char *line;

	(void)state;
	log_open("tap", false, false);
	for (size_t len = LOG_LINE_MAX - 64; len < LOG_LINE_MAX + 4; len++) {
		memset(message, 'x', len);
		message[len] = '\0';
		capture_begin();
		log_say(LOG_LEVEL_ERROR, "%s", message);
		line = capture_end();
		assert_true(strlen(line) <= LOG_LINE_MAX);
		assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
		assert_true(strspn(strstr(line, "tap: ") + 5, "x") >=
			    (len < 900 ? len : 900));
	}
}

/* As far as this goes, what is cut is still JSON. */
static void
check_json(const char *line)
{
	size_t len = strlen(line);
	bool quoted = false;

	assert_true(len > 2 && len <= LOG_LINE_MAX);
	assert_int_equal(line[0], '{');
	assert_string_equal(line + len - 2, "}\n");
	for (size_t i = 0; i < len - 2; i++) {
		if (quoted && line[i] == '\\') {
			i++;
			continue;
		}
		quoted ^= line[i] == '"';
		if (!quoted && line[i] == ':') {
			assert_true(line[i + 1] == '"' || line[i + 1] == '-' ||
				    (line[i + 1] >= '0' && line[i + 1] <= '9'));
		}
	}
	assert_false(quoted);
}

static void
log_cuts_json_too(void **state)
{
	static const char fill[] = { 'x', '\x01', '"', '\xff' };
	char message[2 * LOG_LINE_MAX];

	(void)state;
	log_open("tap", true, false);
	for (size_t f = 0; f < LENGTH(fill); f++) {
		for (size_t len = 100; len < LOG_LINE_MAX + 8; len += 3) {
			const char *line;

			memset(message, fill[f], len);
			message[len] = '\0';
			capture_begin();
			log_say(LOG_LEVEL_ERROR, "%s", message);
			line = capture_end();
			check_json(line);
			if (len > LOG_LINE_MAX) {
				assert_true(strlen(line) > LOG_LINE_MAX / 2);
			}
		}
	}
}

static void
log_leaves_out_fields_too_many(void **state)
{
	char value[LOG_LINE_MAX];

	(void)state;
	log_open("tap", true, false);
	for (size_t len = LOG_LINE_MAX - 200; len < LOG_LINE_MAX; len++) {
		struct log_record r;
		const char *line;

		memset(value, 'x', len);
		value[len] = '\0';
		capture_begin();
		log_begin(&r, LOG_LEVEL_INFO, "accepted");
		log_text(&r, "name", value);
		log_number(&r, "number", 1);
		log_address(&r, "src", &v6, 1);
		log_seconds(&r, "skew", 1);
		log_text(&r, "more", "more");
		log_end(&r);
		line = capture_end();
		check_json(line);
		assert_non_null(strstr(line, "\"event\":\"accepted\""));
	}
}

static void
log_limit_bounds_the_rate(void **state)
{
	struct log_limit limit = { 0 };
	unsigned allowed = 0;

	(void)state;
	for (uint64_t ms = 5000; ms < 15000; ms++) {
		allowed += log_limit_allows(&limit, ms);
	}
	/* Ten seconds have nine ends. */
	assert_int_equal(allowed, LOG_LIMIT_BURST + 9 * LOG_LIMIT_PER_SECOND);
	assert_int_equal(limit.left_out, 10000 - allowed);
}

static void
log_limit_saves_no_more_than_a_burst(void **state)
{
	struct log_limit limit = { 0 };
	unsigned allowed = 0;

	(void)state;
	assert_true(log_limit_allows(&limit, 1));
	for (int i = 0; i < 1000; i++) {
		allowed += log_limit_allows(&limit, UINT64_MAX / 2);
	}
	assert_int_equal(allowed, LOG_LIMIT_BURST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(log_for_a_person, setup),
		cmocka_unit_test_setup(log_seconds_as_printf, setup),
		cmocka_unit_test_setup(log_numbers_of_all_sizes, setup),
		cmocka_unit_test_setup(log_for_a_script, setup),
		cmocka_unit_test_setup(log_debug_only_when_wanted, setup),
		cmocka_unit_test(log_to_the_journal),
		cmocka_unit_test(log_to_another_stream_than_the_journal),
		cmocka_unit_test_setup(log_cuts_what_is_too_long, setup),
		cmocka_unit_test_setup(log_cuts_json_too, setup),
		cmocka_unit_test_setup(log_leaves_out_fields_too_many, setup),
		cmocka_unit_test(log_limit_bounds_the_rate),
		cmocka_unit_test(log_limit_saves_no_more_than_a_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
