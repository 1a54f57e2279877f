/* SPDX-License-Identifier: ISC */
/* Differences, sets of numbers, spans of time, and files as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "acl/diff.h"
#include "protocol/frame.h"
#include "protocol/numset.h"
#include "conf/atomic_file.h"
#include "conf/value.h"

static void
expect_diff(const char *old, const char *new, const char *wanted)
{
	struct secret_buf out = { 0 };

	assert_int_equal(
		diff_unified(&out, "f", old, strlen(old), new, strlen(new)), 0);
	assert_int_equal(secret_append(&out, "", 1), 0);
	assert_string_equal(out.bytes, wanted);
	secret_drop(&out);
}

#define HEAD "--- f\n+++ f\n"

static void
test_diffs(void **state)
{
	(void)state;
	expect_diff("", "", "");
	expect_diff("a\n", "a\n", "");
	expect_diff("", "a\n", HEAD "@@ -0,0 +1,1 @@\n+a\n");
	expect_diff("a\n", "", HEAD "@@ -1,1 +0,0 @@\n-a\n");
	expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		    "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
		    HEAD "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
	expect_diff("a\nb", "a\nb\nc\n",
		    HEAD "@@ -1,2 +1,3 @@\n a\n-b\n"
			 "\\ No newline at end of file\n+b\n+c\n");
	/* Two changes, apart and near each other. */
	expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		    "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
		    HEAD "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n"
			 "@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n");
	expect_diff("1\n2\n3\n4\n", "x\n2\n3\ny\nz\n",
		    HEAD "@@ -1,4 +1,5 @@\n-1\n+x\n 2\n 3\n-4\n+y\n+z\n");
	expect_diff("a\n", "a\na\n", HEAD "@@ -1,1 +1,2 @@\n a\n+a\n");
}

static void
test_numbers(void **state)
{
	const struct acl_range some[] = { { 0, 0 },
					  { 5, 70 },
					  { 65535, 65535 } };
	const struct acl_range hole = { 64, 64 };
	struct numset set = { 0 };
	struct numset other = { 0 };
	struct acl_range run;

	(void)state;
	assert_true(numset_empty(&set));
	assert_false(numset_next(&set, 0, &run));
	numset_add(&set, some, 3);
	numset_remove(&set, &hole, 1);
	assert_true(numset_next(&set, 0, &run));
	assert_int_equal(run.high, 0);
	assert_true(numset_next(&set, 1, &run));
	assert_int_equal(run.low, 5);
	assert_int_equal(run.high, 63);
	assert_true(numset_next(&set, 64, &run));
	assert_int_equal(run.low, 65);
	assert_int_equal(run.high, 70);
	assert_true(numset_next(&set, 71, &run));
	assert_int_equal(run.low, 65535);
	assert_int_equal(run.high, 65535);
	assert_false(numset_next(&set, 65536, &run));
	numset_add(&other, some, 2);
	numset_subtract(&set, &other);
	assert_true(numset_has(&set, 65535));
	assert_false(numset_has(&set, 5));
	numset_intersect(&set, &other);
	assert_true(numset_empty(&set));
	assert_false(numset_equal(&set, &other));
}

static void
test_spans(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds; /* 0: refused */
	} cases[] = {
		{ "1s", 1 },
		{ "30m", 1800 },
		{ "12h", 43200 },
		{ "90d", 7776000 },
		{ "2w", 1209600 },
		{ "36500d", 3153600000 },
		{ "0d", 0 },
		{ "", 0 },
		{ "d", 0 },
		{ "90", 0 },
		{ "1y", 0 },
		{ "-1d", 0 },
		{ "1.5d", 0 },
		{ "1d ", 0 },
		{ "1dd", 0 },
		{ "99999999999999999999d", 0 },
		{ "36526d", 0 },
		{ "1111111111111111111111111111111111111111s", 0 },
	};
	char why[VALUE_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t span = 0;
		int rc = value_duration(cases[i].text, &span, why);

		assert_int_equal(rc, cases[i].seconds ? 0 : -1);
		if (rc == 0) {
			assert_int_equal(span, cases[i].seconds * FRAME_SECOND);
		}
	}
}

