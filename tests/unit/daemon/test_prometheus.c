/* SPDX-License-Identifier: ISC */
/* The file of metrics: its text, when it is written, and its end. */
#include <stdarg.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/prometheus.h"

static char dir[] = "/tmp/tap-prometheus.XXXXXX";
static char path[64];

static int
make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir)) {
		return -1;
	}
	snprintf(path, sizeof path, "%s/tap.prom", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static const char *
content(void)
{
	static char text[8192];
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof text - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static struct stats stats;

static void
put_all(void)
{
	stat_text(&stats, "alarm", NULL, "rules lost");
	stat_text(&stats, "version", NULL, "1.2");
	stat_number(&stats, "pid", "process", 7);
	stat_number(&stats, "uptime", NULL, 60);
	stat_number(&stats, "confirm_left", NULL, 5);
	stat_text(&stats, "worker", "worker", "down");
	stat_level(&stats, "keys", "keys", 3, "Keys that are loaded");
	stat_count(&stats, "refused.mac", "refused: mac", 4, "By reason");
	stat_count(&stats, "refused.key", "refused: key", 5, "");
}

static void
put_more(const struct metrics *m, const void *context)
{
	assert_ptr_equal(context, path);
	metrics_put_head(m, "key_total", "counter", "For the test alone");
	fputs("tap_server_key_total{name=", m->file);
	metrics_put_value(m, "al\xc3\xafs\xff");
	fputs("} 1\n", m->file);
}

/* The process that writes has ended. */
static void
await_writer(const struct metrics *m)
{
	siginfo_t info;

	assert_int_equal(
		waitid(P_PID, (id_t)m->writer, &info, WEXITED | WNOWAIT), 0);
}

static void
test_text(void **state)
{
	struct metrics m = { .path = path, .prefix = "tap_server" };

	(void)state;
	assert_true(metrics_due(&m, 1));
	put_all();
	metrics_start(&m, &stats, put_more, path);
	await_writer(&m);
	assert_false(metrics_due(&m, 1));
	assert_int_equal(m.error, 0);
	assert_string_equal(
		content(),
		"# HELP tap_server_up 1 while it is running; the file ends "
		"with it.\n"
		"# TYPE tap_server_up gauge\n"
		"tap_server_up 1\n"
		"# HELP tap_server_alarm Whether something is wrong, as "
		"--status says.\n"
		"# TYPE tap_server_alarm gauge\n"
		"tap_server_alarm 1\n"
		"# HELP tap_server_build_info The version of tap that is "
		"running.\n"
		"# TYPE tap_server_build_info gauge\n"
		"tap_server_build_info{version=\"1.2\"} 1\n"
		"# HELP tap_server_uptime_seconds Time since the start.\n"
		"# TYPE tap_server_uptime_seconds gauge\n"
		"tap_server_uptime_seconds 60\n"
		"# HELP tap_server_worker_up Whether the process that handles "
		"packets works.\n"
		"# TYPE tap_server_worker_up gauge\n"
		"tap_server_worker_up 0\n"
		"# HELP tap_server_keys Keys that are loaded.\n"
		"# TYPE tap_server_keys gauge\n"
		"tap_server_keys 3\n"
		"# HELP tap_server_refused_total By reason.\n"
		"# TYPE tap_server_refused_total counter\n"
		"tap_server_refused_total{reason=\"mac\"} 4\n"
		"tap_server_refused_total{reason=\"key\"} 5\n"
		"# HELP tap_server_key_total For the test alone.\n"
		"# TYPE tap_server_key_total counter\n"
		"tap_server_key_total{name=\"al\xc3\xafs\xef\xbf\xbd\"} 1\n");
	metrics_remove(&m);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_times(void **state)
{
	struct metrics m = { .path = path, .prefix = "tap" };

	(void)state;
	assert_true(metrics_due(&m, 1000));
	metrics_start(&m, &stats, NULL, NULL);
	await_writer(&m);
	assert_false(metrics_due(&m, 1000 + METRICS_EVERY_MS - 1));
	assert_true(m.written);
	assert_true(metrics_due(&m, 1000 + METRICS_EVERY_MS));
	metrics_remove(&m);
	assert_int_equal(access(path, F_OK), -1);
	m.path = NULL;
	assert_false(metrics_due(&m, 100000));
}

/* A file that this process has not written is not its own to remove. */
static void
test_not_written(void **state)
{
	char place[80];
	struct metrics m = { .path = place, .prefix = "tap" };

	(void)state;
	snprintf(place, sizeof place, "%s/none/tap.prom", dir);
	assert_true(metrics_due(&m, 1));
	metrics_start(&m, &stats, NULL, NULL);
	await_writer(&m);
	assert_false(metrics_due(&m, 2));
	assert_int_equal(m.error, ENOENT);
	assert_false(m.written);
	m.path = path;
	fclose(fopen(path, "w"));
	metrics_remove(&m);
	assert_int_equal(access(path, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_not_written),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
