/* What path_report writes of the hops that a trace found, and of none. */
#include "unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe_path/report.h"

static struct trial trial;
static struct path path;
static struct path_trail trail;
static char *text;

static const char *
written(enum report_form form)
{
	const struct path_result r = {
		.address = "192.0.2.1",
		.trial = &trial,
		.path = &path,
		.trail = &trail,
		.trouble = "",
	};
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	path_report_write(out, form, &r);
	assert_int_equal(fclose(out), 0);
	return text;
}

static int
setup(void **state)
{
	(void)state;
	memset(&trial, 0, sizeof trial);
	memset(&path, 0, sizeof path);
	memset(&trail, 0, sizeof trail);
	trial.far.family = 4;
	trial.has_seen = true;
	path.verdict = PATH_PASSES;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static void
names_each_hop(void **state)
{
	(void)state;
	trail.traced = true;
	trail.count = 2;
	trail.hops[0].addr = (struct packet_addr){ 4, { 10, 0, 0, 1 } };
	assert_non_null(strstr(written(REPORT_TABLE),
			       "\nhops\n   1  10.0.0.1\n   2  silent\n"));
	assert_non_null(strstr(written(REPORT_JSON),
			       ",\n\"trace\":[\n"
			       "{\"hop\":1,\"address\":\"10.0.0.1\"},\n"
			       "{\"hop\":2}],\n\"changes\":[]"));
}

/* Without a trace nothing is said of hops; with one, that there is none. */
static void
says_that_there_is_no_hop(void **state)
{
	(void)state;
	assert_null(strstr(written(REPORT_TABLE), "\nhops"));
	assert_null(strstr(written(REPORT_JSON), "\"trace\""));
	trail.traced = true;
	assert_non_null(
		strstr(written(REPORT_TABLE), "\nhops: none that answers\n"));
	path.has_hops = true;
	assert_non_null(strstr(written(REPORT_TABLE),
			       "\nhops: none, the far side is next to this "
			       "host\n"));
	assert_non_null(strstr(written(REPORT_JSON), ",\n\"trace\":[],"));
}

/* The clock is told of also where it is right; and the verdict comes last. */
static void
concludes(void **state)
{
	(void)state;
	trial.has_skew = true;
	trial.skew_ns = -4000000;
	assert_non_null(strstr(written(REPORT_TABLE),
			       "\nclock: the far one is 0.004 s behind; 30 s "
			       "are allowed\n192.0.2.1: TAP passes\n"));
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		assert_in_range(strcspn(at, "\n"), 0, 80);
	}
	assert_string_equal(strstr(text, "192.0.2.1: "),
			    "192.0.2.1: TAP passes\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_each_hop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(says_that_there_is_no_hop,
						setup, teardown),
		cmocka_unit_test_setup_teardown(concludes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
