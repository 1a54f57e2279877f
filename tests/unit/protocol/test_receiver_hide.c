/* What strangers get, packets on their way through, and a lost memory. */
#include "unit/protocol/bench_fixture.h"

#include <string.h>

#define PORT 22

static struct acl_rule *rule;

static int
setup(void **state)
{
	setup_bench(state);
	rule = bench_rule(b, PORT, false);
	bench_key(b, 10, MAC_HMAC_MD5, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 1);
	bench_allow(b, PORT, 10, 11);
	bench_start(b);
	return 0;
}

static void
make(struct group *g, size_t key)
{
	group_make(g, &b->keys[key], PORT, b->now.instant, random_u32(&seed),
		   &seed);
}

/*
 * An answer is given to every packet at once, so that nobody can tell
 * by it what the receiver thinks of one: only a whole group gets another.
 */
static void
answers_tell_nothing(enum receiver_verdict answer)
{
	for (unsigned i = 0; i < 400; i++) {
		size_t order[FRAME_MAX];
		struct packet p;
		struct group g;

		make(&g, i % 2);
		group_order(&g, order);
		p = group_packet(&g, FRAME_SYN0);
		p.seq = random_u32(&seed);
		p.window ^= 1;
		p.flags = i % 3 ? PACKET_SYN : (uint8_t)random_u32(&seed);
		p.data_len = i % 5 == 0;
		assert_int_equal(bench_packet(b, &p, NULL, NULL), answer);
		for (size_t n = 0; n < g.frames; n++) {
			assert_int_equal(group_send_one(b, &g, order[n]),
					 order[n] == FRAME_SYN0
						 ? RECEIVER_ACCEPT
						 : answer);
			assert_ptr_equal(b->result.rule, rule);
		}
		/* Again, or wrong, or in another order: as a stranger. */
		make(&g, i % 2);
		g.seq[1 + i % 3] ^= 1;
		group_order(&g, order);
		for (size_t n = 0; n < g.frames; n++) {
			assert_int_equal(group_send_one(b, &g, order[n]),
					 answer);
		}
		assert_int_equal(b->held, 0);
		bench_drain(b);
		b->now.ms += 60000;
	}
}

static void
a_closed_port_answers_all(void **state)
{
	(void)state;
	rule->hide = ACL_CLOSED;
	answers_tell_nothing(RECEIVER_CLOSED);
}

static void
a_decoy_gets_all(void **state)
{
	(void)state;
	rule->hide = ACL_DECOY;
	rule->decoy = addr4(0x7f000001);
	rule->decoy_port = 2222;
	answers_tell_nothing(RECEIVER_DECOY);
}

static void
a_decoy_has_a_family(void **state)
{
	struct group g;

	(void)state;
	rule->hide = ACL_DECOY;
	rule->decoy = addr6(1, 1);
	make(&g, 1);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN2), RECEIVER_DROP);
	g.src = addr6(2, 2);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN2), RECEIVER_DECOY);
}

/* Replays get what strangers get, too. */
static void
a_replay_is_a_stranger(void **state)
{
	const enum acl_hide hides[] = { ACL_FILTERED, ACL_CLOSED, ACL_DECOY };
	const enum receiver_verdict gets[] = { RECEIVER_DROP, RECEIVER_CLOSED,
					       RECEIVER_DECOY };

	(void)state;
	rule->decoy = addr4(0x7f000001);
	for (size_t i = 0; i < COUNT(hides); i++) {
		struct group g;

		rule->hide = hides[i];
		make(&g, 1);
		group_send(b, &g, NULL);
		assert_int_equal(b->accepted, i + 1);
		group_send(b, &g, NULL);
		assert_int_equal(b->result.verdict, gets[i]);
		assert_int_equal(b->event.reason, VERIFY_REPLAY);
		assert_int_equal(b->accepted, i + 1);
	}
}

/* What was held while it was hidden otherwise is let go of. */
static void
hiding_may_change_meanwhile(void **state)
{
	struct group g;

	(void)state;
	make(&g, 1);
	group_send_one(b, &g, FRAME_SYN0);
	assert_int_equal(b->held, 1);
	rule->hide = ACL_CLOSED;
	group_send_one(b, &g, FRAME_SYN1);
	group_send_one(b, &g, FRAME_SYN3);
	group_send_one(b, &g, FRAME_SYN4);
	assert_int_equal(group_send_one(b, &g, FRAME_SYN2), RECEIVER_CLOSED);
	/* The held one was SYN0, and is whole now. */
	assert_int_equal(b->accepted, 1);
	assert_true(group_is_accepted(b, &g));
	bench_drain(b);
}

static void
rules_are_for_one_direction(void **state)
{
	const struct packet p = { .src = addr4(1),
				  .dst = addr4(2),
				  .dport = PORT,
				  .flags = PACKET_SYN };
	struct receiver_packet in = { .packet = &p };
	const struct {
		enum acl_type type;
		bool forwarded;
		enum receiver_verdict verdict;
	} list[] = {
		{ ACL_LOCAL, false, RECEIVER_HOLD },
		{ ACL_LOCAL, true, RECEIVER_PASS },
		{ ACL_ROUTER, true, RECEIVER_HOLD },
		{ ACL_ROUTER, false, RECEIVER_PASS },
		{ ACL_BRIDGE, true, RECEIVER_HOLD },
		{ ACL_BRIDGE, false, RECEIVER_PASS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		rule->type = list[i].type;
		in.forwarded = list[i].forwarded;
		receiver_input(&b->receiver, &b->now, &in, &b->result);
		assert_int_equal(b->result.verdict, list[i].verdict);
		b->now.ms += 10000;
		while (receiver_expire(&b->receiver, &b->now, &b->result)) {
		}
	}
}

/* Without a memory of what was before, only later groups are new. */
static void
a_lost_memory_refuses_the_past(void **state)
{
	const int64_t steps[] = { 0, 3600, -3600 };
	const uint64_t begin = b->now.instant;

	(void)state;
	receiver_begin_unknown(&b->receiver, &b->now);
	for (size_t i = 0; i < COUNT(steps); i++) {
		/* The clock is set right after the beginning. */
		uint64_t was = begin + (uint64_t)(steps[i] * 256);
		struct group g;

		b->now.instant = was + 10 * 256;
		b->now.ms += i == 0 ? 10000 : 0;
		bench_forget(b);
		for (int at = -20; at <= 20; at++) {
			size_t before = b->accepted;

			group_make(&g, &b->keys[1], PORT,
				   was + (uint64_t)(at * 256),
				   random_u32(&seed), &seed);
			group_send(b, &g, NULL);
			assert_int_equal(b->accepted, before + (at > 0));
			assert_int_equal(b->event.reason,
					 at > 0 ? VERIFY_ACCEPTED
						: VERIFY_REPLAY);
		}
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_closed_port_answers_all),
		T(a_decoy_gets_all),
		T(a_decoy_has_a_family),
		T(a_replay_is_a_stranger),
		T(hiding_may_change_meanwhile),
		T(rules_are_for_one_direction),
		T(a_lost_memory_refuses_the_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
