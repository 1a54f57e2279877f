/* Who is served at a time, and who gives way. */
#include "unit/support.h"

#include "probe_path/places.h"

static size_t
come(struct places *p, const struct packet_addr *from, uint64_t ms)
{
	size_t at = places_find(p, from, ms);

	if (at < PLACES_MAX) {
		places_take(p, at, from, ms);
	}
	return at;
}

static struct packet_addr
source(uint32_t n)
{
	return addr4(0x0a000000 + n);
}

static void
one_place_for_each_source(void **state)
{
	struct places p = { 0 };
	struct packet_addr from = source(1);
	struct packet_addr neighbour = { .family = 6, .bytes = { 0xfd } };
	size_t first = come(&p, &from, 0);
	size_t six = come(&p, &neighbour, 0);

	(void)state;
	assert_int_not_equal(first, six);
	for (uint64_t ms = 0; ms < 1000; ms++) {
		assert_int_equal(come(&p, &from, ms), first);
	}
	neighbour.bytes[15] = 77;
	assert_int_equal(come(&p, &neighbour, 0), six);
	neighbour.bytes[7] = 1;
	assert_int_not_equal(come(&p, &neighbour, 0), six);
}

/* Its own second one, too, has to wait. */
static void
a_plan_has_its_time(void **state)
{
	struct places p = { 0 };
	struct packet_addr from = source(1);
	size_t at = come(&p, &from, 0);

	(void)state;
	p.at[at].announced = true;
	assert_int_equal(come(&p, &from, PLACES_FAIR_MS - 1), PLACES_MAX);
	assert_int_equal(come(&p, &from, PLACES_FAIR_MS), at);
}

static void
silence_gives_way_first(void **state)
{
	struct places p = { 0 };
	struct packet_addr from;

	(void)state;
	for (uint32_t n = 0; n < PLACES_MAX; n++) {
		from = source(n);
		assert_int_equal(come(&p, &from, n), n);
		p.at[n].announced = n != 5 && n != 7;
	}
	from = source(100);
	assert_int_equal(come(&p, &from, PLACES_FAIR_MS + 100), 5);
	p.at[5].announced = true;
	from = source(101);
	assert_int_equal(come(&p, &from, PLACES_FAIR_MS + 100), 7);
	p.at[7].announced = true;
	from = source(102);
	assert_int_equal(come(&p, &from, PLACES_FAIR_MS + 100), 0);
}

/* Whatever strangers do, and however many they are. */
static void
the_proven_stay(void **state)
{
	struct places p = { 0 };
	size_t proven[PLACES_PROVEN_MAX];
	struct packet_addr from;

	(void)state;
	for (uint32_t n = 0; n < PLACES_PROVEN_MAX; n++) {
		/* All from one address: that of a NAT. */
		from = source(1);
		proven[n] = come(&p, &from, 0);
		assert_true(places_prove(&p, proven[n]));
	}
	for (uint32_t n = 0; n < 10000; n++) {
		size_t at;

		from = source(n % 300);
		at = come(&p, &from, 100 * n);
		assert_true(at < PLACES_MAX);
		for (size_t i = 0; i < PLACES_PROVEN_MAX; i++) {
			assert_int_not_equal(at, proven[i]);
		}
		assert_false(places_prove(&p, at));
	}
	places_leave(&p, proven[3]);
	from = source(5000);
	assert_true(places_prove(&p, come(&p, &from, 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_place_for_each_source),
		cmocka_unit_test(a_plan_has_its_time),
		cmocka_unit_test(silence_gives_way_first),
		cmocka_unit_test(the_proven_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
