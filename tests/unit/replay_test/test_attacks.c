/* Attacks against the receiver itself; and the odds of guessing. */
#include "unit/support.h"

#include <string.h>

#include "replay_test/attacks.h"
#include "replay_test/guess_odds.h"

#define PORT 22
#define OTHER 80
#define TOLERANCE 30u

/* A receiver, and all that an attacker with the key has. */
struct fight {
	struct bench *b;
	struct acl_key *key;
	uint64_t seed;
	struct sender_group group, second;
	struct attack_scene scene;
};

static uint16_t
fresh_port(struct fight *f)
{
	return (uint16_t)(1024 + random_below(&f->seed, 60000));
}

static void
sign(struct fight *f, struct sender_group *g, uint64_t ago)
{
	const struct frame_head head = {
		.flags = f->key->mac.extra,
		.key_no = f->key->no,
		.instant = f->b->now.instant - ago,
	};

	g->seq[FRAME_SYN0] = random_u32(&f->seed);
	g->mark = (uint16_t)random_u32(&f->seed);
	for (size_t i = 0; i < FRAME_MAX; i++) {
		g->sport[i] = fresh_port(f);
	}
	sender_seal(g, &f->key->mac, &head, PORT);
}

static void
begin(struct fight *f, enum mac_suite suite, unsigned extra)
{
	*f = (struct fight){ .b = bench_new(), .seed = 7 + extra };
	bench_rule(f->b, PORT, false);
	bench_rule(f->b, OTHER, false);
	f->key = bench_key(f->b, 10, suite, extra);
	bench_allow(f->b, PORT, 10, 10);
	bench_allow(f->b, OTHER, 10, 10);
	bench_start(f->b);
}

static void
end(struct fight *f)
{
	bench_free(f->b);
}

/* The shot goes through the receiver; how many of its frames are accepted. */
static size_t
shoot(struct fight *f, const struct attack_shot *shot, uint16_t port)
{
	size_t before = f->b->accepted;

	for (size_t i = 0; i < shot->count; i++) {
		const struct attack_frame *frame = &shot->frames[i];
		const struct packet p = {
			.src = addr4(frame->other_address ? 2 : 1),
			.dst = addr4(100),
			.sport = frame->sport,
			.dport = port,
			.seq = frame->seq,
			.window = frame->window,
			.flags = PACKET_SYN,
			.data_len = shot->data,
		};

		bench_packet(f->b, &p, NULL, NULL);
	}
	return f->b->accepted - before;
}

static void
set_scene(struct fight *f)
{
	f->scene = (struct attack_scene){
		.group = &f->group,
		.second = &f->second,
		.key = f->key,
		.port = PORT,
		.instant = f->b->now.instant,
		.tolerance = TOLERANCE,
		.mark = (uint16_t)(f->group.mark ^ 1),
		.second_mark = (uint16_t)(f->group.mark ^ 2),
		.isn = random_u32(&f->seed),
	};
	for (size_t i = 0; i < ATTACK_FRAMES_MAX; i++) {
		f->scene.sports[i] = fresh_port(f);
	}
}

/* Whether it is made of a group that was accepted, as an attacker does. */
static bool
is_of_used(const struct fight *f, enum attack_kind kind)
{
	return attacks[kind].base == ATTACK_OF_USED ||
		(kind == ATTACK_OTHER_SERVICE &&
		 f->key->mac.suite == MAC_HMAC_MD5);
}

static void
prepare(struct fight *f, enum attack_kind kind)
{
	struct attack_shot shot;

	/* Guesses are there again, and nothing waits. */
	bench_wait(f->b, 20000);
	bench_drain(f->b);
	sign(f, &f->group, 0);
	sign(f, &f->second, 256 + 77);
	set_scene(f);
	if (is_of_used(f, kind)) {
		attack_send(&f->group, &shot);
		assert_int_equal(shoot(f, &shot, PORT), 1);
	}
}

