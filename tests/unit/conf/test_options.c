#include "unit/files_support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "conf/options.h"
#include "conf/value.h"

#define ARGS_MAX 8

/* What the options of these tests set. */
struct got {
	bool flag, only, seen;
	long number;
	const char *text;
	uint64_t span, instant;
};

enum { FIRST = 1, SECOND = 2 };

/*
 * option_parse() of a line's words, parted by blanks.  *err is what it
 * complained; *rest the first word that is none of its own.
 */
static int
parse(const char *line, struct got *got, bool command, unsigned verb,
      const char **err, const char **rest)
{
	static char copy[256];
	char *argv[ARGS_MAX + 1] = { copy };
	const struct option_word words[] = {
		{ .help = "one: some" },
		{ OPTION_FLAG('f', "flag", "a flag", &got->flag) },
		{ OPTION_FLAG(0, "only", "for the first verb", &got->only),
		  .verbs = FIRST },
		{ OPTION_NUMBER(0, "number", "N", "a number", &got->number, 5,
				70) },
		{ .help = "" },
		{ OPTION('t', "text", "FILE", "a text\nin two lines",
			 option_text, &got->text),
		  .seen = &got->seen },
		{ OPTION(0, "a-very-long-name", "VALUE", "a span",
			 option_duration, &got->span) },
		{ OPTION(0, "at", "T", "an instant", option_time,
			 &got->instant) },
	};
	const struct option_list list = {
		.usage = "usage: tap x\n",
		.words = words,
		.count = LENGTH(words),
		.command = command,
		.verb = verb,
	};
	int argc = 1, at;

	snprintf(copy, sizeof copy, "tap x%c%s", '\0', line);
	for (char *word = strtok(copy + 6, " "); word && argc < ARGS_MAX;
	     word = strtok(NULL, " ")) {
		argv[argc++] = word;
	}
	capture_begin();
	at = option_parse(&list, argc, argv);
	*err = capture_end();
	*rest = at > 0 && at < argc ? argv[at] : NULL;
	return at;
}

static void
words_are_taken(void **state)
{
	struct got got = { .number = -1 };
	const char *err, *rest;

	(void)state;
	assert_true(parse("-f --number 70 -tname rest --text other", &got,
			  false, 0, &err, &rest) > 0);
	assert_string_equal(err, "");
	assert_true(got.flag);
	assert_false(got.only);
	assert_int_equal(got.number, 70);
	/* Options may stand behind other words, and the last one counts. */
	assert_string_equal(got.text, "other");
	assert_true(got.seen);
	assert_string_equal(rest, "rest");
	assert_true(parse("--a-very-long-name=2m --at 1970-01-01T00:00:01Z",
			  &got, false, 0, &err, &rest) > 0);
	assert_int_equal(got.span, 120u * FRAME_SECOND);
	assert_int_equal(got.instant, FRAME_SECOND);
	assert_null(rest);
}

static void
what_is_not_there_is_left(void **state)
{
	struct got got = { .number = -1 };
	const char *err, *rest;

	(void)state;
	assert_int_equal(parse("", &got, false, 0, &err, &rest), 1);
	assert_string_equal(err, "");
	assert_int_equal(got.number, -1);
	assert_null(got.text);
	assert_false(got.seen);
}

/* What stands behind a command's name is the command's own. */
static void
a_command_ends_them(void **state)
{
	struct got got = { 0 };
	const char *err, *rest;

	(void)state;
	assert_int_equal(parse("-f ssh -t x", &got, true, 0, &err, &rest), 2);
	assert_string_equal(rest, "ssh");
	assert_null(got.text);
	assert_int_equal(parse("-- -t x", &got, true, 0, &err, &rest), 2);
	assert_string_equal(rest, "-t");
}

