/*
 * Frames of others in a key holder's group: whoever can send from the
 * holder's address, by a forged source or from behind the same NAT, must not
 * keep the holder out, nor make the receiver work without end.
 */
#include "unit/protocol/bench_fixture.h"

#include <string.h>

#include "base/bytes.h"
#include "conf/server_conf.h"

#define PORT 22
#define PORT_CLOSED 443
#define PORT_LOOSE 80
#define ENOUGH 1000000 /* steps, where a test need not be short */

#define SWEEP_RATE 75 /* forged frames a millisecond */

enum { KEY_MD5, KEY_30, KEY_60, KEY_89, KEY_118, KEYS };
enum { NO_KEY = 77 };

static unsigned tries = 200;         /* of each kind; fewer under valgrind */
static unsigned sweep_before = 1200; /* ms */

static void
begin(void)
{
	bench_rule(b, PORT, false);
	bench_rule(b, PORT_CLOSED, false)->hide = ACL_CLOSED;
	bench_rule(b, PORT_LOOSE, true);
	bench_key(b, 10, MAC_HMAC_MD5, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 0);
	bench_key(b, 12, MAC_HMAC_SHA256, 1);
	bench_key(b, 13, MAC_HMAC_SHA256, 2);
	bench_key(b, 14, MAC_HMAC_SHA256, 3);
	bench_allow(b, PORT, 10, 14);
	bench_allow(b, PORT_CLOSED, 10, 14);
	bench_allow(b, PORT_LOOSE, 10, 14);
	bench_start(b);
}

static void
make(struct group *g, unsigned key, uint16_t port, bool ip6)
{
	group_make(g, &b->keys[key], port, b->now.instant, random_u32(&seed),
		   &seed);
	/* A time stamp, which nobody knows who does not see it. */
	be32_store(g->options + 8, random_u32(&seed));
	for (size_t i = 0; port == PORT_LOOSE && i < FRAME_MAX; i++) {
		g->window[i] = (uint16_t)random_u32(&seed);
	}
	if (ip6) {
		g->src = addr6(7, random_u64(&seed));
		g->dst = addr6(1, 1);
	}
}

/* One packet of others: it gets what every stranger gets. */
static void
send_forged_with(const struct packet *p, const uint8_t *options)
{
	enum receiver_verdict verdict = bench_packet(b, p, options, NULL);

	if (p->dport == PORT_CLOSED) {
		assert_int_equal(verdict, RECEIVER_CLOSED);
	} else {
		assert_true(verdict == RECEIVER_DROP ||
			    verdict == RECEIVER_HOLD);
	}
}

static void
send_forged(const struct packet *p)
{
	send_forged_with(p, NULL);
}

/*
 * A group in the order of sending among so many forged frames of each of its
 * roles, and of one that it has no use for, all of them at random places.
 */
static bool
gets_in_among(const struct group *g, unsigned forged)
{
	size_t order[FRAME_MAX];
	unsigned left[FRAME_MAX] = { 0 };
	unsigned others = 0;
	size_t before = b->accepted;
	size_t next = 0;

	for (unsigned role = FRAME_SYN1; role <= g->frames; role++) {
		left[role % FRAME_MAX] = forged;
		others += forged;
	}
	group_order(g, order);
	while (next < g->frames) {
		uint32_t one = random_below(
			&seed, others + (uint32_t)(g->frames - next));
		unsigned role = 0;

		if (one >= others) {
			group_send_one(b, g, order[next++]);
			continue;
		}
		for (; one >= left[role]; role++) {
			one -= left[role];
		}
		left[role]--;
		others--;
		const struct packet p = group_forge(g, role, &seed);

		send_forged(&p);
	}
	return b->accepted == before + 1 && group_is_accepted(b, g);
}

static void
try_all_kinds(uint16_t port, unsigned forged)
{
	/* With 30 bits, more than one would be too many guesses. */
	for (unsigned key = forged > 1 ? KEY_60 : KEY_MD5; key < KEYS; key++) {
		for (unsigned i = 0; i < tries; i++) {
			struct group g;

			make(&g, key, port, i % 2);
			assert_true(gets_in_among(&g, forged));
			/* Wrong guesses from there are the limit's affair. */
			b->now.ms += GUESS_BURST * GUESS_REFILL_MS;
			bench_drain(b);
			bench_forget(b);
		}
	}
}