static void
fight_all(enum mac_suite suite, unsigned extra)
{
	struct fight f;

	begin(&f, suite, extra);
	for (unsigned kind = 0; kind < ATTACKS; kind++) {
		unsigned count = attack_variants(kind, FRAME_BASE + extra);

		for (unsigned v = 0; v < count && kind != ATTACK_GUESS; v++) {
			struct attack_shot shot;
			size_t allowed = kind == ATTACK_RACE;

			prepare(&f, kind);
			if (!attack_make(kind, v, &f.scene, &shot)) {
				/* A frame that both groups have. */
				assert_int_equal(kind, ATTACK_MIXED);
				continue;
			}
			assert_int_equal(shoot(&f, &shot,
					       kind == ATTACK_OTHER_SERVICE
						       ? OTHER
						       : PORT),
					 allowed);
		}
	}
	end(&f);
}

static void
nothing_gets_in(void **state)
{
	(void)state;
	fight_all(MAC_HMAC_MD5, 0);
	for (unsigned extra = 0; extra <= FRAME_EXTRA_MAX; extra++) {
		fight_all(MAC_HMAC_SHA256, extra);
	}
}

/* Each is refused for what it is about, and for nothing before that. */
static void
for_the_right_reason(void **state)
{
	static const struct {
		enum attack_kind kind;
		enum verify_reason reason;
	} expected[] = {
		{ ATTACK_AGAIN, VERIFY_REPLAY },
		{ ATTACK_OTHER_PORTS, VERIFY_REPLAY },
		{ ATTACK_OTHER_ADDRESS, VERIFY_REPLAY },
		{ ATTACK_OTHER_MARK, VERIFY_REPLAY },
		{ ATTACK_REVERSED, VERIFY_REPLAY },
		{ ATTACK_FLIP_ISN, VERIFY_MAC },
		{ ATTACK_FLIP_FLAGS, VERIFY_FLAGS },
		{ ATTACK_FLIP_KEY, VERIFY_KEY },
		{ ATTACK_FLIP_FRACTION, VERIFY_MAC },
		{ ATTACK_FLIP_SYN3, VERIFY_MAC },
		{ ATTACK_FLIP_SYN4, VERIFY_MAC },
		{ ATTACK_TIME_NOW, VERIFY_MAC },
		{ ATTACK_FUTURE, VERIFY_TIME },
		{ ATTACK_PAST, VERIFY_TIME },
		{ ATTACK_FLAGS, VERIFY_FLAGS },
		{ ATTACK_RACE, VERIFY_REPLAY },
		{ ATTACK_OPTIONS, VERIFY_REPLAY },
		{ ATTACK_DATA, VERIFY_MALFORMED },
	};
	struct fight f;

	(void)state;
	begin(&f, MAC_HMAC_SHA256, 1);
	for (size_t i = 0; i < COUNT(expected); i++) {
		enum attack_kind kind = expected[i].kind;
		struct attack_shot shot;

		prepare(&f, kind);
		/* An ISN like no frame: one way to put it together. */
		assert_true(attack_make(kind, 0, &f.scene, &shot));
		shoot(&f, &shot, PORT);
		bench_drain(f.b);
		assert_true(f.b->by_reason[expected[i].reason] > 0);
		assert_int_equal(f.b->event.reason, expected[i].reason);
	}
	end(&f);
}

