/* SPDX-License-Identifier: ISC */
/* The access list changed in place: what has to stay, and what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acl/acl_edit.h"
#include "conf/acl_conf.h"
#include "conf/value.h"

/* What becomes of a text, or NULL with the error in err; in a buffer. */
static const char *
edit(const char *text, const char *verb, const char *port, const char *keys,
     char *err)
{
	static char result[65536];
	struct acl_change change = { .allow = strcmp(verb, "allow") == 0 };
	struct secret_buf out = { 0 };
	char why[VALUE_WHY_MAX];
	struct acl_range *list;
	struct conf_file file;
	int rc;

	assert_int_equal(value_port_range(port, &change.ports, why), 0);
	assert_int_equal(
		value_ranges(keys, false, &list, &change.keys_count, why), 0);
	change.keys = list;
	assert_int_equal(
		conf_open_text(&file, "ACL.conf", text, strlen(text), err), 0);
	rc = acl_edit(&file, &change, &out, err);
	if (rc == 0) {
		assert_true(out.len < sizeof result);
		memcpy(result, out.len ? out.bytes : "", out.len);
		result[out.len] = '\0';
	}
	free(list);
	secret_drop(&out);
	conf_close(&file);
	return rc == 0 ? result : NULL;
}

static const struct {
	const char *before, *verb, *port, *keys, *after;
} cases[] = {
	/* The papers' example. */
	{ "port=80, key_no=\"10,11\"\n", "allow", "80", "20-23",
	  "port=80, key_no=\"10-11,20-23\"\n" },
	{ "port=80, key_no=10\n", "allow", "80", "20-23",
	  "port=80, key_no=\"10,20-23\"\n" },
	/* A new file, a new port. */
	{ "", "allow", "80", "10,20-23", "port=80, key_no=\"10,20-23\"\n" },
	{ "port=80, key_no=1\n", "allow", "22", "7",
	  "port=80, key_no=1\nport=22, key_no=\"7\"\n" },
	/* No end of the last line; a backslash at the end. */
	{ "port=80, key_no=1", "allow", "22", "7",
	  "port=80, key_no=1\nport=22, key_no=\"7\"\n" },
	{ "port=80, key_no=1\\\n", "allow", "22", "7",
	  "port=80, key_no=1\\\n\nport=22, key_no=\"7\"\n" },
	{ "port=80, key_no=1\\", "allow", "22", "7",
	  "port=80, key_no=1\\\n\nport=22, key_no=\"7\"\n" },
	/* Comments, blanks, order of words, CRLF. */
	{ "# a\n\n  port = 80 ,\tkey_no = 10  # b, \"c\"\n# d", "allow", "80",
	  "11", "# a\n\n  port = 80 ,\tkey_no = \"10-11\"  # b, \"c\"\n# d" },
	{ "key_no=\"1,3\", port=80\r\n", "allow", "80", "2",
	  "key_no=\"1-3\", port=80\r\n" },
	{ "port=80, key_no=1\r\n", "allow", "22", "7",
	  "port=80, key_no=1\r\nport=22, key_no=\"7\"\r\n" },
	/* Half of the last line's end is there. */
	{ "port=80, key_no=1\r\n\r", "allow", "22", "7",
	  "port=80, key_no=1\r\n\r\nport=22, key_no=\"7\"\r\n" },
	{ "port=80, key_no=1\r", "allow", "22", "7",
	  "port=80, key_no=1\r\nport=22, key_no=\"7\"\n" },
	{ "port=80, key_no=1\r\n#\r\n\\\r", "allow", "22", "7",
	  "port=80, key_no=1\r\n#\r\n\\\r\n\r\n"
	  "port=22, key_no=\"7\"\r\n" },
	/* Continued lines; what is not the list stays as it is. */
	{ "port=80, \\\n  key_no=\"1,\\\n   5\" # c\nport=81, key_no=1\n",
	  "allow", "80", "6",
	  "port=80, \\\n  key_no=\"1,5-6\" # c\nport=81, key_no=1\n" },
	/* Nothing to do: byte for byte. */
	{ "port=80, key_no=\"3,1, 2\"\n", "allow", "80", "1-3",
	  "port=80, key_no=\"3,1, 2\"\n" },
	{ "port=80, key_no=1\n", "deny", "80", "2-9", "port=80, key_no=1\n" },
	{ "port=80, key_no=1\n", "deny", "81", "1", "port=80, key_no=1\n" },
	/* To none and back; out of ANY. */
	{ "port=80, key_no=1 # web\n", "deny", "80", "0-9",
	  "port=80, key_no=\"NONE\" # web\n" },
	{ "port=80, key_no=NONE # web\n", "allow", "80", "4",
	  "port=80, key_no=\"4\" # web\n" },
	{ "port=80, key_no=ANY\n", "deny", "80", "10",
	  "port=80, key_no=\"0-9,11-65535\"\n" },
	{ "port=80, key_no=\"0-9,11-65535\"\n", "allow", "80", "10",
	  "port=80, key_no=\"ANY\"\n" },
	/* Part of a range. */
	{ "port=80-90, key_no=1 # r\n", "allow", "85", "2",
	  "port=80-84, key_no=1 # r\nport=85, key_no=\"1-2\"\n"
	  "port=86-90, key_no=\"1\"\n" },
	{ "port=80-90, key_no=1 # r", "allow", "80-81", "2",
	  "port=80-81, key_no=\"1-2\" # r\nport=82-90, key_no=\"1\"\n" },
	{ "key_no=1, port=80-90\n", "deny", "90", "1",
	  "key_no=1, port=80-89\nport=90, key_no=\"NONE\"\n" },
	{ "port=ANY, key_no=1\n", "deny", "22", "1",
	  "port=1-21, key_no=1\nport=22, key_no=\"NONE\"\n"
	  "port=23-65535, key_no=\"1\"\n" },
	{ "port=80-90, key_no=1\\", "deny", "85", "1",
	  "port=80-84, key_no=1\\\n\nport=85, key_no=\"NONE\"\n"
	  "port=86-90, key_no=\"1\"\n" },
	/* Over several lines and what is between them. */
	{ "port=80, key_no=1\nport=84, key_no=2\n", "allow", "79-85", "2",
	  "port=80, key_no=\"1-2\"\nport=84, key_no=2\n"
	  "port=79, key_no=\"2\"\nport=81-83, key_no=\"2\"\n"
	  "port=85, key_no=\"2\"\n" },
	{ "port=80, key_no=\"1,7\"\nport=84, key_no=\"7,9\"\n", "deny",
	  "1-65535", "7", "port=80, key_no=\"1\"\nport=84, key_no=\"9\"\n" },
	/* A service's name stays. */
	{ "port=www, key_no=1\n", "allow", "80", "2",
	  "port=www, key_no=\"1-2\"\n" },
};