static void
forged_frames_spoil_no_group(void **state)
{
	(void)state;
	begin();
	for (unsigned forged = 1; forged <= 2; forged++) {
		try_all_kinds(PORT, forged);
		try_all_kinds(PORT_CLOSED, forged);
	}
}

static void
forged_frames_spoil_no_group_under_flood(void **state)
{
	(void)state;
	b->limits.flood_per_second = 0;
	begin();
	for (unsigned forged = 1; forged <= 2; forged++) {
		try_all_kinds(PORT, forged);
		try_all_kinds(PORT_CLOSED, forged);
	}
}

/* Before the group, when the tag is only guessed: three of each. */
static void
older_frames_spoil_no_group(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < tries; i++) {
		struct group g;

		make(&g, KEY_60 + i % 3, PORT, i % 2);
		for (unsigned n = 0; n < 3 * (g.frames - 1); n++) {
			const struct packet p = group_forge(
				&g, 1 + n % ((unsigned)g.frames - 1), &seed);

			send_forged(&p);
		}
		b->now.ms += GUESS_BURST * GUESS_REFILL_MS;
		bench_drain(b);
		for (unsigned n = 0; n < 3 * (g.frames - 1); n++) {
			const struct packet p = group_forge(
				&g, 1 + n % ((unsigned)g.frames - 1), &seed);

			send_forged(&p);
		}
		group_send(b, &g, NULL);
		assert_true(group_is_accepted(b, &g));
		b->now.ms += GUESS_BURST * GUESS_REFILL_MS;
		bench_drain(b);
		bench_forget(b);
	}
	assert_int_equal(b->accepted, tries);
}

/* One forged frame, and a path that brings the group in another order. */
static void
a_reordered_group_is_not_spoilt(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < tries; i++) {
		unsigned at = random_below(&seed, 5);
		size_t order[FRAME_MAX];
		struct group g;

		make(&g, KEY_30 + i % 4, PORT, i % 2);
		order_init(order, g.frames);
		order_shuffle(order, g.frames, &seed);
		for (unsigned n = 0; n < g.frames; n++) {
			if (n == at) {
				const struct packet p =
					group_forge(&g, 1 + i / 4 % 4, &seed);

				send_forged(&p);
			}
			group_send_one(b, &g, order[n]);
		}
		assert_true(group_is_accepted(b, &g));
		b->now.ms += GUESS_BURST * GUESS_REFILL_MS;
		bench_drain(b);
		bench_forget(b);
	}
	assert_int_equal(b->accepted, tries);
}

/* A copy of an accepted group, in the group that follows. */
static void
a_replay_spoils_no_group(void **state)
{
	(void)state;
	begin();
	for (unsigned key = KEY_MD5; key < KEYS; key++) {
		size_t before = b->accepted;
		struct group old, g;
		size_t order[FRAME_MAX];

		make(&old, key, PORT, false);
		group_send(b, &old, NULL);
		make(&g, key, PORT, false);
		g.src = old.src;
		memcpy(old.window, g.window, sizeof g.window);
		group_order(&g, order);
		group_send_one(b, &g, order[0]);
		/* SYN2 is the same in both. */
		for (size_t i = 1; i < old.frames; i++) {
			group_send_one(b, &old, order[i]);
		}
		assert_int_equal(b->by_reason[VERIFY_REPLAY], key + 1);
		for (size_t i = 1; i < g.frames; i++) {
			group_send_one(b, &g, order[i]);
		}
		assert_int_equal(b->accepted, before + 2);
		assert_true(group_is_accepted(b, &g));
		b->now.ms += GUESS_BURST * GUESS_REFILL_MS;
		bench_drain(b);
	}
}

