/* The limit of guesses: a burst, one a second, each address its own. */
#include "unit/support.h"

#include <stdlib.h>

#include "protocol/guess_limit.h"

static struct guess table, small;
static struct guess *const g = &table;
static void *memory;
static uint64_t seed;
static const struct hash_key hash = { 5, 6 };

static int
setup(void **state)
{
	(void)state;
	seed = 20261201;
	memory = calloc(1, guess_size(GUESS_CELLS));
	assert_non_null(memory);
	guess_init(g, memory, GUESS_CELLS, &hash);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(memory);
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

/* The level of the emptier cell counts, and both rise to it. */
static void
sharing_makes_it_only_stricter(void **state)
{
	struct packet_addr addrs[2000];
	unsigned charged[COUNT(addrs)] = { 0 };

	(void)state;
	guess_init(&small, memory, 64, &hash);
	for (uint32_t i = 0; i < COUNT(addrs); i++) {
		addrs[i] = addr4(random_u32(&seed));
	}
	for (unsigned n = 0; n < 4 * COUNT(addrs); n++) {
		unsigned i = random_below(&seed, COUNT(addrs));
		unsigned wrong = 1 + random_below(&seed, 3);

		guess_charge(&small, &addrs[i], 1000, wrong);
		charged[i] += wrong;
		if (charged[i] <= GUESS_BURST) {
			assert_false(
				guess_allows(&small, &addrs[i], 1000,
					     GUESS_BURST + 1 - charged[i]));
		}
	}
}

/* Nobody else's cells are touched but those that are shared. */
static void
of_few_none_shares_both_cells(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		const struct packet_addr addr = addr4(random_u32(&seed));

		guess_charge(g, &addr, 1000, GUESS_BURST);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		const struct packet_addr addr = addr6(random_u32(&seed), 1);

		assert_true(guess_allows(g, &addr, 1000, GUESS_BURST));
	}
}

/* What another hash left, or anything at all, is gone within a minute. */
static void
memory_heals(void **state)
{
	const uint64_t ms = 5000000;
	size_t full = 0;

	(void)state;
	for (size_t i = 0; i < guess_size(GUESS_CELLS) / 4; i++) {
		g->cells[i] = random_u32(&seed);
	}
	for (uint32_t i = 0; i < 10000; i++) {
		const struct packet_addr addr = addr4(i);

		full += !guess_allows(g, &addr, ms, GUESS_BURST);
		assert_true(guess_allows(g, &addr,
					 ms + GUESS_BURST * GUESS_REFILL_MS,
					 GUESS_BURST) ||
			    i % 100 == 0);
	}
	assert_true(full < 10);
}

/* ---- a million forged groups a second, each from another address */

/*
 * Who guesses by an address of his own while he does that has no more than
 * his own guesses; and a holder's address has all of its own.
 */
static void
a_flood_of_addresses_buys_no_guess(void **state)
{
	const struct packet_addr own = addr4(0xc6336407);
	const uint64_t begin = 77000000;
	const bool is_short = property_steps(1000000) < 100000;
	const unsigned a_ms = is_short ? 20 : 1000;
	const unsigned seconds = 5;
	unsigned guesses = 0, holders = 0;

	(void)state;
	for (uint64_t ms = begin; ms < begin + seconds * 1000; ms++) {
		for (unsigned i = 0; i < a_ms; i++) {
			const struct packet_addr addr =
				addr4(random_u32(&seed));

			guess_charge(g, &addr, ms, 1);
		}
		if (guess_allows(g, &own, ms, 1)) {
			guess_charge(g, &own, ms, 1);
			guesses++;
		}
	}
	for (unsigned i = 0; i < 10000; i++) {
		const struct packet_addr addr = addr4(random_u32(&seed));

		/* All but what a moment takes to be forgotten. */
		holders += guess_allows(g, &addr, begin + seconds * 1000,
					GUESS_BURST / 2);
	}
	print_message("%u guesses, %u of 10000 holders\n", guesses, holders);
	assert_in_range(guesses, 1, GUESS_BURST + seconds);
	assert_int_equal(holders, 10000);
}

/* The worst: as many addresses as can be are kept without a guess. */
static void
locked_out(unsigned addresses, unsigned most)
{
	unsigned out = 0;

	for (unsigned i = 0; i < addresses; i++) {
		const struct packet_addr addr = addr4(random_u32(&seed));

		guess_charge(g, &addr, 1000, GUESS_BURST);
	}
	for (unsigned i = 0; i < 100000; i++) {
		const struct packet_addr addr = addr6(random_u32(&seed), 1);

		out += !guess_allows(g, &addr, 1000, 1);
	}
	print_message("%u addresses: %u of 100000 others\n", addresses, out);
	assert_in_range(out, 0, most);
}

static void
few_are_locked_out_by_others(void **state)
{
	(void)state;
	locked_out(25000, 40);
	if (property_steps(1000000) >= 100000) {
		locked_out(1000000 - 25000, 16000);
	}
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
		T(sharing_makes_it_only_stricter),
		T(of_few_none_shares_both_cells),
		T(memory_heals),
		T(a_flood_of_addresses_buys_no_guess),
		T(few_are_locked_out_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
