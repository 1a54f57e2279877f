/* What the receiver does with more than it can bear, and while it is changed.
 */
#include "unit/protocol/bench_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define PORT 22
#define PORT_LOOSE 80

enum { KEY_30, KEY_60, KEY_MD5, KEYS };

static void
begin(void)
{
	bench_rule(b, PORT, false);
	bench_rule(b, PORT_LOOSE, true);
	bench_key(b, 10, MAC_HMAC_SHA256, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 1);
	bench_key(b, 12, MAC_HMAC_MD5, 0);
	bench_allow(b, PORT, 10, 12);
	bench_allow(b, PORT_LOOSE, 10, 12);
	bench_start(b);
}

static void
make(struct group *g, unsigned key)
{
	group_make(g, &b->keys[key], PORT, b->now.instant, random_u32(&seed),
		   &seed);
}

static enum receiver_verdict
send_random(uint32_t src, uint16_t port)
{
	const struct packet p = {
		.src = addr4(src),
		.dst = addr4(0xc6336401),
		.sport = (uint16_t)random_u32(&seed),
		.dport = port,
		.seq = random_u32(&seed),
		.window = (uint16_t)random_u32(&seed),
		.flags = PACKET_SYN,
	};

	return bench_packet(b, &p, NULL, NULL);
}

/* Above the rate, order counts: what is not begun by a SYN2 is not begun. */
static void
flood_holds_nothing(void **state)
{
	size_t held;
	struct group g;

	(void)state;
	b->limits.flood_per_second = 1000;
	begin();
	for (int i = 0; i < 1000; i++) {
		send_random(random_u32(&seed), PORT);
	}
	held = b->held;
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(send_random(random_u32(&seed), PORT),
				 RECEIVER_DROP);
		assert_true(b->held <= held);
	}
	for (unsigned i = 0; i < 300; i++) {
		size_t before = b->accepted;

		make(&g, i % KEYS);
		group_send(b, &g, NULL);
		assert_int_equal(b->accepted, before + 1);
		assert_true(group_is_accepted(b, &g));
	}
	bench_drain(b);
}

/* More than it takes for a flood. */
static void
begin_flood(void)
{
	b->limits.flood_per_second = 1000;
	begin();
	for (int i = 0; i < 1100; i++) {
		send_random(random_u32(&seed), PORT);
	}
}

static void
flood_lets_ordered_groups_through(void **state)
{
	size_t order[FRAME_MAX];

	(void)state;
	begin_flood();
	for (unsigned i = 0; i < 300; i++) {
		struct group g;
		size_t before = b->accepted;

		make(&g, i % KEYS);
		group_order(&g, order);
		for (size_t n = 0; n < g.frames; n++) {
			for (int noise = 0; noise < 5; noise++) {
				send_random(random_u32(&seed), PORT);
			}
			group_send_one(b, &g, order[n]);
		}
		assert_int_equal(b->accepted, before + 1);
		bench_wait(b, 1);
	}
	bench_drain(b);
}

/* Also where the path leaves neither windows nor options as they were. */
static void
flood_lets_changed_groups_through(void **state)
{
	size_t order[FRAME_MAX];

	(void)state;
	begin_flood();
	for (unsigned i = 0; i < 300; i++) {
		struct group g;
		size_t before = b->accepted;

		group_make(&g, &b->keys[i % KEYS], PORT_LOOSE, b->now.instant,
			   random_u32(&seed), &seed);
		group_order(&g, order);
		for (size_t n = 0; n < g.frames; n++) {
			for (int noise = 0; noise < 5; noise++) {
				send_random(random_u32(&seed), PORT_LOOSE);
			}
			g.window[order[n]] = (uint16_t)random_u32(&seed);
			be32_store(g.options + 8, random_u32(&seed));
			group_send_one(b, &g, order[n]);
		}
		assert_int_equal(b->accepted, before + 1);
		bench_wait(b, 1);
	}
	bench_drain(b);
}

/* Then SYN0 comes last: what it is not has its verdict at once. */
static void
flood_holds_what_may_be_syn0(void **state)
{
	struct group g;

	(void)state;
	b->limits.flood_per_second = 1000;
	begin();
	for (int i = 0; i < 1000; i++) {
		send_random(random_u32(&seed), PORT);
	}
	/* The rate is exceeded by the next, and not before. */
	assert_true(b->held > 0);
	make(&g, KEY_60);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN2), RECEIVER_DROP);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN1), RECEIVER_DROP);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN3), RECEIVER_HOLD);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN4), RECEIVER_HOLD);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN0), RECEIVER_ACCEPT);
	/* The second after a flood is still one; the next is not. */
	bench_wait(b, 1000);
	make(&g, KEY_60);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN2), RECEIVER_DROP);
	bench_wait(b, 1000);
	make(&g, KEY_60);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN2), RECEIVER_HOLD);
}

