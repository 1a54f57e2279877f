/* The codec: prefixes, fields, instants, authenticator bits. */
#include "unit/support.h"

#include "protocol/frame.h"

static void
prefixes_are_a_code(void **state)
{
	const uint32_t prefixes[FRAME_MAX] = {
		0,          0x20000000, 0x40000000, 0xc0000000,
		0x80000000, 0,          0x60000000,
	};
	const uint32_t masks[FRAME_MAX] = {
		0xffffffff, 0x1fffffff, 0x1fffffff, 0x3fffffff,
		0x3fffffff, 0x1fffffff, 0x1fffffff,
	};
	uint64_t seed = 1;

	(void)state;
	for (unsigned role = FRAME_SYN0; role < FRAME_MAX; role++) {
		assert_int_equal(frame_prefix(role), prefixes[role]);
		assert_int_equal(frame_mask(role), masks[role]);
		for (int i = 0; role > 0 && i < 100; i++) {
			uint32_t payload = random_u32(&seed) & masks[role];

			assert_int_equal(
				frame_role_of(prefixes[role] | payload), role);
		}
	}
	/* Every number bears exactly one prefix. */
	for (uint32_t top = 0; top < 8; top++) {
		unsigned bearers = 0;

		for (unsigned role = FRAME_SYN1; role < FRAME_MAX; role++) {
			bearers += (top << 29 & ~masks[role]) == prefixes[role];
		}
		assert_int_equal(bearers, 1);
	}
}

static void
heads_go_both_ways(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		const struct frame_head head = {
			.flags = (uint8_t)random_below(&seed, 32),
			.key_no = (uint16_t)random_u32(&seed),
			.instant = random_u64(&seed) >> 20,
		};
		uint32_t syn1 = frame_syn1(&head);
		uint32_t syn2 = frame_syn2(&head);

		assert_int_equal(frame_role_of(syn1), FRAME_SYN1);
		assert_int_equal(frame_role_of(syn2), FRAME_SYN2);
		assert_int_equal(frame_flags(syn1), head.flags);
		assert_int_equal(frame_key_no(syn1), head.key_no);
		assert_int_equal(frame_instant(syn1, syn2, head.instant),
				 head.instant);
	}
}

static void
flags_have_five_bits(void **state)
{
	const struct frame_head head = { .flags = 0xff };

	(void)state;
	assert_int_equal(frame_syn1(&head), 0x3f000000);
}

/* The nearest second of all with these 29 bits, before or after now. */
static void
seconds_are_the_nearest(void **state)
{
	const uint64_t era = (uint64_t)1 << 29;
	const int64_t apart[] = {
		0, 1, -1, 30, -30, 86400, -86400, (1 << 28) - 1, -(1 << 28),
	};
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t now = era + random_u64(&seed) % (16 * era);

		for (size_t n = 0; n < COUNT(apart); n++) {
			uint64_t second = now + (uint64_t)apart[n];
			const struct frame_head head = {
				.instant = second << 8,
			};

			assert_int_equal(
				frame_second(frame_syn2(&head), now << 8 | 255),
				second << 8);
		}
	}
}

/* Near the epoch the nearest may be before it; then the next is taken. */
static void
seconds_never_go_below_zero(void **state)
{
	const uint64_t era = (uint64_t)1 << 29;

	(void)state;
	assert_int_equal(frame_second(0x40000000, 0), 0);
	assert_int_equal(frame_second(0x40000005, 0), 5 << 8);
	assert_int_equal(frame_second(0x5fffffff, 0), (era - 1) << 8);
	assert_int_equal(frame_second(0x5fffffff, 100 << 8), (era - 1) << 8);
	assert_int_equal(frame_second(0x5fffffff, era << 8), (era - 1) << 8);
	assert_int_equal(frame_second(0x40000000, (era - 1) << 8), era << 8);
}

static void
cut(uint32_t seq[1 + FRAME_EXTRA_MAX], uint64_t high, uint64_t low)
{
	for (unsigned i = 0; i <= FRAME_EXTRA_MAX; i++) {
		seq[i] = frame_auth(FRAME_SYN3 + i, high, low);
	}
}

static void
authenticators_are_cut_in_order(void **state)
{
	uint32_t seq[1 + FRAME_EXTRA_MAX];
	const unsigned bits[] = { 30, 30, 29, 29 };

	(void)state;
	cut(seq, 0, 0);
	assert_int_equal(seq[0], 0xc0000000);
	assert_int_equal(seq[1], 0x80000000);
	assert_int_equal(seq[2], 0x00000000);
	assert_int_equal(seq[3], 0x60000000);
	cut(seq, UINT64_MAX, UINT64_MAX);
	assert_int_equal(seq[0], 0xffffffff);
	assert_int_equal(seq[1], 0xbfffffff);
	assert_int_equal(seq[2], 0x1fffffff);
	assert_int_equal(seq[3], 0x7fffffff);
	/* Each of the 118 bits stands in its place, leftmost first. */
	for (unsigned bit = 0; bit < 128; bit++) {
		const uint64_t one = UINT64_C(1) << (63 - bit % 64);
		unsigned at = bit;

		cut(seq, bit < 64 ? one : 0, bit < 64 ? 0 : one);
		for (unsigned i = 0; i < 4; i++) {
			uint32_t mask = frame_mask(FRAME_SYN3 + i);
			uint32_t is =
				at < bits[i] ? 1u << (bits[i] - 1 - at) : 0;

			assert_int_equal(seq[i] & mask, is);
			at -= bits[i];
		}
	}
}

static void
lengths_are_four(void **state)
{
	const unsigned lengths[] = { 30, 60, 89, 118 };

	(void)state;
	for (unsigned bits = 0; bits < 200; bits++) {
		int extra = -1;

		for (unsigned i = 0; i < 4; i++) {
			extra = lengths[i] == bits ? (int)i : extra;
		}
		assert_int_equal(frame_extra_for(bits), extra);
	}
	for (unsigned extra = 0; extra < 4; extra++) {
		assert_int_equal(frame_auth_bits(extra), lengths[extra]);
	}
}

static void
instants_are_256ths(void **state)
{
	(void)state;
	assert_int_equal(frame_instant_of(0, 0), 0);
	assert_int_equal(frame_instant_of(1, 0), 256);
	assert_int_equal(frame_instant_of(1, 3906249), 256);
	assert_int_equal(frame_instant_of(1, 3906250), 257);
	assert_int_equal(frame_instant_of(7, 500000000), 7 * 256 + 128);
	assert_int_equal(frame_instant_of(7, 999999999), 7 * 256 + 255);
	assert_int_equal(frame_instant_of(1795132800, 1),
			 UINT64_C(1795132800) * 256);
	assert_int_equal(frame_instant_of(-1, 999999999), 0);
	assert_int_equal(frame_instant_of(INT64_MIN, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_a_code),
		cmocka_unit_test(heads_go_both_ways),
		cmocka_unit_test(flags_have_five_bits),
		cmocka_unit_test(seconds_are_the_nearest),
		cmocka_unit_test(seconds_never_go_below_zero),
		cmocka_unit_test(authenticators_are_cut_in_order),
		cmocka_unit_test(lengths_are_four),
		cmocka_unit_test(instants_are_256ths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
