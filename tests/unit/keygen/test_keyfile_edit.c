/* SPDX-License-Identifier: ISC */
/* Keys written, read again, and changed in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/frame.h"
#include "keygen/keyfile_edit.h"
#include "conf/key_line.h"

#define KEY "0x000102030405060708090A0B0C0D0E0F"

static void
fill(struct key_spec *spec, unsigned long no)
{
	key_spec_init(spec);
	spec->no = no;
	spec->secret_len = 16;
	for (size_t i = 0; i < 16; i++) {
		spec->secret[i] = (uint8_t)i;
	}
}

static const char *
line_of(const struct key_spec *spec)
{
	static char line[KEY_LINE_MAX];
	struct text t = text_over(line, sizeof line);

	key_line_write(&t, spec);
	assert_false(t.full);
	return line;
}

static void
test_line_of_the_papers(void **state)
{
	struct key_spec spec;

	(void)state;
	fill(&spec, 10);
	assert_string_equal(line_of(&spec), "key_no=10, key=" KEY);
}

static void
test_rule_of_the_papers(void **state)
{
	char rule[KEY_LINE_MAX];
	struct text t = text_over(rule, sizeof rule);
	struct key_spec spec;

	(void)state;
	fill(&spec, 10);
	key_line_rule(&t, &spec, "211.7.133.3", "8080", 0);
	assert_string_equal(rule,
			    "RULE:dst_host=211.7.133.3, dst_port=8080, "
			    "key_no=10, key=" KEY ", type=LOCAL");
}

/* What is written reads as it was, whatever the words. */
static void
expect_round_trip(const struct key_spec *spec)
{
	const char *line = line_of(spec);
	char err[CONF_ERROR_MAX] = "";
	struct key_spec again;
	struct conf_file file;
	struct conf_line words;

	assert_int_equal(conf_open_text(&file, "f", line, strlen(line), err),
			 0);
	assert_int_equal(conf_next(&file, &words, err), 1);
	assert_int_equal(key_read(&file, &words, &again, err), 0);
	assert_int_equal(again.no, spec->no);
	assert_int_equal(again.suite, spec->suite);
	assert_int_equal(key_line_bits(&again), key_line_bits(spec));
	assert_int_equal(again.secret_len, spec->secret_len);
	assert_memory_equal(again.secret, spec->secret, spec->secret_len);
	assert_int_equal(again.realm_len, spec->realm_len);
	assert_memory_equal(again.realm, spec->realm, spec->realm_len);
	assert_string_equal(again.name, spec->name);
	assert_int_equal(again.not_before, spec->not_before);
	assert_int_equal(again.not_after, spec->not_after);
	assert_int_equal(conf_next(&file, &words, err), 0);
	conf_close(&file);
}

static void
test_round_trips(void **state)
{
	static const char *const names[] = {
		"alice", "Alice B.",          "a,b",      "#a",     " a ",
		"a=b",   "\xc3\xa9t\xc3\xa9", "key=0x00", "RULE:a",
	};
	static const char *const realms[] = {
		"db.example", "a b", "0x",
		"0xzz",       ",",   "\"",
		"#",          "\\",  "\n",
		"\xff\xfe",   " ",   "0123456789abcdef0123456789abcdef",
	};
	struct key_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		fill(&spec, i);
		snprintf(spec.name, sizeof spec.name, "%s", names[i]);
		expect_round_trip(&spec);
	}
	for (size_t i = 0; i < sizeof realms / sizeof realms[0]; i++) {
		fill(&spec, 65535);
		spec.suite = MAC_HMAC_SHA256;
		spec.realm_len = strlen(realms[i]);
		memcpy(spec.realm, realms[i], spec.realm_len);
		expect_round_trip(&spec);
	}
	fill(&spec, 1);
	spec.suite = MAC_HMAC_SHA256;
	spec.auth = 118;
	spec.secret_len = 64;
	spec.not_before = frame_instant_of(1, 0);
	spec.not_after = frame_instant_of(253402300799, 0);
	expect_round_trip(&spec);
	/* Beyond the year 9999. */
	spec.not_after = frame_instant_of(253402300800, 0);
	expect_round_trip(&spec);
}

