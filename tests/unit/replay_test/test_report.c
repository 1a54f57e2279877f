/* What replay-test says of the attacks: to people, and to scripts. */
#include "unit/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay_test/report.h"

#define TEXT_MAX 4096u /* more than any of these reports */

static struct attack_run_report run;
static struct replay_report report;
static char text[TEXT_MAX];

static int
setup(void **state)
{
	(void)state;
	memset(&run, 0, sizeof run);
	run.results[0] = (struct attack_run_result){
		.kind = ATTACK_AGAIN,
		.verdict = ATTACK_RUN_REFUSED,
		.reason = "no answer",
		.groups = 1,
	};
	run.results[1] = (struct attack_run_result){
		.kind = ATTACK_SPLIT,
		.verdict = ATTACK_RUN_ACCEPTED,
		.reason = "a SYN/ACK",
		.hole = "source-unchecked",
		.groups = 2,
		.accepted = 1,
	};
	run.results[2] = (struct attack_run_result){
		.kind = ATTACK_RESTART,
		.verdict = ATTACK_RUN_INCONCLUSIVE,
		.reason = "no command is named: --hook",
	};
	run.count = 3;
	report = (struct replay_report){
		.host = "192.0.2.1",
		.address = "192.0.2.1",
		.port = 22,
		.material = "key",
		.run = &run,
	};
	return 0;
}

/* It goes to standard output. */
static const char *
written(enum report_form form)
{
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int file = memfd_create("report", MFD_CLOEXEC);
	ssize_t len;
	int rc;

	assert_true(saved >= 0 && file >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	rc = replay_report_write(&report, form);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	len = pread(file, text, sizeof text - 1, 0);
	close(file);
	assert_int_equal(rc, 0);
	assert_true(len >= 0);
	text[len] = '\0';
	return text;
}

/* No line is longer than a terminal's. */
static void
fits_a_terminal(void)
{
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		assert_in_range(strcspn(at, "\n"), 0, 80);
	}
}

static void
shows_a_table(void **state)
{
	(void)state;
	assert_string_equal(
		written(REPORT_TABLE),
		"192.0.2.1, port 22\n"
		"attack         verdict       what, and because\n"
		"again          refused       the same group at once: no "
		"answer\n"
		"split          accepted      one group from two addresses: a "
		"SYN/ACK; the hole\n"
		"                             is source-unchecked\n"
		"restart        not tried     again, after the hook has run: "
		"no command is named:\n"
		"                             --hook\n"
		"\n1 got in (split): 1 refused, 1 not tried (--hook)\n");
	fits_a_terminal();
	report.host = "example.org";
	run.trials = 5;
	run.trials_accepted = 4;
	written(REPORT_TABLE);
	assert_memory_equal(text, "example.org (192.0.2.1), port 22\n", 33);
	assert_non_null(
		strstr(text, "4 of 5 fresh groups between them got in\n"));
}

/* What is missing is named once; good news comes first. */
static void
concludes(void **state)
{
	(void)state;
	run.results[1].verdict = ATTACK_RUN_REFUSED;
	run.results[3] = run.results[2];
	run.results[4] = run.results[2];
	snprintf(run.results[4].reason, sizeof run.results[4].reason,
		 "it takes long: --patient");
	run.results[5] = run.results[0];
	run.results[5].verdict = ATTACK_RUN_INCONCLUSIVE;
	run.count = 6;
	written(REPORT_TABLE);
	assert_non_null(strstr(text,
			       "\nnothing got in: 2 refused, 1 "
			       "inconclusive, 3 not tried (--hook, "
			       "--patient)\n"));
	fits_a_terminal();
	memset(run.results[4].reason, 'x', 150);
	run.results[4].reason[150] = '\0';
	written(REPORT_TABLE);
	fits_a_terminal();
}

static void
parts_columns_by_tabs(void **state)
{
	(void)state;
	written(REPORT_PLAIN);
	assert_non_null(strstr(text,
			       "\nsplit\taccepted\t2\ta SYN/ACK\tone "
			       "group from two addresses\t"
			       "source-unchecked\n"));
	assert_null(strstr(text, "192.0.2.1"));
	assert_null(strstr(text, "between them"));
}

static void
says_how_long_guesses_take(void **state)
{
	static const struct {
		double seconds;
		const char *is;
	} cases[] = {
		{ 1, "after 1 seconds," },
		{ 119, "after 119 seconds," },
		{ 120, "after 2 minutes," },
		{ 7200, "after 2 hours," },
		{ 172800, "after 2 days," },
		{ 6.3072e7, "after 2 years," },
		{ 3.1536e16, "after 1e+09 years," },
	};

	(void)state;
	run.has_odds = true;
	run.odds =
		(struct odds){ .bits = 30, .sent = 100, .mean = 1, .half = 1 };
	/* None was looked at: there is nothing to tell. */
	assert_null(strstr(written(REPORT_TABLE), "guesses a second"));
	run.odds.let_through = 50;
	for (size_t i = 0; i < COUNT(cases); i++) {
		run.odds.mean = cases[i].seconds;
		written(REPORT_TABLE);
		if (!strstr(text, cases[i].is)) {
			fail_msg("'%s' is not in: %s", cases[i].is, text);
		}
	}
	assert_non_null(strstr(text,
			       "\n100 guesses a second were sent, and 50 "
			       "looked at: of 30 bits,"));
	run.odds.is_bound = true;
	assert_non_null(
		strstr(written(REPORT_TABLE), "and at most 50 looked at"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shows_a_table, setup),
		cmocka_unit_test_setup(concludes, setup),
		cmocka_unit_test_setup(parts_columns_by_tabs, setup),
		cmocka_unit_test_setup(says_how_long_guesses_take, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
