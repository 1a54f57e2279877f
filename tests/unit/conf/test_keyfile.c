#include "unit/files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keyfile.h"

#define SECRET "A1949A68393EA4B339FB8A597C38DBC9"
#define SECRET64 SECRET SECRET SECRET SECRET

/* What a key of that secret has in it. */
static struct acl_key known;

static char err[CONF_ERROR_MAX];

static int
load_text(const char *text, struct key_file *keys)
{
	struct conf_file file;
	int rc;

	memset(err, 0, sizeof err);
	assert_int_equal(
		conf_open_text(&file, "server.key", text, strlen(text), err),
		0);
	rc = key_load_conf(&file, keys, err);
	conf_close(&file);
	return rc;
}

static void
load_good(const char *text, struct key_file *keys)
{
	if (load_text(text, keys) < 0) {
		fail_msg("%s", err);
	}
}

static int
setup(void **state)
{
	struct key_file keys;

	(void)state;
	load_good("key_no=10, key=0x" SECRET "\n", &keys);
	known = keys.keys[0];
	key_free(&keys);
	return 0;
}

static void
key_of_the_papers(void **state)
{
	struct key_file keys;
	const struct acl_key *key;

	(void)state;
	load_good("\n# keys\nkey_no=10, key=0x" SECRET "\n", &keys);
	assert_int_equal(keys.count, 1);
	key = &keys.keys[0];
	assert_int_equal(key->no, 10);
	assert_int_equal(key->bits, 30);
	assert_int_equal(key->mac.suite, MAC_HMAC_MD5);
	assert_int_equal(key->mac.extra, 0);
	assert_int_equal(key->line, 3);
	assert_string_equal(key->name, "");
	assert_true(key->not_before == 0 && key->not_after == UINT64_MAX);
	key_free(&keys);
	assert_null(keys.keys);
	assert_int_equal(keys.count, 0);
}

static void
key_with_all_words(void **state)
{
	struct key_file keys;
	const struct acl_key *key;

	(void)state;
	load_good(
		"name=\"Alice B.\", not_after=2027-01-01T00:00:00Z, "
		"not_before=1000000000, realm=web, auth=118, alg=hmac-sha256, "
		"key=0X" SECRET64 ", key_no=65535",
		&keys);
	key = &keys.keys[0];
	assert_int_equal(key->no, 65535);
	assert_int_equal(key->bits, 118);
	assert_int_equal(key->mac.suite, MAC_HMAC_SHA256);
	assert_int_equal(key->mac.extra, 3);
	assert_int_equal(key->mac.realm_len, 3);
	assert_memory_equal(key->mac.realm, "web", 3);
	assert_string_equal(key->name, "Alice B.");
	assert_true(key->not_before == 1000000000ull << 8);
	assert_true(key->not_after == 1798761600ull << 8);
	key_free(&keys);
}

static void
key_lengths_of_authenticators(void **state)
{
	static const struct {
		const char *words;
		unsigned bits, extra;
	} good[] = {
		{ "alg=hmac-md5", 30, 0 },
		{ "alg=hmac-md5, auth=30", 30, 0 },
		{ "alg=hmac-sha256", 60, 1 },
		{ "alg=hmac-sha256, auth=30", 30, 0 },
		{ "alg=hmac-sha256, auth=60", 60, 1 },
		{ "alg=hmac-sha256, auth=89", 89, 2 },
		{ "alg=hmac-sha256, auth=118", 118, 3 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct key_file keys;
		char text[256];

		snprintf(text, sizeof text, "key_no=1, key=0x" SECRET ", %s",
			 good[i].words);
		load_good(text, &keys);
		assert_int_equal(keys.keys[0].bits, good[i].bits);
		assert_int_equal(keys.keys[0].mac.extra, good[i].extra);
		key_free(&keys);
	}
}

static void
key_realms(void **state)
{
	struct key_file keys;

	(void)state;
	load_good("key_no=1, key=0x" SECRET ", alg=hmac-sha256, realm=0x00Ff",
		  &keys);
	assert_int_equal(keys.keys[0].mac.realm_len, 2);
	assert_memory_equal(keys.keys[0].mac.realm, "\0\xff", 2);
	key_free(&keys);
	load_good("key_no=1, key=0x" SECRET ", alg=hmac-sha256, realm=" SECRET,
		  &keys);
	assert_int_equal(keys.keys[0].mac.realm_len, 32);
	key_free(&keys);
}

static void
key_files_of_many(void **state)
{
	char *text = malloc(100 * 1000);
	struct key_file keys;
	size_t at = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < 1000; i++) {
		at += (size_t)sprintf(
			text + at, "key_no=%u, key=0x" SECRET "\n", 1000 - i);
	}
	load_good(text, &keys);
	assert_int_equal(keys.count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(keys.keys[i].no, 1000 - i);
		assert_int_equal(keys.keys[i].line, i + 1);
		assert_memory_equal(&keys.keys[i].mac, &known.mac,
				    sizeof known.mac);
	}
	key_free(&keys);
	free(text);
}

