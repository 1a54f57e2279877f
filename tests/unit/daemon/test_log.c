#include "unit/files_support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

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
	log_open("tap server", false);
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
	log_open("tap", false);
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
	log_open("tap server", false);
	log_configure(&(struct settings){ .log_json = true });
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
	log_open("tap", false);
	capture_begin();
	log_say(LOG_LEVEL_DEBUG, "no");
	write_record(LOG_LEVEL_DEBUG);
	assert_string_equal(capture_end(), "");
	log_open("tap", true);
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
	log_open("tap", false);
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
		log_open("tap", false);
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
	log_open("tap", false);
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
	log_open("tap", false);
	log_configure(&(struct settings){ .log_json = true });
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
	log_open("tap", false);
	log_configure(&(struct settings){ .log_json = true });
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

/* What a stranger has named himself begins no line, field or command. */
static void
values_stay_within_their_field(void **state)
{
	struct log_record r;
	const char *line;

	(void)state;
	log_open("tap test", false);
	capture_begin();
	log_begin(&r, LOG_LEVEL_INFO, "denied");
	log_text(&r, "comm", "a\n\033[2J\x9b\r");
	log_text(&r, "exe", "/b \" uid=0 \\");
	log_text(&r, "name", "\"");
	log_text(&r, "dst_host", "\xc3\xa9\xc2\x9b");
	log_end(&r);
	line = capture_end();
	assert_string_equal(behind_time(line),
			    " tap test: denied comm=a??[2J?? "
			    "exe=\"/b \\\" uid=0 \\\\\" name=\"\\\"\" "
			    "dst_host=\xc3\xa9??\n");
	capture_begin();
	log_say(LOG_LEVEL_INFO, "%s", "a\nb");
	line = capture_end();
	assert_string_equal(behind_time(line), " tap test: a?b\n");
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

/* ---- readers that don't */

/* What a child does with its standard error; how many lines it lost. */
static uint64_t
in_child(int fd, void (*work)(int reader), int reader)
{
	uint64_t lost = 0;
	int status;
	pid_t pid;
	int told[2];

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDERR_FILENO);
		signal(SIGPIPE, SIG_IGN);
		/* Who waits is ended. */
		alarm(120);
		log_open("tap", false);
		log_never_wait();
		work(reader);
		lost = log_lost();
		_exit(write(told[1], &lost, sizeof lost) != sizeof lost);
	}
	close(told[1]);
	assert_int_equal(read(told[0], &lost, sizeof lost), sizeof lost);
	close(told[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return lost;
}

#define MANY 20000u

static void
write_many(int reader)
{
	(void)reader;
	for (unsigned i = 0; i < MANY; i++) {
		log_say(LOG_LEVEL_INFO, "line %u of many", i);
	}
}

/* Everything that can be read from it. */
static char *
read_all(int fd, size_t *len)
{
	static char text[4u << 20];
	ssize_t got;

	*len = 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((got = read(fd, text + *len, sizeof text - 1 - *len)) > 0) {
		*len += (size_t)got;
	}
	text[*len] = '\0';
	return text;
}

static unsigned
count_lines(const char *text, const char *with)
{
	unsigned count = 0;

	while ((text = strstr(text, with)) != NULL) {
		count++;
		text += strlen(with);
	}
	return count;
}

/* Until all is read, and once more: then it says what was lost. */
static void
write_many_and_go_on(int reader)
{
	unsigned lines = 0;
	char *text;
	size_t len;

	write_many(reader);
	for (int i = 0; i < 2; i++) {
		text = read_all(reader, &len);
		assert_true(i == 1 || text[len - 1] == '\n');
		lines += count_lines(text, " of many\n");
		assert_int_equal(count_lines(text, "are lost"), i);
		log_flush();
	}
	assert_int_equal(lines + log_lost(), MANY);
	log_say(LOG_LEVEL_INFO, "after");
	text = read_all(reader, &len);
	assert_int_equal(count_lines(text, "are lost"), 0);
	assert_int_equal(count_lines(text, ": after\n"), 1);
}

enum { PIPE, STREAM, DATAGRAMS, READERS };

static void
open_reader(int ends[2], int which)
{
	assert_int_equal(
		which == PIPE
			? pipe2(ends, O_CLOEXEC)
			: socketpair(AF_UNIX,
				     which == STREAM ? SOCK_STREAM : SOCK_DGRAM,
				     0, ends),
		0);
}

static void
waits_for_no_reader(void **state)
{
	(void)state;
	for (int which = 0; which < READERS; which++) {
		int ends[2];

		open_reader(ends, which);
		assert_true(in_child(ends[1], write_many, -1) > 0);
		/* Whoever shares it finds it as it was. */
		assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
		close(ends[0]);
		close(ends[1]);
	}
}

static void
says_what_was_lost(void **state)
{
	(void)state;
	for (int which = 0; which < DATAGRAMS; which++) {
		int ends[2];

		open_reader(ends, which);
		in_child(ends[1], write_many_and_go_on, ends[0]);
		close(ends[0]);
		close(ends[1]);
	}
}

/* A terminal that is stopped, as by Ctrl-S. */
static void
waits_for_no_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 &&
		    unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(tcflow(slave, TCOOFF), 0);
	assert_true(in_child(slave, write_many, -1) > MANY / 2);
	assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	close(slave);
	close(master);
}