/* A wrong group is told of once, at once; its frames stay. */
static void
a_wrong_group_is_told_of_once(void **state)
{
	struct group g;
	uint32_t right;

	(void)state;
	begin();
	make(&g, KEY_60, PORT, false);
	g.seq[FRAME_SYN0] = 0x12345678;
	mac_sign(&b->keys[KEY_60].mac, PORT, g.seq, NULL);
	right = g.seq[FRAME_SYN4];
	g.seq[FRAME_SYN4] ^= 1;
	group_send(b, &g, NULL);
	assert_int_equal(b->by_reason[VERIFY_MAC], 1);
	assert_int_equal(b->held, 5);
	/* The right one is late. */
	g.seq[FRAME_SYN4] = right;
	g.sport[FRAME_SYN4]++;
	group_send_one(b, &g, FRAME_SYN4);
	assert_int_equal(b->accepted, 1);
	bench_drain(b);
	assert_int_equal(b->by_reason[VERIFY_MAC], 1);
}

/* ---- a sweep through all tags, or time stamps */

static uint16_t sweep_tag;

/* roles: which ones are sent, as bits */
static void
sweep(const struct group *g, unsigned frames, unsigned roles)
{
	uint8_t options[sizeof g->options];

	memcpy(options, g->options, sizeof options);
	for (unsigned i = 0; i < frames; i++) {
		unsigned role = random_below(&seed, FRAME_MAX);
		struct packet p;

		while (!(roles >> role & 1)) {
			role = (role + 1) % FRAME_MAX;
		}
		p = group_forge(g, role, &seed);
		p.window = sweep_tag++;
		be32_store(options + 8, random_u32(&seed));
		send_forged_with(&p, options);
	}
}

static void
sweep_ms(const struct group *g, unsigned roles)
{
	sweep(g, SWEEP_RATE, roles);
	bench_wait(b, 1);
	while (bench_expire(b)) {
	}
}

/* So many of 20 first tries get in, each within two milliseconds. */
static unsigned
first_tries(unsigned key, uint16_t port, bool ip6, unsigned roles)
{
	unsigned got_in = 0;
	struct group g;

	make(&g, key, port, ip6);
	for (unsigned ms = 0; ms < sweep_before; ms++) {
		sweep_ms(&g, roles);
	}
	for (unsigned i = 0; i < 20; i++) {
		const struct packet_addr src = g.src;
		size_t order[FRAME_MAX];
		size_t before = b->accepted;

		make(&g, key, port, ip6);
		g.src = src;
		group_order(&g, order);
		for (size_t n = 0; n < g.frames; n++) {
			group_send_one(b, &g, order[n]);
			sweep(&g, 2 * SWEEP_RATE / (unsigned)g.frames, roles);
		}
		got_in += b->accepted == before + 1;
		for (unsigned ms = 0; ms < 50; ms++) {
			sweep_ms(&g, roles);
		}
	}
	return got_in;
}

static void
begin_as_usual(void)
{
	static struct server_conf usual;

	server_conf_defaults(&usual);
	b->limits = usual.limits;
	b->limits.replays = 1024;
	begin();
}

/*
 * Of the 30-bit keys' only one role: whole wrong groups from an address use
 * up its guesses, and that is what the limit is for.
 */
static void
a_sweep_keeps_nobody_out(void **state)
{
	const unsigned all = 0x7f;

	(void)state;
	begin_as_usual();
	for (unsigned key = KEY_MD5; key < KEYS; key++) {
		assert_int_equal(
			first_tries(key, PORT, key % 2,
				    key < KEY_60 ? 1u << FRAME_SYN3 : all),
			20);
	}
	for (unsigned role = FRAME_SYN1; role <= FRAME_SYN2; role++) {
		assert_int_equal(
			first_tries(KEY_MD5, PORT, role % 2, 1u << role), 20);
	}
	assert_int_equal(first_tries(KEY_60, PORT, true, 1u << FRAME_SYN2), 20);
}

/* Windows don't survive; whoever sweeps does not know the time stamps. */
static void
a_sweep_keeps_nobody_out_who_is_loose(void **state)
{
	(void)state;
	begin_as_usual();
	assert_int_equal(first_tries(KEY_MD5, PORT_LOOSE, false, 0x7f), 20);
	assert_int_equal(first_tries(KEY_60, PORT_LOOSE, true, 0x7f), 20);
	assert_int_equal(first_tries(KEY_118, PORT_LOOSE, false, 0x7f), 20);
	assert_int_equal(
		first_tries(KEY_60, PORT_LOOSE, true, 1u << FRAME_SYN2), 20);
}

