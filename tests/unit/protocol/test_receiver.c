/* The receiver lets in what it should: any order, mixture, loss and path. */
#include "unit/protocol/bench_fixture.h"

#include <string.h>

#include "base/bytes.h"

#define PORT 22
#define PORT_LOOSE 80
#define KEYS 5

static int
setup(void **state)
{
	setup_bench(state);
	bench_rule(b, PORT, false);
	bench_rule(b, PORT_LOOSE, true);
	bench_key(b, 10, MAC_HMAC_MD5, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 1);
	bench_key(b, 12, MAC_HMAC_SHA256, 0);
	bench_key(b, 13, MAC_HMAC_SHA256, 2);
	bench_key(b, 14, MAC_HMAC_SHA256, 3);
	bench_allow(b, PORT, 10, 14);
	bench_allow(b, PORT_LOOSE, 10, 14);
	bench_start(b);
	return 0;
}

static void
make(struct group *g, size_t key, uint32_t isn)
{
	group_make(g, &b->keys[key], PORT, b->now.instant, isn, &seed);
}

/* One more accepted, this group, and nothing of it left. */
static void
assert_accepted(const struct group *g, size_t before)
{
	assert_int_equal(b->accepted, before + 1);
	assert_true(group_is_accepted(b, g));
	assert_int_equal(b->event.reason, VERIFY_ACCEPTED);
	assert_int_equal(b->event.sport, g->sport[FRAME_SYN0]);
}

static void
orders_of(const struct group *g)
{
	size_t order[FRAME_MAX];

	order_init(order, g->frames);
	do {
		size_t before = b->accepted;

		bench_forget(b);
		b->now.ms += 10; /* no flood */
		group_send(b, g, order);
		assert_accepted(g, before);
		assert_int_equal(b->receiver.reassembly.groups_used, 0);
	} while (order_next(order, g->frames));
}

static void
every_order_is_accepted(void **state)
{
	(void)state;
	for (size_t key = 0; key < KEYS - 1; key++) {
		struct group g;

		make(&g, key, random_u32(&seed));
		orders_of(&g);
	}
}

/* An ISN with each mark, and the worst with it: a plausible time, a head. */
static void
isn_may_look_like_any_frame(void **state)
{
	(void)state;
	for (size_t key = 0; key < KEYS - 1; key++) {
		uint32_t second = (uint32_t)(b->now.instant >> 8);
		uint32_t extra = b->keys[key].mac.extra;
		const uint32_t isns[] = {
			0x00000000,
			0x12345678,
			0x20000000,
			/* with the group's own head, and with others' */
			0x20000000 | extra << 24 | (10 + (uint32_t)key) << 8,
			0x22000d80,
			0x23000e80,
			0x3fffffff,
			0x40000000,
			0x40000000 | ((second - 1) & 0x1fffffff),
			0x40000000 | ((second + 1) & 0x1fffffff),
			0x40000000 | ((second - 30) & 0x1fffffff),
			0x40000000 | ((second + 30) & 0x1fffffff),
			0x40000000 | ((second + 31) & 0x1fffffff),
			0x5fffffff,
			0x60000000,
			0x7fffffff,
			0x80000000,
			0xbfffffff,
			0xc0000000,
			0xffffffff,
		};

		for (size_t i = 0; i < COUNT(isns); i++) {
			struct group g;

			make(&g, key, isns[i]);
			orders_of(&g);
		}
	}
}

/*
 * An ISN that equals another frame, bit by bit, as one in 2^31 does: which
 * of the two packets was SYN0 nothing tells.  TCP's retransmission, with
 * another instant, mends it.
 */
static void
isn_may_equal_another_frame(void **state)
{
	(void)state;
	for (unsigned key = 0; key < 2 * (KEYS - 1); key++) {
		struct group g;
		size_t order[FRAME_MAX];

		make(&g, key / 2, 0);
		make(&g, key / 2, g.seq[FRAME_SYN1 + key % 2]);
		order_init(order, g.frames);
		do {
			size_t before = b->accepted;

			bench_forget(b);
			b->now.ms += 10; /* no flood */
			group_send(b, &g, order);
			assert_int_equal(b->accepted, before + 1);
			assert_int_equal(b->sent[b->accepted_id].seq,
					 g.seq[FRAME_SYN0]);
		} while (order_next(order, g.frames));
	}
}

