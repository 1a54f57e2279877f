/* SipHash-2-4 against its authors' vectors. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

/* Key 00 01 .. 0f; inputs of 0 to 15 bytes, 00 01 02 and so on. */
static const uint64_t reference[16] = {
	0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
	0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
	0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462,
	0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
	0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee,
	0xa129ca6149be45e5,
};

static const struct hash_key key = {
	.k0 = 0x0706050403020100,
	.k1 = 0x0f0e0d0c0b0a0908,
};

static void
agrees_with_the_vectors(void **state)
{
	(void)state;
	for (size_t len = 0; len < COUNT(reference); len++) {
		uint8_t *input = malloc(len ? len : 1);

		assert_non_null(input);
		for (size_t i = 0; i < len; i++) {
			input[i] = (uint8_t)i;
		}
		assert_int_equal(hash_bytes(&key, input, len), reference[len]);
		free(input);
	}
}

static void
each_bit_and_each_length_counts(void **state)
{
	uint8_t input[40] = { 0 };
	uint64_t seen[41 + 320];
	size_t count = 0;

	(void)state;
	for (size_t len = 0; len <= sizeof input; len++) {
		seen[count++] = hash_bytes(&key, input, len);
	}
	for (size_t bit = 0; bit < 320; bit++) {
		input[bit / 8] ^= (uint8_t)(1u << bit % 8);
		seen[count++] = hash_bytes(&key, input, sizeof input);
		input[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(seen[i], seen[j]);
		}
	}
}

static void
the_key_counts(void **state)
{
	const struct hash_key other = { key.k0, key.k1 ^ 1 };
	const struct hash_key another = { key.k0 ^ 1, key.k1 };

	(void)state;
	assert_int_not_equal(hash_bytes(&key, "", 0),
			     hash_bytes(&other, "", 0));
	assert_int_not_equal(hash_bytes(&key, "", 0),
			     hash_bytes(&another, "", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_vectors),
		cmocka_unit_test(each_bit_and_each_length_counts),
		cmocka_unit_test(the_key_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