/* A flood that stops is over within two seconds, and any order is good. */
static void
flood_ends(void **state)
{
	struct group g;
	const size_t reversed[] = { 0, 4, 3, 1, 2 };

	(void)state;
	b->limits.flood_per_second = 1000;
	begin();
	for (int i = 0; i < 3000; i++) {
		send_random(random_u32(&seed), PORT);
	}
	make(&g, KEY_60);
	group_send(b, &g, reversed);
	assert_int_equal(b->accepted, 0);
	bench_wait(b, 2000);
	make(&g, KEY_60);
	group_send(b, &g, reversed);
	assert_int_equal(b->accepted, 1);
}

/* One address and one mark can take no more than its group's frames. */
static void
a_group_is_bounded(void **state)
{
	(void)state;
	begin();
	for (uint32_t i = 0; i < 3000; i++) {
		struct packet p = {
			.src = addr4(1),
			.dst = addr4(2),
			.sport = (uint16_t)i,
			.dport = i % 2 ? PORT : PORT_LOOSE,
			.seq = 0xc0000000 + i,
			.window = 7,
			.flags = PACKET_SYN,
		};

		bench_packet(b, &p, NULL, NULL);
		bench_wait(b, i % 10 == 0);
	}
	assert_int_equal(b->receiver.reassembly.groups_used, 2);
	assert_int_equal(b->receiver.reassembly.frames_used,
			 REASSEMBLY_FRAMES_STRICT + REASSEMBLY_FRAMES_LOOSE);
	bench_drain(b);
}

/* The oldest go first; who is whole in time gets in all the same. */
static void
full_tables_evict_the_oldest(void **state)
{
	(void)state;
	b->limits.reassembly = (struct reassembly_limits){ .groups = 8,
							   .frames = 20,
							   .held = 6 };
	begin();
	for (unsigned i = 0; i < 1000; i++) {
		struct group g;
		size_t order[FRAME_MAX];
		size_t before = b->accepted;

		make(&g, i % KEYS);
		group_order(&g, order);
		for (size_t n = 0; n < g.frames; n++) {
			send_random(random_u32(&seed), PORT);
			group_send_one(b, &g, order[n]);
		}
		assert_int_equal(b->accepted, before + 1);
		bench_check_reassembly(&b->receiver.reassembly);
		bench_wait(b, 1);
	}
	assert_true(b->receiver.counters.evicted > 0);
	assert_true(b->receiver.counters.held_early > 0);
	bench_drain(b);
}

/* The least that the limits may be. */
static void
smallest_tables_stand(void **state)
{
	(void)state;
	b->limits.reassembly = (struct reassembly_limits){ .groups = 1,
							   .frames = 1,
							   .held = 1 };
	b->limits.replays = REPLAY_CAPACITY_MIN;
	begin();
	for (unsigned i = 0; i < 300; i++) {
		struct group g;

		make(&g, i % KEYS);
		group_send(b, &g, NULL);
		bench_check_reassembly(&b->receiver.reassembly);
	}
	assert_int_equal(b->accepted, 0);
	bench_drain(b);
}

static void
full_replay_memory_forgets_nothing(void **state)
{
	struct group g[64];

	(void)state;
	b->limits.replays = REPLAY_CAPACITY_MIN;
	begin();
	for (size_t i = 0; i < COUNT(g); i++) {
		bench_wait(b, 100);
		make(&g[i], KEY_60);
		group_send(b, &g[i], NULL);
		assert_int_equal(b->accepted, i + 1);
	}
	for (size_t i = 0; i < COUNT(g); i++) {
		group_send(b, &g[i], NULL);
		assert_int_equal(b->accepted, COUNT(g));
		assert_int_equal(b->event.reason, VERIFY_REPLAY);
	}
}

static void
reload_takes_effect_at_once(void **state)
{
	struct acl *without = calloc(1, sizeof *without);
	struct group g;

	(void)state;
	begin();
	*without = b->acl;
	without->keys_count = 1;
	acl_index(without);

	make(&g, KEY_60);
	group_send_one(b, &g, FRAME_SYN2);
	group_send_one(b, &g, FRAME_SYN1);
	receiver_set_acl(&b->receiver, without);
	group_send_one(b, &g, FRAME_SYN3);
	group_send_one(b, &g, FRAME_SYN4);
	group_send_one(b, &g, FRAME_SYN0);
	assert_int_equal(b->accepted, 0);
	bench_drain(b);
	assert_int_equal(b->by_reason[VERIFY_KEY], 1);
	assert_null(b->event.key);

	/* And a key that comes while its group is on its way. */
	make(&g, KEY_60);
	group_send_one(b, &g, FRAME_SYN0);
	group_send_one(b, &g, FRAME_SYN1);
	receiver_set_acl(&b->receiver, &b->acl);
	group_send_one(b, &g, FRAME_SYN4);
	group_send_one(b, &g, FRAME_SYN3);
	group_send_one(b, &g, FRAME_SYN2);
	assert_int_equal(b->accepted, 1);
	assert_true(group_is_accepted(b, &g));
	free(without);
}

