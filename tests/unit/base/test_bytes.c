/* Cursors, numbers, hexadecimal, comparison, wiping. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const uint8_t ten[] = { 0x01, 0x23, 0x45, 0x67, 0x89,
			       0xab, 0xcd, 0xef, 0xfe, 0xdc };

static void
a_cursor_reads_big_endian(void **state)
{
	struct cursor c = cursor_over(ten, sizeof ten);

	(void)state;
	assert_int_equal(cursor_left(&c), 10);
	assert_int_equal(cursor_u8(&c), 0x01);
	assert_int_equal(cursor_u16(&c), 0x2345);
	assert_int_equal(cursor_u32(&c), 0x6789abcd);
	assert_int_equal(cursor_left(&c), 3);
	assert_ptr_equal(cursor_bytes(&c, 0), ten + 7);
	assert_ptr_equal(cursor_bytes(&c, 3), ten + 7);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.bad);
}

static void
a_cursor_stays_bad(void **state)
{
	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct cursor c = cursor_over(ten, len);

		assert_null(cursor_bytes(&c, 8));
		assert_true(c.bad);
		assert_int_equal(cursor_left(&c), len);
		assert_int_equal(cursor_u8(&c), 0);
		assert_int_equal(cursor_u16(&c), 0);
		assert_int_equal(cursor_u32(&c), 0);
		assert_null(cursor_bytes(&c, 0));
		assert_null(cursor_bytes(&c, SIZE_MAX));
	}
}

static void
a_cursor_stops_at_its_end(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof ten; len++) {
		uint8_t *exact = malloc(len ? len : 1);
		struct cursor c;

		assert_non_null(exact);
		memcpy(exact, ten, len);
		c = cursor_over(exact, len);
		for (size_t i = 0; i < len; i++) {
			assert_int_equal(cursor_u8(&c), ten[i]);
		}
		assert_false(c.bad);
		assert_int_equal(cursor_u8(&c), 0);
		assert_true(c.bad);
		c = cursor_over(exact, len);
		assert_null(cursor_bytes(&c, len + 1));
		c = cursor_over(exact, len);
		assert_null(cursor_bytes(&c, SIZE_MAX));
		free(exact);
	}
}

static void
numbers_are_stored_as_loaded(void **state)
{
	uint8_t at[8];

	(void)state;
	be16_store(at, 0xfedc);
	assert_memory_equal(at, "\xfe\xdc", 2);
	assert_int_equal(be16_load(at), 0xfedc);
	be32_store(at, 0xfedcba98);
	assert_memory_equal(at, "\xfe\xdc\xba\x98", 4);
	assert_int_equal(be32_load(at), 0xfedcba98);
	be64_store(at, 0xfedcba9876543210);
	assert_memory_equal(at, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8);
	assert_int_equal(be64_load(at), 0xfedcba9876543210);
}

static void
hex_goes_both_ways(void **state)
{
	uint8_t bytes[256];
	uint8_t again[256];
	char text[513];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)i;
	}
	hex_encode(text, bytes, sizeof bytes);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102030405060708090A0B0C", 26);
	assert_int_equal(hex_decode(again, sizeof again, text, 512), 256);
	assert_memory_equal(bytes, again, sizeof bytes);
	assert_int_equal(hex_decode(again, 4, "a1B2c3D4", 8), 4);
	assert_memory_equal(again, "\xa1\xb2\xc3\xd4", 4);
	assert_int_equal(hex_decode(again, 4, "", 0), 0);
	hex_encode(text, bytes, 0);
	assert_string_equal(text, "");
}

static void
hex_refuses(void **state)
{
	uint8_t out[4] = { 0 };

	(void)state;
	assert_int_equal(hex_decode(out, 4, "abc", 3), -1);
	assert_int_equal(hex_decode(out, 4, "0011223344", 10), -1);
	assert_int_equal(hex_decode(out, 0, "00", 2), -1);
	for (int c = -128; c < 128; c++) {
		const char pair[2][2] = { { '0', (char)c }, { (char)c, '0' } };
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
			(c >= 'A' && c <= 'F');

		assert_int_equal(hex_decode(out, 4, pair[0], 2),
				 digit ? 1 : -1);
		assert_int_equal(hex_decode(out, 4, pair[1], 2),
				 digit ? 1 : -1);
	}
}

static void
comparison_is_right(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t a = random_u32(&seed);

		assert_int_equal(ct_equal32(a, a), 1);
		assert_int_equal(ct_equal32(a, a ^ 1u << bit), 0);
		assert_int_equal(ct_equal32(0, 1u << bit), 0);
		assert_int_equal(ct_equal32(a, ~a), 0);
	}
	assert_int_equal(ct_equal32(0, 0), 1);
	assert_int_equal(ct_equal32(UINT32_MAX, UINT32_MAX), 1);
	assert_int_equal(ct_equal32(0, UINT32_MAX), 0);
}

static void
wiping_stays_within(void **state)
{
	uint8_t bytes[12];

	(void)state;
	memset(bytes, 0xaa, sizeof bytes);
	bytes_wipe(bytes + 2, 8);
	for (size_t i = 0; i < sizeof bytes; i++) {
		assert_int_equal(bytes[i], i < 2 || i >= 10 ? 0xaa : 0);
	}
	bytes_wipe(bytes, 0);
	assert_int_equal(bytes[0], 0xaa);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_reads_big_endian),
		cmocka_unit_test(a_cursor_stays_bad),
		cmocka_unit_test(a_cursor_stops_at_its_end),
		cmocka_unit_test(numbers_are_stored_as_loaded),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(hex_refuses),
		cmocka_unit_test(comparison_is_right),
		cmocka_unit_test(wiping_stays_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