static void
groups_mix_with_different_marks(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct group g[4];
		size_t order[4 * FRAME_MAX];
		size_t before = b->accepted;

		for (size_t i = 0; i < 4; i++) {
			make(&g[i], (i + (size_t)round) % KEYS,
			     random_u32(&seed));
			g[i].src = g[0].src;
			memset(g[i].window, (int)i + 1, sizeof g[i].window);
		}
		order_init(order, COUNT(order));
		order_shuffle(order, COUNT(order), &seed);
		for (size_t i = 0; i < COUNT(order); i++) {
			const struct group *one = &g[order[i] / FRAME_MAX];

			if (order[i] % FRAME_MAX < one->frames) {
				group_send_one(b, one, order[i] % FRAME_MAX);
			}
		}
		assert_int_equal(b->accepted, before + 4);
		bench_wait(b, 20);
	}
	bench_drain(b);
}

/* All ways to interleave two groups, each in the order of sending. */
static void
interleave(const struct group *g, const struct group *h)
{
	size_t first[FRAME_MAX];
	size_t second[FRAME_MAX];
	size_t n = g->frames + h->frames;
	const uint64_t instant = b->now.instant;

	group_order(g, first);
	group_order(h, second);
	for (uint32_t bits = 0; bits < 1u << n; bits++) {
		size_t before = b->accepted;
		size_t sent[2] = { 0, 0 };

		if ((size_t)__builtin_popcount(bits) != g->frames) {
			continue;
		}
		bench_forget(b);
		b->now.instant = instant;
		b->now.ms += 20000; /* tokens for guesses */
		for (size_t i = 0; i < n; i++) {
			if (bits >> i & 1) {
				group_send_one(b, g, first[sent[0]++]);
			} else {
				group_send_one(b, h, second[sent[1]++]);
			}
		}
		assert_int_equal(b->accepted, before + 2);
		bench_drain(b);
	}
}

static void
groups_mix_with_the_same_mark(void **state)
{
	(void)state;
	for (size_t round = 0; round < 8; round++) {
		struct group g;
		struct group h;

		make(&g, 1, random_u32(&seed));
		make(&h, 1 + 2 * (round % 2), random_u32(&seed));
		h.src = g.src;
		memcpy(h.window, g.window, sizeof h.window);
		interleave(&g, &h);
	}
}

/*
 * The mixture looks like guesses, which 30-bit keys have to bear; at the
 * latest the retransmissions, with marks of their own, are accepted.
 */
static void
short_keys_mix_with_the_same_mark(void **state)
{
	(void)state;
	for (size_t round = 0; round < 300; round++) {
		struct group g[2];
		size_t order[2][FRAME_MAX];
		size_t sent[2] = { 0, 0 };
		size_t before = b->accepted;

		make(&g[0], 0, random_u32(&seed));
		make(&g[1], 2 * (round % 2), random_u32(&seed));
		g[1].src = g[0].src;
		memcpy(g[1].window, g[0].window, sizeof g[1].window);
		group_order(&g[0], order[0]);
		group_order(&g[1], order[1]);
		while (sent[0] + sent[1] < 2 * FRAME_BASE) {
			size_t i = random_below(&seed, 2);

			i = sent[i] < FRAME_BASE ? i : 1 - i;
			group_send_one(b, &g[i], order[i][sent[i]++]);
		}
		for (int again = 0; b->accepted < before + 2; again++) {
			assert_true(again < 2);
			bench_drain(b);
			group_make(&g[again], &b->keys[0], PORT, b->now.instant,
				   random_u32(&seed), &seed);
			g[again].src = g[0].src;
			group_send(b, &g[again], NULL);
		}
		bench_drain(b);
	}
}

static void
duplicates_do_no_harm(void **state)
{
	(void)state;
	for (size_t key = 0; key < KEYS; key++) {
		struct group g;
		size_t order[FRAME_MAX];

		make(&g, key, random_u32(&seed));
		group_order(&g, order);
		for (size_t i = 0; i < g.frames; i++) {
			for (size_t j = i; j < g.frames; j++) {
				size_t before = b->accepted;
				uint64_t counted =
					b->receiver.counters.duplicates;

				bench_forget(b);
				for (size_t k = 0; k < g.frames; k++) {
					group_send_one(b, &g, order[k]);
					if (k == j) {
						group_send_one(b, &g, order[i]);
					}
				}
				assert_int_equal(b->accepted, before + 1);
				assert_int_equal(
					b->receiver.counters.duplicates,
					counted + (j + 1 < g.frames));
				bench_drain(b);
				assert_int_equal(b->accepted, before + 1);
			}
		}
	}
}

