/* Guesses at authenticators of 30 bits: how many an address has. */
#include "unit/protocol/bench_fixture.h"

#include <string.h>

#define PORT 22

enum { KEY_30, KEY_60, KEY_MD5 };

static int
setup(void **state)
{
	setup_bench(state);
	/* Wrong groups stay until their time is up. */
	b->limits.reassembly = (struct reassembly_limits){ 1024, 8192, 8192 };
	bench_rule(b, PORT, false);
	bench_key(b, 10, MAC_HMAC_SHA256, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 1);
	bench_key(b, 12, MAC_HMAC_MD5, 0);
	bench_allow(b, PORT, 10, 12);
	bench_start(b);
	return 0;
}

static void
make(struct group *g, unsigned key)
{
	static uint16_t tag = 60000; /* no two groups are to mix */

	group_make(g, &b->keys[key], PORT, b->now.instant, random_u32(&seed),
		   &seed);
	tag++;
	for (size_t i = 0; i < FRAME_MAX; i++) {
		g->window[i] = tag;
	}
}

/* A wrong authenticator of a 30-bit key, from an address. */
static enum verify_reason
guess_from(const struct packet_addr *src, unsigned key)
{
	uint64_t counted =
		b->by_reason[VERIFY_MAC] + b->by_reason[VERIFY_GUESS];
	struct group g;

	make(&g, key);
	g.src = *src;
	g.seq[FRAME_SYN0] = 0x12345678;
	g.seq[FRAME_SYN3] ^= 1;
	group_send(b, &g, NULL);
	assert_int_equal(counted + 1,
			 b->by_reason[VERIFY_MAC] + b->by_reason[VERIFY_GUESS]);
	return b->event.reason;
}

static bool
gets_in_from(const struct packet_addr *src, unsigned key)
{
	size_t before = b->accepted;
	struct group g;

	make(&g, key);
	g.src = *src;
	group_send(b, &g, NULL);
	bench_drain(b);
	return b->accepted == before + 1;
}

static void
guesses_are_limited_by_address(void **state)
{
	const struct packet_addr src = addr4(0x0a000001);
	const struct packet_addr other = addr4(0x0a000002);

	(void)state;
	for (unsigned i = 0; i < GUESS_BURST; i++) {
		assert_int_equal(guess_from(&src, i % 2 ? KEY_30 : KEY_MD5),
				 VERIFY_MAC);
	}
	for (int i = 0; i < 100; i++) {
		assert_int_equal(guess_from(&src, KEY_MD5), VERIFY_GUESS);
	}
	/* Nobody else has to bear it, and a longer key neither. */
	assert_int_equal(guess_from(&other, KEY_30), VERIFY_MAC);
	for (int i = 0; i < 100; i++) {
		struct group g;

		make(&g, KEY_60);
		g.src = src;
		g.seq[FRAME_SYN4] ^= 1;
		group_send(b, &g, NULL);
		assert_int_equal(b->event.reason, VERIFY_MAC);
	}
	make(&(struct group){ 0 }, KEY_60);
	assert_int_equal(guess_from(&src, KEY_30), VERIFY_GUESS);
	/* One guess a second, used or saved. */
	b->now.ms += GUESS_REFILL_MS;
	assert_int_equal(guess_from(&src, KEY_30), VERIFY_MAC);
	assert_int_equal(guess_from(&src, KEY_30), VERIFY_GUESS);
	assert_false(gets_in_from(&src, KEY_30)); /* waits for a second */
	assert_true(gets_in_from(&src, KEY_60));
	assert_true(gets_in_from(&src, KEY_30));
	b->now.ms += 1000 * GUESS_REFILL_MS;
	for (unsigned i = 0; i < GUESS_BURST; i++) {
		assert_int_equal(guess_from(&src, KEY_30), VERIFY_MAC);
	}
	assert_int_equal(guess_from(&src, KEY_30), VERIFY_GUESS);
}

