/*
 * The suites: names, lengths, and that every input counts.  What comes
 * out is held against the vectors, in test_vectors.c.
 */
#include "unit/support.h"

#include <string.h>

#include "protocol/mac.h"

static const uint8_t secret[MAC_SECRET_MAX] = "a secret of sixty-four bytes";

static void
suites_have_names(void **state)
{
	const char *names[MAC_SUITES + 1];

	(void)state;
	suite_names(names);
	assert_string_equal(names[MAC_HMAC_MD5], "hmac-md5");
	assert_string_equal(names[MAC_HMAC_SHA256], "hmac-sha256");
	assert_null(names[MAC_SUITES]);
}

/* What no row says is 0: of a suite like that no key could be made. */
static void
suites_are_described(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MAC_SUITES; i++) {
		const struct suite *suite = &suites[i];

		assert_non_null(suite->name);
		assert_in_range(suite->extra_max, 0, FRAME_EXTRA_MAX);
		assert_in_range(frame_extra_for(suite->bits), 0,
				suite->extra_max);
		assert_in_range(suite->keygen_bytes, MAC_SECRET_MIN,
				MAC_SECRET_MAX);
	}
	assert_int_equal(suites[MAC_HMAC_MD5].extra_max, 0);
	assert_int_equal(suites[MAC_HMAC_SHA256].extra_max, FRAME_EXTRA_MAX);
}

/* The tag of a group, and its frames from SYN3 on, for a key. */
static uint64_t
tag_of(const struct mac_key *key, uint16_t port, uint32_t s0, uint32_t s1,
       uint32_t s2)
{
	uint32_t seq[FRAME_MAX] = { s0, 0x20000000 | s1, 0x40000000 | s2 };
	uint64_t tag;

	mac_sign(key, port, seq, &tag);
	return tag;
}

static uint64_t
tag_with(enum mac_suite suite, size_t secret_len, const char *realm,
	 uint16_t port)
{
	struct mac_key key;

	mac_key_init(&key, suite, 0, secret, secret_len, (const uint8_t *)realm,
		     strlen(realm));
	return tag_of(&key, port, 1, 2, 3);
}

static void
every_bit_of_the_input_counts(void **state)
{
	(void)state;
	for (unsigned suite = 0; suite < MAC_SUITES; suite++) {
		struct mac_key key;
		uint64_t tag;

		mac_key_init(&key, suite, 0, secret, 16, NULL, 0);
		tag = tag_of(&key, 22, 1, 2, 3);
		for (unsigned bit = 0; bit < 32; bit++) {
			uint32_t flip = 1u << bit;

			assert_int_not_equal(tag,
					     tag_of(&key, 22, 1 ^ flip, 2, 3));
			if (bit < 29) {
				assert_int_not_equal(
					tag, tag_of(&key, 22, 1, 2 ^ flip, 3));
				assert_int_not_equal(
					tag, tag_of(&key, 22, 1, 2, 3 ^ flip));
			}
		}
		for (unsigned bit = 0; bit < 16; bit++) {
			uint16_t port = (uint16_t)(22u ^ 1u << bit);

			/* Only the papers' suite does not bind the port. */
			assert_int_equal(tag == tag_of(&key, port, 1, 2, 3),
					 suite == MAC_HMAC_MD5);
		}
	}
}

/* The mark bits of SYN1 and SYN2 are zero in the input, SYN0's are not. */
static void
marks_are_no_input(void **state)
{
	struct mac_key key;
	uint32_t seq[FRAME_MAX] = { 0xffffffff, 0x3fffffff, 0x5fffffff };
	uint32_t bare[FRAME_MAX] = { 0xffffffff, 0x1fffffff, 0x1fffffff };
	uint64_t tag;
	uint64_t bare_tag;

	(void)state;
	mac_key_init(&key, MAC_HMAC_SHA256, 3, secret, 16, NULL, 0);
	mac_sign(&key, 1, seq, &tag);
	mac_sign(&key, 1, bare, &bare_tag);
	assert_int_equal(tag, bare_tag);
	assert_memory_equal(seq + 3, bare + 3, 4 * sizeof seq[0]);
	seq[0] = 0x1fffffff;
	mac_sign(&key, 1, seq, &bare_tag);
	assert_int_not_equal(tag, bare_tag);
}

static void
secret_and_realm_count(void **state)
{
	uint64_t tag = tag_with(MAC_HMAC_SHA256, 16, "web", 80);

	(void)state;
	assert_int_equal(tag, tag_with(MAC_HMAC_SHA256, 16, "web", 80));
	assert_int_not_equal(tag, tag_with(MAC_HMAC_SHA256, 17, "web", 80));
	assert_int_not_equal(tag, tag_with(MAC_HMAC_SHA256, 64, "web", 80));
	assert_int_not_equal(tag, tag_with(MAC_HMAC_SHA256, 16, "we", 80));
	assert_int_not_equal(tag, tag_with(MAC_HMAC_SHA256, 16, "", 80));
	/* The realm's length tells it from the port behind it. */
	assert_int_not_equal(tag_with(MAC_HMAC_SHA256, 16, "ab", 0x6364),
			     tag_with(MAC_HMAC_SHA256, 16, "abcd", 0x6364));
	assert_int_not_equal(tag,
			     tag_with(MAC_HMAC_SHA256, 16,
				      "a realm of just thirty-two bytes", 80));
}

/* Only the key's frames are written, and the tag may be left out. */
static void
a_key_writes_its_own_frames(void **state)
{
	(void)state;
	for (unsigned extra = 0; extra <= FRAME_EXTRA_MAX; extra++) {
		uint32_t seq[FRAME_MAX] = { 1, 2, 3, 9, 9, 9, 9 };
		struct mac_key key;

		mac_key_init(&key, MAC_HMAC_SHA256, extra, secret, 32, NULL, 0);
		mac_sign(&key, 443, seq, NULL);
		assert_int_equal(seq[0], 1);
		assert_int_equal(seq[1], 2);
		assert_int_equal(seq[2], 3);
		for (unsigned role = FRAME_SYN3; role < FRAME_MAX; role++) {
			if (role <= FRAME_SYN3 + extra) {
				assert_int_equal(frame_role_of(seq[role]),
						 role);
			} else {
				assert_int_equal(seq[role], 9);
			}
		}
	}
}

/* A longer authenticator begins with the shorter one. */
static void
lengths_are_prefixes(void **state)
{
	uint32_t longest[FRAME_MAX] = { 5, 6, 7 };
	struct mac_key key;

	(void)state;
	mac_key_init(&key, MAC_HMAC_SHA256, 3, secret, 32, NULL, 0);
	mac_sign(&key, 443, longest, NULL);
	for (unsigned extra = 0; extra < 3; extra++) {
		uint32_t seq[FRAME_MAX] = { 5, 6, 7 };

		mac_key_init(&key, MAC_HMAC_SHA256, extra, secret, 32, NULL, 0);
		mac_sign(&key, 443, seq, NULL);
		assert_memory_equal(seq, longest,
				    (FRAME_BASE + extra) * sizeof seq[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suites_have_names),
		cmocka_unit_test(suites_are_described),
		cmocka_unit_test(every_bit_of_the_input_counts),
		cmocka_unit_test(marks_are_no_input),
		cmocka_unit_test(secret_and_realm_count),
		cmocka_unit_test(a_key_writes_its_own_frames),
		cmocka_unit_test(lengths_are_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