static void
verbs_have_their_own(void **state)
{
	struct got got = { 0 };
	const char *err, *rest;

	(void)state;
	assert_true(parse("--only", &got, false, FIRST, &err, &rest) > 0);
	assert_true(got.only);
	got.only = false;
	assert_int_equal(parse("--only", &got, false, SECOND, &err, &rest),
			 OPTION_WRONG);
	assert_string_equal(err, "tap x: --only: not for this verb\n");
	assert_false(got.only);
	assert_true(parse("-f", &got, false, SECOND, &err, &rest) > 0);
}

static void
wrong_words_get_one_line(void **state)
{
	static const struct {
		const char *line, *err;
	} wrong[] = {
		{ "-x", "tap x: no option '-x'; 'tap x -h' lists them\n" },
		{ "--xy", "tap x: no option '--xy'; 'tap x -h' lists them\n" },
		{ "--xy=3",
		  "tap x: no option '--xy=3'; 'tap x -h' lists them\n" },
		{ "-fx", "tap x: no option '-x'; 'tap x -h' lists them\n" },
		{ "-t", "tap x: --text: requires an argument\n" },
		{ "-f --number", "tap x: --number: requires an argument\n" },
		{ "--flag=1", "tap x: --flag: takes no argument\n" },
		{ "--only=1", "tap x: --only: takes no argument\n" },
	};
	struct got got;
	const char *err, *rest;

	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		assert_int_equal(
			parse(wrong[i].line, &got, false, FIRST, &err, &rest),
			OPTION_WRONG);
		assert_string_equal(err, wrong[i].err);
	}
}

static void
wrong_values_get_one_line(void **state)
{
	static const char *const wrong[] = {
		"--number 4",           "--number 71", "--number x",
		"--number -1",          "--number=",   "--at never",
		"--a-very-long-name 3",
	};
	struct got got = { .number = 7 };
	const char *err, *rest;

	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		size_t name = strcspn(wrong[i], " =");

		assert_int_equal(parse(wrong[i], &got, false, 0, &err, &rest),
				 OPTION_WRONG);
		assert_memory_equal(err, "tap x: ", 7);
		assert_memory_equal(err + 7, wrong[i], name);
		assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
	}
	assert_int_equal(got.number, 7);
}

static void
what_is_left_over_is_refused(void **state)
{
	char name[] = "tap x", one[] = "one", two[] = "two";
	char *argv[] = { name, one, two };
	const char *err;

	(void)state;
	assert_int_equal(option_end(3, 3, argv), 0);
	capture_begin();
	assert_int_equal(option_end(2, 3, argv), OPTION_WRONG);
	err = capture_end();
	assert_string_equal(err, "tap x: unexpected argument 'two'\n");
}

/* Standard output goes to a file meanwhile. */
static void
the_usage_is_a_table(void **state)
{
	static const char usage[] = "usage: tap x\n\n"
				    "  one: some\n"
				    "  -f, --flag       a flag\n"
				    "      --only       for the first verb\n"
				    "      --number N   a number\n"
				    "\n"
				    "  -t, --text FILE  a text\n"
				    "                   in two lines\n"
				    "      --a-very-long-name VALUE\n"
				    "                   a span\n"
				    "      --at T       an instant\n"
				    "  -h, --help       print the usage\n";
	char text[1024] = "";
	struct got got = { 0 };
	const char *err, *rest;
	struct scratch out;
	int saved, rc;

	(void)state;
	scratch_open(&out, "", 0600);
	fflush(stdout);
	saved = dup(1);
	dup2(out.fd, 1);
	rc = parse("--help", &got, false, 0, &err, &rest);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	assert_int_equal(rc, OPTION_HELP);
	assert_true(pread(out.fd, text, sizeof text - 1, 0) > 0);
	scratch_close(&out);
	assert_string_equal(text, usage);
	assert_string_equal(err, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_taken),
		cmocka_unit_test(what_is_not_there_is_left),
		cmocka_unit_test(a_command_ends_them),
		cmocka_unit_test(verbs_have_their_own),
		cmocka_unit_test(wrong_words_get_one_line),
		cmocka_unit_test(wrong_values_get_one_line),
		cmocka_unit_test(what_is_left_over_is_refused),
		cmocka_unit_test(the_usage_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