/* Every frame twice in a row, and the whole of it once more later. */
static void
a_doubling_path_connects_once(void **state)
{
	struct group g;
	size_t order[FRAME_MAX];

	(void)state;
	make(&g, 1, random_u32(&seed));
	group_order(&g, order);
	for (size_t i = 0; i < g.frames; i++) {
		group_send_one(b, &g, order[i]);
		group_send_one(b, &g, order[i]);
	}
	group_send(b, &g, NULL);
	assert_int_equal(b->accepted, 1);
	/* One for each further SYN0, with the frames that came again. */
	assert_int_equal(b->by_reason[VERIFY_REPLAY], 2);
	bench_drain(b);
	assert_int_equal(b->accepted, 1);
}

static void
a_lost_frame_ends_the_group(void **state)
{
	(void)state;
	for (size_t key = 0; key < KEYS; key++) {
		for (size_t lost = 0; lost < FRAME_BASE + key; lost++) {
			struct group g;
			uint64_t before = b->by_reason[VERIFY_INCOMPLETE];

			make(&g, key, 0x12345678);
			if (lost >= g.frames) {
				continue;
			}
			for (size_t role = g.frames; role-- > 0;) {
				if (role != lost) {
					group_send_one(b, &g, role);
				}
			}
			assert_int_equal(b->accepted, 0);
			bench_wait(b, b->limits.assembly_ms);
			assert_false(bench_expire(b));
			assert_true(b->held > 0);
			bench_wait(b, 1);
			while (bench_expire(b)) {
			}
			assert_int_equal(b->held, 0);
			assert_int_equal(b->accepted, 0);
			assert_int_equal(b->by_reason[VERIFY_INCOMPLETE],
					 before + 1);
			assert_int_equal(b->event.key_no, -1);
			/* What was lost comes too late. */
			group_send_one(b, &g, lost);
			assert_int_equal(b->accepted, 0);
			bench_drain(b);
		}
	}
}

/* A frame late by the whole time for assembly is in time, later is not. */
static void
time_to_complete_is_exact(void **state)
{
	(void)state;
	for (uint64_t late = 0; late < 2; late++) {
		struct group g;
		size_t order[FRAME_MAX];

		make(&g, 1, random_u32(&seed));
		group_order(&g, order);
		for (size_t i = 0; i < g.frames; i++) {
			if (i + 1 == g.frames) {
				bench_wait(b, b->limits.assembly_ms + late);
			}
			group_send_one(b, &g, order[i]);
		}
		assert_int_equal(b->accepted, 1);
		bench_drain(b);
	}
}

/* TCP's own way: each retransmission is a new group. */
static void
loss_costs_retransmissions_only(void **state)
{
	unsigned tries = 0;

	(void)state;
	for (uint32_t connection = 0; connection < 300; connection++) {
		uint32_t isn = random_u32(&seed);
		size_t before = b->accepted;
		struct group g;

		for (unsigned n = 0; b->accepted == before; n++) {
			size_t order[FRAME_MAX];

			assert_true(n < 40);
			tries++;
			make(&g, connection % KEYS, isn);
			group_order(&g, order);
			for (size_t i = 0; i < g.frames; i++) {
				if (random_below(&seed, 5) != 0) {
					group_send_one(b, &g, order[i]);
				}
			}
			bench_drain(b);
		}
		assert_int_equal(b->accepted, before + 1);
	}
	/* 0.8 to the fourth is 0.41: that is what it costs. */
	assert_true(tries < 300 * 5);
	assert_int_equal(b->by_reason[VERIFY_MAC], 0);
}

/* Address translation gives every frame another port. */
static void
source_ports_may_be_anything(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct group g;
		size_t order[FRAME_MAX];
		size_t before = b->accepted;

		make(&g, (size_t)round % KEYS, random_u32(&seed));
		for (size_t i = 0; i < g.frames; i++) {
			g.sport[i] = round % 3 == 0
				? 443
				: (uint16_t)random_u32(&seed);
		}
		order_init(order, g.frames);
		order_shuffle(order, g.frames, &seed);
		group_send(b, &g, order);
		assert_accepted(&g, before);
		b->now.ms += 10;
	}
}

static void
ipv6_is_no_different(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct group g;
		size_t order[FRAME_MAX];
		size_t before = b->accepted;

		make(&g, i % KEYS, random_u32(&seed));
		g.src = addr6(i / 2, i);
		g.dst = addr6(9, 9);
		order_init(order, g.frames);
		order_shuffle(order, g.frames, &seed);
		group_send(b, &g, order);
		assert_accepted(&g, before);
	}
	bench_drain(b);
}

