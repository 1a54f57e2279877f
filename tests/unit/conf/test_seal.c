/* SPDX-License-Identifier: ISC */
/* The sealed file: RFC vectors, and every way to break one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "conf/seal.h"

#define TEXT "RULE:dst_host=192.0.2.1, dst_port=22, key_no=10\n"
#define TEXT_LEN (sizeof TEXT - 1)
/* Fewer than any real file has, for many tries in little time. */
#define ITERATIONS 2u
#define SEALED_LEN (SEAL_HEADER + TEXT_LEN + SEAL_TAG)

static uint8_t sealed[SEALED_LEN];

static void
expect_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[256];

	hex_encode(text, bytes, len);
	assert_string_equal(text, hex);
}

/* RFC 7914, section 11. */
static void
test_pbkdf2_one_iteration(void **state)
{
	uint8_t out[64];

	(void)state;
	seal_pbkdf2(out, sizeof out, "passwd", 6, "salt", 4, 1);
	expect_hex(out, sizeof out,
		   "55AC046E56E3089FEC1691C22544B605"
		   "F94185216DDE0465E68B9D57C20DACBC"
		   "49CA9CCCF179B645991664B39D77EF31"
		   "7C71B845B1E30BD509112041D3A19783");
}

static void
test_pbkdf2_many_iterations(void **state)
{
	uint8_t out[64];

	(void)state;
	seal_pbkdf2(out, sizeof out, "Password", 8, "NaCl", 4, 80000);
	expect_hex(out, sizeof out,
		   "4DDCD8F60B98BE21830CEE5EF22701F9"
		   "641A4418D04C0414AEFF08876B34AB56"
		   "A1D425A1225833549ADB841B51C9B317"
		   "6A272BDEBBA1D078478F62B397F33C8D");
}

/* A length that is no multiple of the hash's is the longer one's start. */
static void
test_pbkdf2_lengths(void **state)
{
	uint8_t whole[64];
	uint8_t part[64];

	(void)state;
	seal_pbkdf2(whole, sizeof whole, "p", 1, "s", 1, 3);
	for (size_t len = 1; len <= sizeof part; len++) {
		seal_pbkdf2(part, len, "p", 1, "s", 1, 3);
		assert_memory_equal(part, whole, len);
	}
}

static int
make(void **state)
{
	static const uint8_t salt[SEAL_SALT] = "0123456789abcde";
	static const uint8_t nonce[SEAL_NONCE] = "ABCDEFGHIJK";

	(void)state;
	seal_make(sealed, (const uint8_t *)TEXT, TEXT_LEN, "open sesame", 11,
		  ITERATIONS, salt, nonce);
	return 0;
}

static enum seal_result
open_with(const uint8_t *bytes, size_t len, const char *passphrase,
	  uint8_t *out)
{
	struct seal seal;
	enum seal_result result = seal_parse(&seal, bytes, len);

	if (result != SEAL_OK && result != SEAL_ITERATIONS) {
		return result;
	}
	/* A flipped bit can make it a count that takes seconds. */
	if (seal.iterations > 1000) {
		seal.iterations = 1000;
	}
	return seal_open(&seal, passphrase, strlen(passphrase), out);
}

static void
test_round_trip(void **state)
{
	uint8_t out[SEALED_LEN];

	(void)state;
	assert_int_equal(open_with(sealed, sizeof sealed, "open sesame", out),
			 SEAL_OK);
	assert_memory_equal(out, TEXT, TEXT_LEN);
}

static void
test_text_is_not_in_it(void **state)
{
	(void)state;
	for (size_t at = 0; at + 8 <= sizeof sealed; at++) {
		assert_memory_not_equal(sealed + at, "dst_host", 8);
	}
}

static void
test_wrong_passphrase(void **state)
{
	static const char *const wrong[] = { "", "open sesam", "open sesame ",
					     "Open sesame" };
	uint8_t zeros[TEXT_LEN] = { 0 };
	uint8_t out[SEALED_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		memset(out, 0xAA, sizeof out);
		assert_int_equal(
			open_with(sealed, sizeof sealed, wrong[i], out),
			SEAL_WRONG);
		assert_memory_equal(out, zeros, TEXT_LEN);
	}
}

