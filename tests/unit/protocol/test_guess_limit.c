/* The buckets of guesses: a burst, one a second, each address its own. */
#include "unit/support.h"

#include <stdlib.h>

#include "protocol/guess_limit.h"

static struct guess *g;
static const struct hash_key hash = { 5, 6 };

static int
setup(void **state)
{
	(void)state;
	g = malloc(sizeof *g);
	assert_non_null(g);
	guess_init(g, &hash);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(g);
	return 0;
}

static void
a_burst_and_one_a_second(void **state)
{
	const struct packet_addr addr = addr4(1);
	uint64_t ms = 1000000;

	(void)state;
	for (unsigned i = 0; i < GUESS_BURST; i++) {
		assert_true(guess_allows(g, &addr, ms, 1));
		guess_charge(g, &addr, ms, 1);
	}
	assert_false(guess_allows(g, &addr, ms, 1));
	assert_false(guess_allows(g, &addr, ms + GUESS_REFILL_MS - 1, 1));
	for (unsigned i = 1; i < 100; i++) {
		ms += GUESS_REFILL_MS;
		assert_true(guess_allows(g, &addr, ms, 1));
		assert_false(guess_allows(g, &addr, ms, 2));
		guess_charge(g, &addr, ms, 1);
		assert_false(guess_allows(g, &addr, ms, 1));
	}
}

/* However often it is asked, a second earns one guess: none get lost. */
static void
asking_neither_earns_nor_costs(void **state)
{
	const struct packet_addr addr = addr4(1);

	(void)state;
	guess_charge(g, &addr, 0, GUESS_BURST);
	for (uint64_t ms = 0; ms < 10000; ms += 7) {
		assert_int_equal(
			guess_allows(g, &addr, ms, (unsigned)(ms / 1000)),
			true);
		assert_false(
			guess_allows(g, &addr, ms, (unsigned)(ms / 1000) + 1));
	}
}

static void
tokens_are_capped(void **state)
{
	const struct packet_addr addr = addr4(1);

	(void)state;
	assert_true(guess_allows(g, &addr, 5, GUESS_BURST));
	assert_false(guess_allows(g, &addr, 5, GUESS_BURST + 1));
	guess_charge(g, &addr, 5, 3);
	assert_false(guess_allows(g, &addr, 5, GUESS_BURST - 2));
	assert_true(guess_allows(g, &addr, 5, GUESS_BURST - 3));
	assert_true(guess_allows(g, &addr, UINT64_MAX / 2, GUESS_BURST));
	assert_false(guess_allows(g, &addr, UINT64_MAX / 2, GUESS_BURST + 1));
	guess_charge(g, &addr, UINT64_MAX / 2, 1000);
	assert_false(guess_allows(g, &addr, UINT64_MAX / 2, 1));
}

static void
addresses_are_apart(void **state)
{
	const struct packet_addr a = addr4(1);
	const struct packet_addr b = addr4(2);
	const struct packet_addr six = addr6(1, 1);
	const struct packet_addr same = addr6(1, UINT64_MAX);
	const struct packet_addr other = addr6(2, 1);

	(void)state;
	guess_charge(g, &a, 1, GUESS_BURST);
	assert_false(guess_allows(g, &a, 1, 1));
	assert_true(guess_allows(g, &b, 1, GUESS_BURST));
	guess_charge(g, &six, 1, GUESS_BURST);
	assert_false(guess_allows(g, &same, 1, 1));
	assert_true(guess_allows(g, &other, 1, GUESS_BURST));
}

/* A set that is full gives up the bucket that was charged longest ago. */
static void
the_stalest_gives_way(void **state)
{
	struct packet_addr addrs[GUESS_WAYS + 1];
	size_t count = 0;

	(void)state;
	for (uint32_t i = 0; count < COUNT(addrs); i++) {
		const struct packet_addr addr = addr4(i);

		if (hash_bytes(&hash, &addr, sizeof addr) % GUESS_SETS == 0) {
			addrs[count++] = addr;
		}
	}
	for (size_t stalest = 0; stalest < GUESS_WAYS; stalest++) {
		guess_init(g, &hash);
		for (size_t i = 0; i < GUESS_WAYS; i++) {
			guess_charge(g, &addrs[i], i == stalest ? 1 : 2 + i,
				     GUESS_BURST);
		}
		guess_charge(g, &addrs[GUESS_WAYS], 10, GUESS_BURST);
		for (size_t i = 0; i <= GUESS_WAYS; i++) {
			assert_int_equal(guess_allows(g, &addrs[i], 10, 1),
					 i == stalest);
		}
	}
}

/* To be pushed out gains one group's guesses, and not a full bucket. */
static void
pushed_out_is_not_filled_anew(void **state)
{
	struct packet_addr addrs[GUESS_WAYS + 1];
	size_t count = 0;
	unsigned guesses = 0;

	(void)state;
	for (uint32_t i = 0; count < COUNT(addrs); i++) {
		const struct packet_addr addr = addr4(i);

		if (hash_bytes(&hash, &addr, sizeof addr) % GUESS_SETS == 0) {
			addrs[count++] = addr;
		}
	}
	for (size_t i = 0; i < count; i++) {
		guess_charge(g, &addrs[i], 1 + i, GUESS_BURST);
	}
	for (unsigned round = 0; round < 100; round++) {
		for (; guess_allows(g, &addrs[0], 10 + round, 1); guesses++) {
			guess_charge(g, &addrs[0], 10 + round, 1);
		}
		for (size_t i = 1; i < count; i++) {
			guess_charge(g, &addrs[i], 10 + round, GUESS_BURST);
		}
	}
	assert_int_equal(guesses, 100);
}

/* More addresses than buckets: the stalest give way, nothing breaks. */
static void
a_full_table_goes_on(void **state)
{
	const uint32_t many = 2 * GUESS_SETS * GUESS_WAYS;
	unsigned kept = 0;

	(void)state;
	for (uint32_t i = 0; i < many; i++) {
		const struct packet_addr addr = addr4(i);

		guess_charge(g, &addr, 100 + i / 1000, GUESS_BURST);
		assert_false(guess_allows(g, &addr, 100 + i / 1000, 1));
	}
	for (uint32_t i = 0; i < many; i++) {
		const struct packet_addr addr = addr4(i);

		kept += !guess_allows(g, &addr, 100 + many / 1000, 1);
	}
	assert_true(kept <= GUESS_SETS * GUESS_WAYS);
	assert_true(kept > GUESS_SETS * GUESS_WAYS * 9 / 10);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_burst_and_one_a_second),
		T(asking_neither_earns_nor_costs),
		T(tokens_are_capped),
		T(addresses_are_apart),
		T(the_stalest_gives_way),
		T(a_full_table_goes_on),
		T(pushed_out_is_not_filled_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