static void
make_loose(struct group *g, size_t key, bool stamped)
{
	group_make(g, &b->keys[key], PORT_LOOSE, b->now.instant,
		   random_u32(&seed), &seed);
	g->src = addr4(0x0a000001);
	for (size_t i = 0; i < g->frames; i++) {
		g->window[i] = (uint16_t)random_u32(&seed);
	}
	if (stamped) { /* a time stamp tells one SYN from the next */
		be32_store(g->options + 8, random_u32(&seed));
	}
}

/* One at a time needs no options to tell groups apart. */
static void
windows_may_be_rewritten(void **state)
{
	(void)state;
	for (size_t key = 0; key < KEYS - 1; key++) {
		struct group g;
		size_t order[FRAME_MAX];

		make_loose(&g, key, false);
		order_init(order, g.frames);
		do {
			size_t before = b->accepted;

			bench_forget(b);
			bench_wait(b, 10);
			group_send(b, &g, order);
			assert_accepted(&g, before);
			assert_int_equal(b->receiver.reassembly.groups_used, 0);
		} while (order_next(order, g.frames));
	}
}

#define AT_ONCE 10

static void
send_at_once(const struct group *g, bool in_order)
{
	size_t order[AT_ONCE * FRAME_MAX];
	size_t sending[AT_ONCE][FRAME_MAX];
	size_t sent[AT_ONCE] = { 0 };

	for (size_t i = 0; i < AT_ONCE; i++) {
		if (in_order) {
			group_order(&g[i], sending[i]);
		} else {
			order_init(sending[i], g[i].frames);
			order_shuffle(sending[i], g[i].frames, &seed);
		}
	}
	order_init(order, COUNT(order));
	order_shuffle(order, COUNT(order), &seed);
	for (size_t i = 0; i < COUNT(order); i++) {
		size_t which = order[i] % AT_ONCE;

		if (sent[which] < g[which].frames) {
			group_send_one(b, &g[which],
				       sending[which][sent[which]++]);
		}
	}
}

/* A path that gives every frame another time stamp, too. */
static void
options_may_be_rewritten(void **state)
{
	(void)state;
	for (size_t n = 0; n < 8; n++) {
		struct group g;
		size_t order[FRAME_MAX];
		uint32_t isn = n % 2 ? 0x20000000 : random_u32(&seed);

		make_loose(&g, n / 2, true);
		g.seq[FRAME_SYN0] = isn;
		mac_sign(&b->keys[n / 2].mac, PORT_LOOSE, g.seq, NULL);
		order_init(order, g.frames);
		do {
			size_t before = b->accepted;

			bench_forget(b);
			b->now.ms += 2000;
			for (size_t i = 0; i < g.frames; i++) {
				be32_store(g.options + 8, (uint32_t)i);
				group_send_one(b, &g, order[i]);
			}
			assert_accepted(&g, before);
		} while (order_next(order, g.frames));
	}
}

/* As a browser does behind a path that rewrites windows. */
static void
loose_connections_come_at_once(void **state)
{
	(void)state;
	for (size_t round = 0; round < 100; round++) {
		struct group g[AT_ONCE];
		size_t before = b->accepted;

		for (size_t i = 0; i < AT_ONCE; i++) {
			make_loose(&g[i], round % 3, true);
		}
		send_at_once(g, false);
		assert_int_equal(b->accepted, before + AT_ONCE);
		bench_drain(b);
		bench_wait(b, 10000);
	}
}

/* Keys of different lengths, mixed. */
static void
loose_connections_of_many_keys(void **state)
{
	(void)state;
	for (size_t round = 0; round < 100; round++) {
		struct group g[AT_ONCE];
		size_t before = b->accepted;

		for (size_t i = 0; i < AT_ONCE; i++) {
			make_loose(&g[i], i % KEYS, true);
		}
		send_at_once(g, false);
		assert_int_equal(b->accepted, before + AT_ONCE);
		bench_drain(b);
		bench_wait(b, 10000);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_order_is_accepted),
		T(isn_may_look_like_any_frame),
		T(isn_may_equal_another_frame),
		T(groups_mix_with_different_marks),
		T(groups_mix_with_the_same_mark),
		T(short_keys_mix_with_the_same_mark),
		T(duplicates_do_no_harm),
		T(a_doubling_path_connects_once),
		T(a_lost_frame_ends_the_group),
		T(time_to_complete_is_exact),
		T(loss_costs_retransmissions_only),
		T(source_ports_may_be_anything),
		T(ipv6_is_no_different),
		T(windows_may_be_rewritten),
		T(options_may_be_rewritten),
		T(loose_connections_come_at_once),
		T(loose_connections_of_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