static void
write_few(int reader)
{
	(void)reader;
	for (int i = 0; i < 200; i++) {
		log_say(LOG_LEVEL_INFO, "a line of some length, one of few");
	}
	log_close();
	assert_int_equal(log_lost(), 200);
}

/* Its reader is gone; the disk is full; there is none. */
static void
outlives_all_that_fails(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int ends[2];

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(in_child(ends[1], write_few, -1), 200);
	assert_int_equal(in_child(full, write_few, -1), 200);
	close(full);
	close(ends[1]);
}

static void
gather_some(int reader)
{
	size_t len;

	log_gather();
	for (int i = 0; i < 10; i++) {
		log_say(LOG_LEVEL_INFO, "one of ten");
	}
	assert_string_equal(read_all(reader, &len), "");
	log_flush();
	assert_int_equal(count_lines(read_all(reader, &len), "of ten\n"), 10);
	/* More than fits goes by itself. */
	log_gather();
	for (int i = 0; i < 1000; i++) {
		log_say(LOG_LEVEL_INFO, "one of a thousand");
	}
	assert_in_range(count_lines(read_all(reader, &len), "thousand\n"), 900,
			999);
	log_flush();
	assert_int_equal(log_lost(), 0);
}

static void
gathers_lines(void **state)
{
	int ends[2];

	(void)state;
	open_reader(ends, PIPE);
	assert_int_equal(in_child(ends[1], gather_some, ends[0]), 0);
	close(ends[0]);
	close(ends[1]);
}

/* What waits in a parent is not written by its child, too. */
static void
fork_with_lines(int reader)
{
	static uint64_t *lost;
	size_t len;
	pid_t pid;

	lost = mmap(NULL, sizeof *lost, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	log_gather();
	log_say(LOG_LEVEL_INFO, "of the parent");
	pid = fork();
	if (pid == 0) {
		log_leave(lost);
		log_say(LOG_LEVEL_INFO, "of the child");
		write_many(-1);
		log_close();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(count_lines(read_all(reader, &len), "the child"), 1);
	log_flush();
	assert_int_equal(count_lines(read_all(reader, &len), "the parent"), 1);
	assert_true(*lost > MANY / 2);
	assert_int_equal(log_lost(), 0);
}

static void
leaves_lines_to_the_parent(void **state)
{
	int ends[2];

	(void)state;
	open_reader(ends, PIPE);
	assert_int_equal(in_child(ends[1], fork_with_lines, ends[0]), 0);
	close(ends[0]);
	close(ends[1]);
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
		cmocka_unit_test_setup(values_stay_within_their_field, setup),
		cmocka_unit_test(log_limit_bounds_the_rate),
		cmocka_unit_test(log_limit_saves_no_more_than_a_burst),
		cmocka_unit_test(waits_for_no_reader),
		cmocka_unit_test(says_what_was_lost),
		cmocka_unit_test(waits_for_no_terminal),
		cmocka_unit_test(outlives_all_that_fails),
		cmocka_unit_test(gathers_lines),
		cmocka_unit_test(leaves_lines_to_the_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
