/* SPDX-License-Identifier: ISC */
/* Invitations of anybody, and where their files go. */
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

#include "../files_support.h"
#include "client/accept.h"
#include "conf/invite.h"
#include "conf/seal.h"
#include "tap.h"

#define KEY ", key_no=1, key=0x00112233445566778899AABBCCDDEEFF"
#define RULE "RULE:dst_host=192.0.2.1, dst_port=22" KEY "\n"

static char dir[] = "/tmp/tap-accept.XXXXXX";
static char conf[64], keys[64];

static int
setup(void **state)
{
	(void)state;
	memcpy(strrchr(dir, '.') + 1, "XXXXXX", 6);
	if (!mkdtemp(dir)) {
		return -1;
	}
	snprintf(conf, sizeof conf, "%s/conf", dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(conf);
	unlink(keys);
	return rmdir(dir);
}

static void
seal(char line[INVITE_LINE_MAX + 1], const char *text)
{
	static uint8_t sealed[INVITE_BYTES_MAX];
	static const uint8_t salt[SEAL_SALT], nonce[SEAL_NONCE];

	seal_make(sealed, (const uint8_t *)text, strlen(text), "word", 4,
		  SEAL_ITERATIONS_MIN, salt, nonce);
	assert_true(invite_write(line, sealed,
				 SEAL_HEADER + strlen(text) + SEAL_TAG) > 0);
}

/* What it says to standard error lives until the next call. */
static const char *
accept_as(const char *line, const char *passphrase, const char *conf_path,
	  const char *keys_path, int want)
{
	struct accept_options o = {
		.line = line,
		.conf = conf_path,
		.keys = keys_path,
	};
	const char *said;
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], passphrase, strlen(passphrase)),
			 (ssize_t)strlen(passphrase));
	close(fds[1]);
	o.passphrase_fd = fds[0];
	capture_begin();
	status = client_accept(&o);
	said = capture_end();
	close(fds[0]);
	assert_int_equal(status, want);
	return said;
}

static void
refused(const char *text, const char *why)
{
	char line[INVITE_LINE_MAX + 1];
	const char *said;

	seal(line, text);
	said = accept_as(line, "word", conf, keys, TAP_USAGE);
	assert_non_null(strstr(said, why));
	assert_null(strstr(said, "33445566"));
	assert_int_equal(access(conf, F_OK), -1);
	assert_int_equal(access(keys, F_OK), -1);
}

static void
read_back(const char *path, const char *text)
{
	char found[512];
	FILE *file = fopen(path, "r");
	struct stat st;
	size_t len;

	assert_non_null(file);
	len = fread(found, 1, sizeof found - 1, file);
	found[len] = '\0';
	assert_int_equal(fstat(fileno(file), &st), 0);
	fclose(file);
	assert_string_equal(found, text);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
test_both(void **state)
{
	char line[INVITE_LINE_MAX + 1];

	(void)state;
	seal(line, RULE "RULE:dst_port=80, service_port=8080" KEY "\n");
	assert_string_equal(accept_as(line, "word\n", conf, keys, TAP_OK), "");
	read_back(conf, RULE "RULE:dst_port=80, service_port=8080" KEY "\n");
	read_back(keys, "key_no=1, key=0x00112233445566778899AABBCCDDEEFF\n");
}

/* Held to what keygen writes. */
static void
test_hostile(void **state)
{
	(void)state;
	refused("run_as=root\n" RULE, "invitation:1: not a rule");
	refused("include=/etc/shadow\n" RULE, "include");
	refused(RULE "RULE:dst_port=80, key_no=2, "
		     "key=0x00112233445566778899AABBCCDDEEFF\n",
		"invitation:2: of another key");
	refused("RULE:type=LOCAL" KEY "\n", "every connection of this host");
	refused("RULE:dst_port=22, key_no=1\n", "key");
	refused("# nothing\n", "invitation: ");
	refused("", "invitation: ");
	refused("\x1b[2J\n", "invitation:1: ");
	/* One number, and two secrets. */
	refused(RULE "RULE:dst_port=80, key_no=1, "
		     "key=0x00112233445566778899AABBCCDDEE00\n",
		"invitation:2: of another key");
	/* Nothing that commands a terminal: an escape, C1, C1 in UTF-8. */
	refused("RULE:dst_port=22, dst_host=\x1b[2J\x9b[2J\xc2\x9b[2J"
		"\xc3\xa9" KEY "\n",
		"'?[2J?[2J\?\?[2J\xc3\xa9'");
}

static void
test_wrong(void **state)
{
	char line[INVITE_LINE_MAX + 1];

	(void)state;
	seal(line, RULE);
	assert_non_null(strstr(accept_as(line, "wrong", conf, keys, TAP_USAGE),
			       "wrong passphrase"));
	assert_non_null(strstr(accept_as(line, "", conf, keys, TAP_USAGE),
			       "passphrase: it is empty"));
	/* One that was changed where only the tag can tell. */
	line[100] = line[100] == 'A' ? 'B' : 'A';
	assert_non_null(strstr(accept_as(line, "word", conf, keys, TAP_USAGE),
			       "or the file is damaged"));
}

/* Nothing is overwritten; both files, or none. */
static void
test_exists(void **state)
{
	char line[INVITE_LINE_MAX + 1];
	FILE *file = fopen(keys, "w");

	(void)state;
	assert_non_null(file);
	fclose(file);
	seal(line, RULE);
	assert_non_null(strstr(accept_as(line, "word", conf, keys, TAP_NO),
			       "keys: exists, not overwritten"));
	assert_int_equal(access(conf, F_OK), -1);
	assert_int_equal(rename(keys, conf), 0);
	assert_non_null(strstr(accept_as(line, "word", conf, keys, TAP_NO),
			       "conf: exists, not overwritten"));
	assert_int_equal(access(keys, F_OK), -1);
	/* A link to nowhere is no free name. */
	assert_int_equal(symlink("/nowhere/else", keys), 0);
	assert_non_null(strstr(accept_as(line, "word", NULL, keys, TAP_NO),
			       "keys: exists, not overwritten"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exists, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