/* ---- bounds */

/* What costs most: frames in plenty in one group, most of all SYN1 and 2. */
static void
work_is_bounded(void **state)
{
	const uint64_t before = b->receiver.counters.macs;
	const unsigned frames = 50000;
	uint64_t most = 0;
	struct group g;

	(void)state;
	begin();
	make(&g, KEY_60, PORT, false);
	for (unsigned i = 0; i < frames; i++) {
		const uint64_t macs = b->receiver.counters.macs;
		const struct packet p = group_forge(&g, 1 + i % 4, &seed);

		send_forged(&p);
		most = b->receiver.counters.macs - macs > most
			? b->receiver.counters.macs - macs
			: most;
		assert_true(b->receiver.reassembly.frames_used <=
			    REASSEMBLY_FRAMES_STRICT);
	}
	assert_in_range(most, 1, VERIFY_WAYS * VERIFY_MACS_STRICT);
	assert_in_range(b->receiver.counters.macs - before, frames,
			48 + 6ull * frames);
	bench_drain(b);
}

/* Nor is it dear to begin group after group, up to where that costs most. */
static void
work_is_bounded_over_groups(void **state)
{
	(void)state;
	begin();
	for (unsigned size = 4; size <= 32; size++) {
		const uint64_t before = b->receiver.counters.macs;
		unsigned frames = 0;

		while (frames < 2000) {
			struct group g;

			make(&g, KEY_60, PORT, false);
			for (unsigned i = 0; i < size; i++, frames++) {
				const struct packet p =
					group_forge(&g, 1 + i % 4, &seed);

				send_forged(&p);
			}
			bench_drain(b);
		}
		assert_true(b->receiver.counters.macs - before <=
			    9ull * frames);
	}
}

/* The same, where each frame is alone, and where two are not. */
static void
work_is_bounded_where_marks_tell_nothing(void **state)
{
	(void)state;
	begin();
	for (unsigned alike = 1; alike <= 8; alike *= 2) {
		const uint64_t before = b->receiver.counters.macs;
		const unsigned frames = 5000;
		struct group g;

		make(&g, KEY_60, PORT_LOOSE, false);
		for (unsigned i = 0; i < frames; i++) {
			const struct packet p =
				group_forge(&g, 1 + i % 4, &seed);

			be32_store(g.options + 8, i / alike);
			send_forged_with(&p, g.options);
			bench_wait(b, i % 7 == 0 ? 300 : 0);
		}
		assert_true(b->receiver.counters.macs - before <= 9 * frames);
		bench_drain(b);
	}
}

/* A hundred SYN3s push out no frame of another role. */
static void
a_role_in_plenty_pushes_out_no_other(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < tries; i++) {
		size_t before = b->accepted;
		struct group g;

		make(&g, KEY_60, PORT, i % 2);
		group_send_one(b, &g, FRAME_SYN2);
		group_send_one(b, &g, FRAME_SYN1);
		group_send_one(b, &g, FRAME_SYN4);
		for (unsigned n = 0; n < 100; n++) {
			const struct packet p =
				group_forge(&g, FRAME_SYN3, &seed);

			send_forged(&p);
		}
		group_send_one(b, &g, FRAME_SYN3);
		group_send_one(b, &g, FRAME_SYN0);
		assert_int_equal(b->accepted, before + 1);
		bench_drain(b);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_bench, teardown)
	const struct CMUnitTest tests[] = {
		T(forged_frames_spoil_no_group),
		T(forged_frames_spoil_no_group_under_flood),
		T(older_frames_spoil_no_group),
		T(a_reordered_group_is_not_spoilt),
		T(a_replay_spoils_no_group),
		T(a_wrong_group_is_told_of_once),
		T(a_sweep_keeps_nobody_out),
		T(a_sweep_keeps_nobody_out_who_is_loose),
		T(work_is_bounded),
		T(work_is_bounded_over_groups),
		T(work_is_bounded_where_marks_tell_nothing),
		T(a_role_in_plenty_pushes_out_no_other),
	};

	if (property_steps(ENOUGH) < ENOUGH / 10) {
		tries = 20;
		sweep_before = 20;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