static void
takes_seconds_or_a_span(void **state)
{
	static const struct {
		const char *text;
		unsigned long seconds; /* 0: refused */
	} cases[] = {
		{ "5", 5 },     { "86400", 86400 }, { "30s", 30 },
		{ "5m", 300 },  { "24h", 86400 },   { "1d", 86400 },
		{ "4", 0 },     { "4s", 0 },        { "25h", 0 },
		{ "86401", 0 }, { "", 0 },          { "m", 0 },
		{ "5x", 0 },    { "5 m", 0 },       { "-5", 0 },
		{ "5m5s", 0 },
	};
	char why[VALUE_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unsigned long seconds = 0;

		why[0] = '\0';
		assert_int_equal(
			value_seconds(cases[i].text, 5, 86400, &seconds, why),
			cases[i].seconds ? 0 : -1);
		assert_int_equal(why[0] == '\0', cases[i].seconds != 0);
		if (cases[i].seconds) {
			assert_int_equal(seconds, cases[i].seconds);
		}
	}
}

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/tap-rewrite.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void
path_in(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", dir, name);
}

static void
expect_content(const char *path, const char *wanted)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof text - 1), strlen(wanted));
	assert_string_equal(text, wanted);
	close(fd);
}

static void
test_rewrite(void **state)
{
	char err[CONF_ERROR_MAX];
	struct conf_file file;
	struct rewrite rw;
	char path[128];
	char stale[128];
	struct stat st;
	int fd;

	(void)state;
	path_in(path, "f");
	path_in(stale, ".f.new");
	/* Left by a crash, and in nobody's way. */
	fd = open(stale, O_WRONLY | O_CREAT, 0400);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(atomic_file_open(&rw, path, CONF_SECRET, &file, err),
			 0);
	assert_false(rw.exists);
	assert_int_equal(file.len, 0);
	conf_close(&file);
	assert_int_equal(atomic_file_commit(&rw, "one", 3, err), 0);
	atomic_file_close(&rw);
	expect_content(path, "one");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(atomic_file_open(&rw, path, CONF_SECRET, &file, err),
			 0);
	assert_int_equal(file.len, 3);
	conf_close(&file);
	assert_int_equal(atomic_file_commit(&rw, "two!", 4, err), 0);
	atomic_file_close(&rw);
	expect_content(path, "two!");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(atomic_file_create(path, "x", 1, err), -EEXIST);
	expect_content(path, "two!");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(atomic_file_create(path, "three", 5, err), 0);
	expect_content(path, "three");
	assert_int_equal(unlink(path), 0);
}

static void
test_rewrite_refused(void **state)
{
	char err[CONF_ERROR_MAX];
	struct conf_file file;
	struct rewrite rw;
	char path[128];
	char link[128];

	(void)state;
	path_in(path, "f");
	path_in(link, "link");
	assert_int_equal(atomic_file_create(path, "x", 1, err), 0);
	assert_int_equal(symlink("f", link), 0);
	assert_int_equal(atomic_file_open(&rw, link, CONF_PUBLIC, &file, err),
			 -EINVAL);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(atomic_file_open(&rw, path, CONF_SECRET, &file, err),
			 -EINVAL);
	assert_int_equal(atomic_file_open(&rw, path, CONF_PUBLIC, &file, err),
			 0);
	conf_close(&file);
	atomic_file_close(&rw);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(atomic_file_open(&rw, path, CONF_PUBLIC, &file, err),
			 -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(atomic_file_open(&rw, dir, CONF_PUBLIC, &file, err),
			 -EINVAL);
	path_in(path, "no/such");
	assert_int_equal(atomic_file_open(&rw, path, CONF_PUBLIC, &file, err),
			 -ENOENT);
	path_in(path, "..");
	assert_int_equal(atomic_file_open(&rw, path, CONF_PUBLIC, &file, err),
			 -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diffs),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(takes_seconds_or_a_span),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_rewrite_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