static void
test_cases(void **state)
{
	char err[CONF_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *after = edit(cases[i].before, cases[i].verb,
					 cases[i].port, cases[i].keys, err);

		if (!after) {
			fail_msg("case %zu: %s", i, err);
		}
		if (strcmp(after, cases[i].after) != 0) {
			fail_msg("case %zu: '%s' became '%s', not '%s'", i,
				 cases[i].before, after, cases[i].after);
		}
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"port=80\n",
		"key_no=1\n",
		"port=80, key_no=1\nport=80, key_no=2\n",
		"port=80-90, key_no=1\nport=85, key_no=2\n",
		"port=70000, key_no=1\n",
		"port=80, key_no=65536\n",
		"port=80, key_no=\"1,1\"\n",
		"RULE:port=80, key_no=1\n",
		"port=80, key_no=1, x=2\n",
	};
	char err[CONF_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		err[0] = '\0';
		assert_null(edit(bad[i], "allow", "22", "1", err));
		assert_memory_equal(err, "ACL.conf:", 9);
	}
}

/* A list that no line could hold is broken up, and reads the same. */
static void
test_long_list(void **state)
{
	static char keys[65536];
	char err[CONF_ERROR_MAX];
	const char *after;
	size_t len = 0;
	char *again;

	(void)state;
	for (unsigned no = 10000; no < 18000; no += 2) {
		len += (size_t)snprintf(keys + len, sizeof keys - len, "%s%u",
					len ? "," : "", no);
	}
	after = edit("port=80, key_no=1 # all\n", "allow", "80", keys, err);
	assert_non_null(after);
	for (const char *at = after; *at; at += strcspn(at, "\n") + 1) {
		assert_true(strcspn(at, "\n") < 100);
	}
	again = strdup(after);
	after = edit(again, "deny", "80", keys, err);
	free(again);
	assert_string_equal(after, "port=80, key_no=\"1\" # all\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