/* What was held for a rule that is gone is let go, not let through. */
static void
reload_may_take_the_rule_away(void **state)
{
	struct acl *none = calloc(1, sizeof *none);
	struct group g;

	(void)state;
	begin();
	acl_index(none);
	make(&g, KEY_60);
	for (size_t role = 1; role < g.frames; role++) {
		group_send_one(b, &g, role);
	}
	receiver_set_acl(&b->receiver, none);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN0), RECEIVER_PASS);
	assert_true(b->held > 0);
	bench_drain(b);
	assert_int_equal(b->accepted, 0);
	free(none);
}

/* A tolerance that shrinks and grows again opens nothing for replays. */
static void
reload_of_the_tolerance_forgets_nothing(void **state)
{
	struct group g;
	struct group late;

	(void)state;
	begin();
	make(&g, KEY_60);
	group_send(b, &g, NULL);
	b->rules[0].tolerance = 1;
	receiver_set_acl(&b->receiver, &b->acl);
	for (int i = 0; i < 20; i++) {
		bench_wait(b, 1000);
		make(&late, KEY_60);
		group_send(b, &late, NULL);
	}
	assert_int_equal(b->accepted, 21);
	b->rules[0].tolerance = 600;
	receiver_set_acl(&b->receiver, &b->acl);
	for (int i = 0; i < 700; i++) {
		bench_wait(b, 1000);
		group_send(b, &g, NULL);
		if (i % 10 == 0) {
			make(&late, KEY_60);
			group_send(b, &late, NULL);
		}
	}
	assert_int_equal(b->accepted, 21 + 70);
}

/* A server that ran for long with a clock an hour ahead, or behind. */
static void
clock_set_right_locks_nobody_out(void **state)
{
	const int64_t hour = (int64_t)3600 << 8;
	const int64_t steps[] = { -hour, hour, hour, -hour, -hour };
	struct group seen[6 * 30];
	size_t count = 0;

	(void)state;
	begin();
	for (size_t i = 0; i <= COUNT(steps); i++) {
		for (int n = 0; n < 30; n++) {
			bench_wait(b, 10000);
			make(&seen[count], KEY_60);
			group_send(b, &seen[count++], NULL);
			assert_int_equal(b->accepted, count);
		}
		for (size_t n = 0; n < count; n++) {
			group_send(b, &seen[n], NULL);
			assert_int_equal(b->accepted, count);
		}
		if (i < COUNT(steps)) {
			b->now.instant += (uint64_t)steps[i];
		}
	}
}

/* Everything at once: the bench holds every call to the contract. */
static void
mixture(uint32_t calls)
{
	struct group g[8];

	for (unsigned i = 0; i < COUNT(g); i++) {
		make(&g[i], i % KEYS);
	}
	for (uint32_t i = 0; i < calls; i++) {
		struct group *one = &g[random_below(&seed, COUNT(g))];
		uint32_t what = random_below(&seed, 100);

		if (what < 60) {
			group_send_one(
				b, one,
				random_below(&seed, (uint32_t)one->frames));
		} else if (what < 80) {
			send_random(random_below(&seed, 8),
				    what < 70 ? PORT : PORT_LOOSE);
		} else if (what < 90) {
			bench_wait(b, random_below(&seed, 40));
		} else if (what < 95) {
			bench_expire(b);
		} else {
			unsigned key = random_below(&seed, KEYS);
			uint16_t port = what < 97 ? PORT : PORT_LOOSE;

			group_make(one, &b->keys[key], port, b->now.instant,
				   random_u32(&seed), &seed);
			one->src = addr4(random_below(&seed, 8));
			for (size_t n = 0; n < FRAME_MAX; n++) {
				one->window[n] %= 4;
			}
		}
		if (i % 64 == 0) {
			bench_check_reassembly(&b->receiver.reassembly);
		}
	}
	assert_true(b->accepted > calls / 1000);
	bench_drain(b);
}

static void
any_mixture_keeps_the_contract(void **state)
{
	(void)state;
	begin();
	mixture(20000);
}

static void
any_mixture_in_small_tables(void **state)
{
	(void)state;
	b->limits.reassembly = (struct reassembly_limits){ .groups = 6,
							   .frames = 30,
							   .held = 12 };
	begin();
	mixture(20000);
}

static void
any_mixture_under_flood(void **state)
{
	(void)state;
	b->limits.reassembly = (struct reassembly_limits){ .groups = 16,
							   .frames = 80,
							   .held = 12 };
	b->limits.flood_per_second = 150;
	begin();
	mixture(20000);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_bench, teardown)
	const struct CMUnitTest tests[] = {
		T(flood_holds_nothing),
		T(flood_lets_ordered_groups_through),
		T(flood_lets_changed_groups_through),
		T(flood_holds_what_may_be_syn0),
		T(flood_ends),
		T(a_group_is_bounded),
		T(full_tables_evict_the_oldest),
		T(smallest_tables_stand),
		T(full_replay_memory_forgets_nothing),
		T(reload_takes_effect_at_once),
		T(reload_may_take_the_rule_away),
		T(reload_of_the_tolerance_forgets_nothing),
		T(clock_set_right_locks_nobody_out),
		T(any_mixture_keeps_the_contract),
		T(any_mixture_in_small_tables),
		T(any_mixture_under_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