/* Append a line, and end a key where `rotate` is its number. */
static const char *
edit(const char *text, long rotate, const char *append, char *err)
{
	static char result[4096];
	struct key_edit *work = secret_new(sizeof *work);
	struct secret_buf lines = { 0 };
	struct secret_buf out = { 0 };
	struct conf_file file;
	int rc;

	assert_int_equal(secret_puts(&lines, append), 0);
	assert_int_equal(
		conf_open_text(&file, "server.key", text, strlen(text), err),
		0);
	rc = key_edit_read(work, &file, rotate, err);
	if (rc == 0) {
		rc = key_edit_write(work, frame_instant_of(1798761600, 0),
				    &lines, &out, err);
	}
	if (rc == 0) {
		memcpy(result, out.bytes, out.len);
		result[out.len] = '\0';
	}
	secret_drop(&lines);
	secret_drop(&out);
	secret_free(work);
	conf_close(&file);
	return rc == 0 ? result : NULL;
}

#define NEW "key_no=99, key=" KEY "\n"
#define END "not_after=2027-01-01T00:00:00Z"

static void
test_append_and_rotate(void **state)
{
	static const struct {
		const char *before;
		long rotate;
		const char *after;
	} cases[] = {
		{ "", -1, NEW },
		{ "# none yet\n", -1, "# none yet\n" NEW },
		{ "key_no=1, key=" KEY "\n", -1,
		  "key_no=1, key=" KEY "\n" NEW },
		{ "key_no=1, key=" KEY, -1, "key_no=1, key=" KEY "\n" NEW },
		{ "key_no=1, key=" KEY "\\\n", -1,
		  "key_no=1, key=" KEY "\\\n\n" NEW },
		{ "key_no=1, key=" KEY "\\", -1,
		  "key_no=1, key=" KEY "\\\n\n" NEW },
		{ "key_no=1, key=" KEY " # one\nkey_no=2, key=" KEY "\n", 1,
		  "key_no=1, key=" KEY ", " END " # one\nkey_no=2, key=" KEY
		  "\n" NEW },
		{ "not_after=2030-01-01,\\\n key_no=1, key=" KEY " # one\r\n",
		  1, END ",\\\n key_no=1, key=" KEY " # one\r\n" NEW },
		{ "key_no=1, key=" KEY ", name=\"a,b\"  \n", 1,
		  "key_no=1, key=" KEY ", name=\"a,b\", " END "  \n" NEW },
		{ "key_no=1, key=" KEY ", not_after=\"2030-01-01\", name=x\n",
		  1,
		  "key_no=1, key=" KEY
		  ", not_after=\"2027-01-01T00:00:00Z\", name=x\n" NEW },
	};
	char err[CONF_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *after;

		err[0] = '\0';
		after = edit(cases[i].before, cases[i].rotate, NEW, err);
		if (!after || strcmp(after, cases[i].after) != 0) {
			fail_msg("case %zu: '%s', %s", i, after ? after : "",
				 err);
		}
	}
}

static void
test_refused(void **state)
{
	char err[CONF_ERROR_MAX];

	(void)state;
	/* A number that is there; a file that is none. */
	assert_null(edit(NEW, -1, NEW, err));
	assert_non_null(strstr(err, "99"));
	assert_null(edit("key_no=1\n", -1, NEW, err));
	assert_null(edit("key_no=1, key=" KEY "\nkey_no=1, key=" KEY "\n", -1,
			 NEW, err));
	assert_string_equal(err,
			    "server.key:2: key_no 1 stands in line 1 "
			    "already");
	assert_null(edit("key_no=1, key=0x00\n", -1, NEW, err));
	assert_null(edit("RULE:key_no=1, key=" KEY "\n", -1, NEW, err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_of_the_papers),
		cmocka_unit_test(test_rule_of_the_papers),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_append_and_rotate),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