#define GOOD "key_no=1, key=0x" SECRET "\n"
#define NAME63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text;
	unsigned line;
	const char *why;
} bad[] = {
	{ "", 0, "no key in it" },
	{ "# nothing\n", 0, "no key in it" },
	{ "key_no=1", 1, "key is missing" },
	{ "key=0x" SECRET, 1, "key_no is missing" },
	{ "name=a", 1, "key_no is missing" },
	{ GOOD "RULE:key_no=2, key=0x" SECRET, 2, "no rules" },
	{ GOOD "\n" GOOD, 3, "key_no 1 stands in line 1 already" },
	{ GOOD "key_no=2 key=0x" SECRET, 2,
	  "key_no: comma expected before 'key=...'" },
	{ GOOD "key_no=0x" SECRET ", key=0x" SECRET, 2,
	  "key_no: not a number (value withheld); is a comma missing?" },
	{ GOOD "key_no=2, key=0x" SECRET ", name=bob not_after=2030-01-01", 2,
	  "name: comma expected before 'not_after=2030-01-01'" },
	{ GOOD "key_no=2, 0x" SECRET, 2, "is not name=value" },
	{ GOOD "key_no=2, key=0x" SECRET ", port=1", 2, "unknown word 'port'" },
	{ "key_no=65536, key=0x" SECRET, 1, "key_no: 65536 out of range" },
	{ "key_no=-1, key=0x" SECRET, 1, "key_no: '-1' is not a number" },
	{ "key_no=0x1, key=0x" SECRET, 1, "key_no: '0x1' is not a number" },
	{ "key_no=1, key=" SECRET, 1, "key: must begin with 0x" },
	{ "key_no=1, key=0x", 1, "key: 0 bytes long; a key has 16 to 64" },
	{ "key_no=1, key=0x" SECRET "0", 1, "key: odd number" },
	{ "key_no=1, key=0xA1949A68393EA4B339FB8A597C38DB", 1,
	  "key: 15 bytes long" },
	{ "key_no=1, key=0x" SECRET64 "00", 1, "key: 65 bytes long" },
	{ "key_no=1, key=0xg1949A68393EA4B339FB8A597C38DBC9", 1,
	  "key: holds what is no hexadecimal digit" },
	{ "key_no=1, key=0x" SECRET "  0x" SECRET, 1, "key: " },
	{ "key_no=1, key=0x" SECRET ", alg=md5", 1, "alg: 'md5' is none of" },
	{ "key_no=1, key=0x" SECRET ", auth=31", 1,
	  "auth: 31 bits; possible are 30, 60, 89, 118" },
	{ "key_no=1, key=0x" SECRET ", auth=0", 1, "auth: 0 bits" },
	{ "key_no=1, key=0x" SECRET ", auth=65596", 1, "auth: " },
	{ "key_no=1, key=0x" SECRET ", auth=60", 1,
	  "auth: hmac-md5 has no 60 bits" },
	{ "key_no=1, key=0x" SECRET ", realm=web", 1,
	  "realm: hmac-md5 has none" },
	{ "key_no=1, key=0x" SECRET ", alg=hmac-sha256, realm=0x1", 1,
	  "realm: " },
	{ "key_no=1, key=0x" SECRET ", alg=hmac-sha256, realm=0xzz", 1,
	  "realm: " },
	{ "key_no=1, key=0x" SECRET ", alg=hmac-sha256, realm=0x" SECRET SECRET
	  "00",
	  1, "realm: not up to 32 bytes" },
	{ "key_no=1, key=0x" SECRET ", alg=hmac-sha256, realm=" SECRET "x", 1,
	  "realm: longer than 32 bytes" },
	{ "key_no=1, key=0x" SECRET ", name=" NAME63 "a", 1,
	  "name: longer than 63 bytes" },
	{ "key_no=1, key=0x" SECRET ", name=a\x1b[31m", 1, "name: control" },
	{ "key_no=1, key=0x" SECRET ", name=a\\b", 1, "name: control" },
	{ "key_no=1, key=0x" SECRET ", not_after=soon", 1,
	  "not_after: 'soon' is no time" },
	{ "key_no=1, key=0x" SECRET ", not_before=2027-02-30", 1,
	  "not_before: " },
	{ "key_no=1, key=0x" SECRET ", not_after=0", 1,
	  "not_after: not later" },
	{ "key_no=1, key=0x" SECRET
	  ", not_before=200000000, not_after=200000000",
	  1, "not_after: not later" },
	{ "key_no=1, key=0x" SECRET ", key=0x" SECRET, 1,
	  "duplicate option 'key'" },
};

