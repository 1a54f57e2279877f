/* How often XDP comes and goes, by a clock that the test moves. */
#include "unit/support.h"

#include "fastpath/flood_hold.h"

#define TICK_MS 500

static struct flood_hold h;
static uint64_t now, seen;
static unsigned changes;

static int
setup(void **state)
{
	(void)state;
	h = (struct flood_hold){ 0 };
	now = 1000000;
	seen = 0;
	changes = 0;
	return 0;
}

static bool
tick(bool flood)
{
	const bool before = h.on;

	now += TICK_MS;
	seen = flood ? now : seen;
	(void)flood_hold(&h, now, seen);
	changes += h.on != before;
	return h.on;
}

/* Without a flood until it is off; how long that took. */
static uint64_t
time_held(void)
{
	const uint64_t begin = now;

	while (tick(false)) {
		assert_true(now - begin <= FLOOD_HOLD_MAX_MS);
	}
	return now - begin;
}

static void
quiet(uint64_t ms)
{
	for (const uint64_t end = now + ms; now < end;) {
		assert_false(tick(false));
	}
}

static void
without_a_flood_it_is_off(void **state)
{
	(void)state;
	quiet(10 * FLOOD_HOLD_MAX_MS);
	assert_int_equal(changes, 0);
}

static void
a_flood_has_it_as_long_as_it_lasts(void **state)
{
	(void)state;
	assert_true(tick(true));
	for (int i = 0; i < 100000; i++) {
		assert_true(tick(true));
	}
	assert_int_equal(time_held(), FLOOD_HOLD_MIN_MS);
	assert_int_equal(changes, 2);
}

static void
it_is_held_longer_each_time(void **state)
{
	uint64_t expected = FLOOD_HOLD_MIN_MS;

	(void)state;
	for (int i = 0; i < 20; i++) {
		tick(true);
		assert_int_equal(time_held(), expected);
		quiet(1000);
		expected = 2 * expected < FLOOD_HOLD_MAX_MS ? 2 * expected
							    : FLOOD_HOLD_MAX_MS;
	}
	assert_int_equal(expected, FLOOD_HOLD_MAX_MS);
}

/* An hour without one, and it is as if there never was. */
static void
it_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		tick(true);
		time_held();
	}
	quiet(FLOOD_HOLD_MAX_MS - 1000);
	tick(true);
	assert_int_equal(time_held(), FLOOD_HOLD_MAX_MS);
	quiet(FLOOD_HOLD_MAX_MS);
	tick(true);
	assert_int_equal(time_held(), FLOOD_HOLD_MIN_MS);
}

/* Bursts every 11 seconds, and those of whoever knows the rule. */
static void
bursts_move_it_rarely(void **state)
{
	const uint64_t day = 24 * 3600000ull;
	const uint64_t end = now + day;

	(void)state;
	while (now < end) {
		tick((now / TICK_MS) % 22 == 0);
	}
	assert_in_range(changes, 1, 3);
	setup(NULL);
	for (const uint64_t next = now + day; now < next;) {
		tick(!h.on);
	}
	assert_in_range(changes, 2, 2 * (24 + 10));
	/* Who waits until all is forgotten has it anew, and then again. */
	setup(NULL);
	for (const uint64_t next = now + day; now < next;) {
		uint64_t rest = 0;

		while (h.hold_ms < FLOOD_HOLD_MAX_MS / 2) {
			tick(true);
			time_held();
		}
		for (; rest < FLOOD_HOLD_MAX_MS; rest += TICK_MS) {
			tick(false);
		}
		tick(true);
		time_held();
	}
	assert_in_range(changes, 2, 2 * 8 * 24);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_flood_it_is_off, setup),
		cmocka_unit_test_setup(a_flood_has_it_as_long_as_it_lasts,
				       setup),
		cmocka_unit_test_setup(it_is_held_longer_each_time, setup),
		cmocka_unit_test_setup(it_is_forgotten, setup),
		cmocka_unit_test_setup(bursts_move_it_rarely, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