static void
test_flipped_bits(void **state)
{
	uint8_t bytes[SEALED_LEN];
	uint8_t out[SEALED_LEN];

	(void)state;
	for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
		memcpy(bytes, sealed, sizeof bytes);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(
			open_with(bytes, sizeof bytes, "open sesame", out),
			SEAL_OK);
	}
}

/* As files have it: through the bounds of the iteration count. */
static void
test_real_file(void **state)
{
	static const uint8_t salt[SEAL_SALT] = { 1 };
	static const uint8_t nonce[SEAL_NONCE] = { 2 };
	uint8_t bytes[SEALED_LEN];
	uint8_t out[TEXT_LEN];
	struct seal seal;

	(void)state;
	seal_make(bytes, (const uint8_t *)TEXT, TEXT_LEN, "p", 1,
		  SEAL_ITERATIONS_MIN, salt, nonce);
	assert_int_equal(seal_parse(&seal, bytes, sizeof bytes), SEAL_OK);
	assert_int_equal(seal_open(&seal, "p", 1, out), SEAL_OK);
	assert_memory_equal(out, TEXT, TEXT_LEN);
}

static void
test_every_length(void **state)
{
	uint8_t longer[SEALED_LEN + 1];
	struct seal seal;

	(void)state;
	for (size_t len = 0; len < sizeof sealed; len++) {
		uint8_t *cut = malloc(len + 1);
		enum seal_result result;

		assert_non_null(cut);
		memcpy(cut, sealed, len);
		result = seal_parse(&seal, cut, len);
		assert_int_equal(result,
				 len < SEAL_MAGIC_BYTES ? SEAL_NONE
							: SEAL_SHORT);
		free(cut);
	}
	memcpy(longer, sealed, sizeof sealed);
	longer[sizeof sealed] = 0;
	assert_int_equal(seal_parse(&seal, longer, sizeof longer), SEAL_LONG);
}

static void
test_bounds_of_iterations(void **state)
{
	static const struct {
		uint32_t iterations;
		enum seal_result result;
	} cases[] = {
		{ 0, SEAL_ITERATIONS },
		{ SEAL_ITERATIONS_MIN - 1, SEAL_ITERATIONS },
		{ SEAL_ITERATIONS_MIN, SEAL_OK },
		{ SEAL_ITERATIONS_MAX, SEAL_OK },
		{ SEAL_ITERATIONS_MAX + 1, SEAL_ITERATIONS },
		{ UINT32_MAX, SEAL_ITERATIONS },
	};
	uint8_t bytes[SEALED_LEN];
	struct seal seal;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(bytes, sealed, sizeof bytes);
		be32_store(bytes + 8, cases[i].iterations);
		assert_int_equal(seal_parse(&seal, bytes, sizeof bytes),
				 cases[i].result);
	}
}

static void
test_claimed_lengths(void **state)
{
	static const struct {
		uint32_t len;
		enum seal_result result;
	} cases[] = {
		{ 0, SEAL_LONG },
		{ TEXT_LEN - 1, SEAL_LONG },
		{ TEXT_LEN + 1, SEAL_SHORT },
		{ SEAL_BOX_MAX, SEAL_SHORT },
		{ SEAL_BOX_MAX + 1, SEAL_TOO_LARGE },
		{ UINT32_MAX, SEAL_TOO_LARGE },
	};
	uint8_t bytes[SEALED_LEN];
	struct seal seal;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(bytes, sealed, sizeof bytes);
		be32_store(bytes + 12, cases[i].len);
		assert_int_equal(seal_parse(&seal, bytes, sizeof bytes),
				 cases[i].result);
	}
}

static void
test_results_have_words(void **state)
{
	(void)state;
	for (int i = SEAL_OK; i <= SEAL_WRONG; i++) {
		assert_true(strlen(seal_result_text((enum seal_result)i)) > 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pbkdf2_one_iteration),
		cmocka_unit_test(test_pbkdf2_many_iterations),
		cmocka_unit_test(test_pbkdf2_lengths),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_text_is_not_in_it),
		cmocka_unit_test(test_wrong_passphrase),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_real_file),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_bounds_of_iterations),
		cmocka_unit_test(test_claimed_lengths),
		cmocka_unit_test(test_results_have_words),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}
