/* The words of the two ends: what is taken for one, and what is refused. */
#include "unit/support.h"

#include <string.h>

#include "base/bytes.h"
#include "probe_path/messages.h"

static struct mac_key
key_of(const char *secret)
{
	struct mac_key key;

	mac_key_init(&key, MAC_HMAC_SHA256, 0, (const uint8_t *)secret, 16,
		     NULL, 0);
	return key;
}

static void
takes_lengths_in_their_bounds(void **state)
{
	static const struct {
		enum path_talk_type type;
		size_t min, max;
	} lengths[] = {
		{ PATH_TALK_HELLO, 29, 29 },
		{ PATH_TALK_WELCOME, 19, 19 },
		{ PATH_TALK_PROOF, 32, 32 },
		{ PATH_TALK_ASK, 8, 8 },
		{ PATH_TALK_CLOCK, 24, 24 },
		{ PATH_TALK_PLAN, 1, PATH_TALK_PLAN_MAX },
		{ PATH_TALK_READY, 0, 0 },
		{ PATH_TALK_SEEN, 10, PATH_TALK_SMALL_MAX },
		{ PATH_TALK_END, 0, 0 },
		{ PATH_TALK_DONE, 4, 4 },
		{ PATH_TALK_REFUSED, 1, 1 },
	};
	static uint8_t bytes[PATH_TALK_HEADER + PATH_TALK_PLAN_MAX];
	struct path_talk m;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		size_t max = lengths[i].max;
		size_t min = lengths[i].min;

		path_talk_header(bytes, lengths[i].type, max);
		assert_int_equal(path_talk_parse(&m, bytes, sizeof bytes),
				 PATH_TALK_HEADER + max);
		assert_int_equal(m.type, lengths[i].type);
		assert_int_equal(m.len, max);
		assert_int_equal(
			path_talk_parse(&m, bytes, PATH_TALK_HEADER + max - 1),
			0);
		path_talk_header(bytes, lengths[i].type, max + 1);
		assert_int_equal(path_talk_parse(&m, bytes, sizeof bytes), -1);
		/* Known by its header alone. */
		assert_int_equal(path_talk_parse(&m, bytes, 4), -1);
		if (min > 0) {
			path_talk_header(bytes, lengths[i].type, min - 1);
			assert_int_equal(path_talk_parse(&m, bytes, 4), -1);
		}
	}
}

static void
knows_strangers_by_a_byte(void **state)
{
	struct path_talk m;

	(void)state;
	for (unsigned n = 0; n < 256; n++) {
		uint8_t byte = (uint8_t)n;

		assert_int_equal(path_talk_parse(&m, &byte, 1),
				 n == 0 || n >= PATH_TALK_TYPES ? -1 : 0);
	}
	assert_int_equal(path_talk_parse(&m, NULL, 0), 0);
}

static void
greets(void **state)
{
	struct path_talk_hello sent = { .version = 7,
					.has_key = true,
					.key_no = 0x1234,
					.nonce = { 1, 2, [15] = 9 } };
	struct path_talk_hello got;
	uint8_t body[PATH_TALK_SMALL_MAX];
	struct path_talk m = { PATH_TALK_HELLO, body, 0 };

	(void)state;
	m.len = path_talk_put_hello(body, &sent);
	assert_int_equal(path_talk_get_hello(&got, &m), 0);
	assert_int_equal(got.version, 7);
	assert_int_equal(got.key_no, 0x1234);
	assert_true(got.has_key);
	assert_memory_equal(got.nonce, sent.nonce, PATH_TALK_NONCE);
	assert_int_equal(path_talk_get_welcome(&got, &m), -1);
	body[0] ^= 1;
	assert_int_equal(path_talk_get_hello(&got, &m), -1);
	m.type = PATH_TALK_WELCOME;
	m.len = path_talk_put_welcome(body, &sent);
	assert_int_equal(path_talk_get_welcome(&got, &m), 0);
	assert_int_equal(got.version, 7);
	assert_true(got.has_key);
	assert_memory_equal(got.nonce, sent.nonce, PATH_TALK_NONCE);
}

/* A proof is one side's, of one key, for two nonces. */
static void
proves(void **state)
{
	struct mac_key key = key_of("sixteen bytes...");
	struct mac_key other = key_of("sixteen bytes..,");
	const uint8_t a[PATH_TALK_NONCE] = { 1 };
	const uint8_t b[PATH_TALK_NONCE] = { 2 };
	uint8_t proofs[6][MAC_PROOF_BYTES];

	(void)state;
	path_talk_prove(proofs[0], PATH_TALK_NEAR, &key, a, b);
	path_talk_prove(proofs[1], PATH_TALK_FAR, &key, a, b);
	path_talk_prove(proofs[2], PATH_TALK_NEAR, &other, a, b);
	path_talk_prove(proofs[3], PATH_TALK_NEAR, &key, b, a);
	path_talk_prove(proofs[4], PATH_TALK_NEAR, &key, a, a);
	path_talk_prove(proofs[5], PATH_TALK_NEAR, &key, b, b);
	for (size_t i = 0; i < COUNT(proofs); i++) {
		for (size_t k = i + 1; k < COUNT(proofs); k++) {
			assert_memory_not_equal(proofs[i], proofs[k],
						MAC_PROOF_BYTES);
		}
	}
	path_talk_prove(proofs[1], PATH_TALK_NEAR, &key, a, b);
	assert_memory_equal(proofs[0], proofs[1], MAC_PROOF_BYTES);
}

static void
compares_clocks(void **state)
{
	static const struct {
		struct path_talk_times times;
		int64_t skew;
		uint64_t delay;
	} cases[] = {
		{ { 100, 110, 110, 120 }, 0, 20 },
		{ { 100, 1110, 1120, 130 }, 1000, 20 },
		{ { 1000, 110, 120, 1030 }, -900, 20 },
		{ { 0, 0, 0, 0 }, 0, 0 },
		/* Nonsense: no more than a number. */
		{ { 10, 0, UINT64_MAX, 20 }, -15, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t skew = path_talk_skew(&cases[i].times);

		assert_true(skew - cases[i].skew <= 1 &&
			    cases[i].skew - skew <= 1);
		assert_true(path_talk_delay(&cases[i].times) ==
				    cases[i].delay ||
			    i == 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_lengths_in_their_bounds),
		cmocka_unit_test(knows_strangers_by_a_byte),
		cmocka_unit_test(greets),
		cmocka_unit_test(proves),
		cmocka_unit_test(compares_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