static void
key_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct key_file keys;

		if (load_text(bad[i].text, &keys) != -1) {
			fail_msg("'%s' not refused", bad[i].text);
		}
		assert_null(keys.keys);
		assert_int_equal(keys.count, 0);
		check_error(err, "server.key", bad[i].line, bad[i].why);
		check_no_secret(err, SECRET);
	}
}

/* The last key before the fault is the one that could be forgotten. */
static void
key_refuses_behind_good_ones(void **state)
{
	(void)state;
	for (unsigned good = 0; good < 40; good++) {
		struct key_file keys;
		char text[8192] = "";
		size_t at = 0;

		for (unsigned i = 0; i < good; i++) {
			at += (size_t)sprintf(
				text + at, "key_no=%u, key=0x" SECRET "\n", i);
		}
		sprintf(text + at,
			"key_no=0, key=0x" SECRET "\n"
			"key_no=0, key=0x" SECRET);
		assert_int_equal(load_text(text, &keys), -1);
		check_error(err, "server.key", good ? good + 1 : 2,
			    "key_no 0 stands in line 1 already");
	}
}

static void
key_loads_files(void **state)
{
	struct key_file keys;
	struct scratch s;

	(void)state;
	scratch_open(&s, GOOD, 0600);
	assert_int_equal(key_load(s.path, &keys, err), 0);
	assert_int_equal(keys.count, 1);
	key_free(&keys);
	scratch_close(&s);
	scratch_open(&s, GOOD, 0640);
	assert_int_equal(key_load(s.path, &keys, err), -1);
	check_error(err, s.path, 0, "chmod 600");
	assert_null(keys.keys);
	scratch_close(&s);
	assert_int_equal(key_load("/nonexistent", &keys, err), -1);
	check_error(err, "/nonexistent", 0, "No such file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_of_the_papers),
		cmocka_unit_test(key_with_all_words),
		cmocka_unit_test(key_lengths_of_authenticators),
		cmocka_unit_test(key_realms),
		cmocka_unit_test(key_files_of_many),
		cmocka_unit_test(key_refuses),
		cmocka_unit_test(key_refuses_behind_good_ones),
		cmocka_unit_test(key_loads_files),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