/* Every bit of every number is flipped once, and nothing else changes. */
static void
each_bit_once(void **state)
{
	uint32_t flipped[FRAME_MAX] = { 0 };
	struct fight f;

	(void)state;
	begin(&f, MAC_HMAC_SHA256, 3);
	prepare(&f, ATTACK_FLIP_ISN);
	for (unsigned kind = ATTACK_FLIP_ISN; kind <= ATTACK_FLIP_SYN6;
	     kind++) {
		unsigned count = attack_variants(kind, FRAME_MAX);

		assert_true(count > 0);
		for (unsigned v = 0; v < count; v++) {
			struct attack_shot shot;
			unsigned bits = 0;

			assert_true(attack_make(kind, v, &f.scene, &shot));
			assert_int_equal(shot.count, FRAME_MAX);
			for (size_t i = 0; i < shot.count; i++) {
				enum frame_role role =
					frame_sent_at(i, FRAME_MAX);
				uint32_t change =
					shot.frames[i].seq ^ f.group.seq[role];

				flipped[role] |= change;
				bits += (unsigned)__builtin_popcount(change);
			}
			assert_int_equal(bits, 1);
		}
	}
	for (size_t role = 0; role < FRAME_MAX; role++) {
		assert_int_equal(flipped[role], UINT32_MAX);
	}
	/* What the group does not have can't be flipped. */
	assert_int_equal(attack_variants(ATTACK_FLIP_SYN4, FRAME_BASE), 0);
	assert_int_equal(attack_variants(ATTACK_FLIP_SYN6, FRAME_MAX - 1), 0);
	end(&f);
}

static void
a_guess_is_a_group(void **state)
{
	const uint32_t bits[1 + FRAME_EXTRA_MAX] = { UINT32_MAX, 0, 1, 2 };
	struct attack_shot shot;
	struct fight f;

	(void)state;
	begin(&f, MAC_HMAC_SHA256, 3);
	prepare(&f, ATTACK_GUESS);
	/* Of now, whenever the group is from. */
	sign(&f, &f.group, 100 * 256);
	attack_guess(&f.scene, bits, &shot);
	assert_int_equal(shoot(&f, &shot, PORT), 0);
	bench_drain(f.b);
	assert_int_equal(f.b->event.reason, VERIFY_MAC);
	/* The right bits would have been let in. */
	attack_send(&f.second, &shot);
	assert_int_equal(shoot(&f, &shot, PORT), 1);
	end(&f);
}

static void
names(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < ATTACKS; kind++) {
		const struct attack *a = &attacks[kind];

		assert_non_null(a->name);
		assert_non_null(a->what);
		assert_non_null(a->hole);
		assert_int_equal(attack_find(a->name, strlen(a->name)), kind);
	}
	assert_int_equal(attack_find("flip", 4), ATTACKS);
	assert_int_equal(attack_find("", 0), ATTACKS);
	assert_int_equal(attack_find("again,plain", 5), ATTACK_AGAIN);
}

static void
odds_of_guessing(void **state)
{
	struct odds odds;

	(void)state;
	/* PROTOCOL: at 10^5 a second, 30 bits fall within three hours. */
	odds_compute(&odds, 30, 1000000, 10, 100, 100);
	assert_false(odds.is_bound);
	assert_true(odds.let_through > 99999 && odds.let_through < 100001);
	assert_true(odds.mean > 2.9 * 3600 && odds.mean < 3 * 3600);
	assert_true(odds.half < odds.mean && odds.half > 0.69 * odds.mean);
	/* One in a hundred is looked at: a hundred times as long. */
	odds_compute(&odds, 30, 1000000, 10, 100, 1);
	assert_true(odds.mean > 290 * 3600.0 && odds.mean < 300 * 3600.0);
	/* None of a hundred: less than three. */
	odds_compute(&odds, 30, 1000, 1, 100, 0);
	assert_true(odds.is_bound);
	assert_true(odds.let_through > 29.9 && odds.let_through < 30.1);
	/* Nothing is known. */
	odds_compute(&odds, 60, 1000, 1, 0, 0);
	assert_true(odds.is_bound && odds.let_through > 999);
	/* Nothing was sent. */
	odds_compute(&odds, 60, 0, 0, 0, 0);
	assert_true(odds.let_through == 0 && odds.mean == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_gets_in),
		cmocka_unit_test(for_the_right_reason),
		cmocka_unit_test(each_bit_once),
		cmocka_unit_test(a_guess_is_a_group),
		cmocka_unit_test(names),
		cmocka_unit_test(odds_of_guessing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
