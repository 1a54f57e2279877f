/* SPDX-License-Identifier: ISC */
/* The file with user and password: what it has to be, and what it is not. */
#include "../files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/share_conf.h"
#include "conf/grammar.h"

static char path[] = "/tmp/tap-share.XXXXXX";

static int
load(struct share_conf *share, const char *text, char *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	*share = (struct share_conf){ .db = 0 };
	return share_conf_load(share, path, err);
}

static void
test_good(void **state)
{
	struct share_conf share;
	char err[CONF_ERROR_MAX];

	(void)state;
	assert_int_equal(
		load(&share, "# x\nuser=tap, password=\"a, b\"\n", err), 0);
	assert_string_equal(share.user, "tap");
	assert_string_equal(share.password, "a, b");
	assert_int_equal(load(&share, "password=0123456789abcdef\n", err), 0);
	assert_string_equal(share.user, "");
	assert_string_equal(share.password, "0123456789abcdef");
}

/* Each names the file, and none shows what may be a password. */
static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"hunter2\n",
		"user=hunter2\n",
		"password=\n",
		"password=hunter2\npassword=hunter2\n",
		"password=hunter2, password=hunter2\n",
		"RULE:password=hunter2\n",
		"password=hunter2, key=1\n",
		"password=hunter2hunter2hunter2hunter2hunter2hunter2hunter2"
		"hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2"
		"hunter2hunter2hunter2hunter2\n",
	};
	struct share_conf share;
	char err[CONF_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_true(load(&share, bad[i], err) < 0);
		assert_non_null(strstr(err, path));
		assert_null(strstr(err, "hunter"));
	}
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(load(&share, "password=a\n", err) < 0);
	assert_non_null(strstr(err, "chmod 600"));
	unlink(path);
	assert_true(share_conf_load(&share, path, err) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};
	const int fd = mkstemp(path);

	if (fd < 0) {
		return 1;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