/* An IPv6 host has a whole /64. */
static void
guesses_are_limited_by_prefix(void **state)
{
	(void)state;
	for (unsigned i = 0; i < GUESS_BURST; i++) {
		const struct packet_addr src = addr6(1, random_u64(&seed));

		assert_int_equal(guess_from(&src, KEY_30), VERIFY_MAC);
	}
	for (unsigned i = 0; i < 20; i++) {
		const struct packet_addr src = addr6(1, random_u64(&seed));
		const struct packet_addr next = addr6(2 + i, 1);

		assert_int_equal(guess_from(&src, KEY_30), VERIFY_GUESS);
		assert_int_equal(guess_from(&next, KEY_30), VERIFY_MAC);
	}
}

/* A group of a 30-bit key with forged SYN3s, all before its SYN1. */
static void
send_stuffed(struct group *g, const struct packet_addr *src, unsigned forged)
{
	const uint32_t auth = g->seq[FRAME_SYN3];

	g->src = *src;
	group_send_one(b, g, FRAME_SYN2);
	group_send_one(b, g, FRAME_SYN0);
	group_send_one(b, g, FRAME_SYN3);
	for (unsigned i = 1; i <= forged; i++) {
		g->seq[FRAME_SYN3] = auth ^ i;
		group_send_one(b, g, FRAME_SYN3);
	}
	g->seq[FRAME_SYN3] = auth;
	group_send_one(b, g, FRAME_SYN1);
}

/* Frames in plenty make many guesses of one packet: each costs. */
static void
every_guess_counts(void **state)
{
	const struct packet_addr src = addr4(0x0a000001);
	struct group g;

	(void)state;
	for (unsigned i = 0; i < GUESS_BURST; i++) {
		assert_int_equal(guess_from(&src, KEY_30), VERIFY_MAC);
	}
	b->now.ms += GUESS_REFILL_MS;
	group_make(&g, &b->keys[KEY_30], PORT, b->now.instant, 0x12345678,
		   &seed);
	send_stuffed(&g, &src, 10);
	assert_int_equal(b->accepted, 0);
	bench_drain(b);
	assert_int_equal(b->event.reason, VERIFY_GUESS);
}

/* Nor does a copy of somebody's group pay for guesses sent with it. */
static void
guesses_with_a_replay_count(void **state)
{
	const struct packet_addr src = addr4(0x0a000001);
	unsigned guesses = 0;
	struct group g;

	(void)state;
	group_make(&g, &b->keys[KEY_30], PORT, b->now.instant, 0x12345678,
		   &seed);
	group_send(b, &g, NULL);
	assert_int_equal(b->accepted, 1);
	for (uint16_t i = 0; i < 200; i++) {
		memset(g.window, i, sizeof g.window);
		send_stuffed(&g, &src, 3);
	}
	while (guess_from(&src, KEY_30) == VERIFY_MAC) {
		guesses++;
	}
	/* Half of them are kept for who sends in order. */
	assert_in_range(guesses, GUESS_BURST / 2, GUESS_BURST / 2 + 3);
	assert_int_equal(b->accepted, 1);
}

/* Those seen ahead of the receiver are the same address's. */
static void
guesses_elsewhere_count(void **state)
{
	const struct packet_addr src = addr4(0x0a000001);
	const struct packet_addr other = addr4(0x0a000002);

	(void)state;
	for (unsigned i = 0; i < GUESS_BURST - 1; i++) {
		receiver_note_bad_guess(&b->receiver, &b->now, &src, 1);
	}
	assert_int_equal(guess_from(&src, KEY_30), VERIFY_MAC);
	assert_int_equal(guess_from(&src, KEY_MD5), VERIFY_GUESS);
	assert_int_equal(guess_from(&other, KEY_MD5), VERIFY_MAC);
	assert_true(gets_in_from(&src, KEY_60));
	/* What is charged beyond its share is not owed. */
	for (unsigned i = 0; i < 100; i++) {
		receiver_note_bad_guess(&b->receiver, &b->now, &src, 1);
	}
	b->now.ms += GUESS_REFILL_MS;
	assert_true(gets_in_from(&src, KEY_30));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(guesses_are_limited_by_address),
		T(guesses_are_limited_by_prefix),
		T(every_guess_counts),
		T(guesses_with_a_replay_count),
		T(guesses_elsewhere_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
