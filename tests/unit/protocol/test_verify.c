/* The search for a connection among frames, without a receiver around it. */
#include "unit/protocol/bench_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/verify.h"
#include "protocol/reassembly.h"

#define PORT 22

static struct verify_scene scene;
static struct packet_addr src;

enum { KEY_30, KEY_60, KEY_118 };

static int
setup(void **state)
{
	setup_bench(state);
	src = addr4(0x0a000001);
	bench_key(b, 10, MAC_HMAC_SHA256, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 1);
	bench_key(b, 12, MAC_HMAC_SHA256, 3);
	bench_allow(b, PORT, 10, 12);
	bench_start(b);
	scene = (struct verify_scene){
		.acl = &b->acl,
		.guess = &b->receiver.guess,
		.src = &src,
		.dport = PORT,
		.tolerance = 30,
		.macs = { VERIFY_BUDGET_MAX, VERIFY_BUDGET_MAX },
		.instant = b->now.instant,
		.ms = b->now.ms,
	};
	return 0;
}

static void
make(struct group *g, unsigned key, uint32_t isn)
{
	group_make(g, &b->keys[key], PORT, scene.instant, isn, &seed);
}

static size_t
add(struct verify_frame *frames, size_t count, const struct group *g,
    size_t role)
{
	frames[count] = (struct verify_frame){
		.seq = g->seq[role],
		.maybe_syn0 = true,
	};
	return count + 1;
}

/* A whole group, in the order of sending. */
static size_t
add_group(struct verify_frame *frames, size_t count, const struct group *g)
{
	size_t order[FRAME_MAX];

	group_order(g, order);
	for (size_t i = 0; i < g->frames; i++) {
		count = add(frames, count, g, order[i]);
	}
	return count;
}

static void
places_are_told(void **state)
{
	(void)state;
	for (unsigned key = KEY_30; key <= KEY_118; key++) {
		size_t order[FRAME_MAX];
		struct verify_frame frames[FRAME_MAX];
		struct verify found;
		struct group g;

		make(&g, key, 0x12345678);
		order_init(order, g.frames);
		for (int n = 0; n < 200; n++) {
			size_t count = 0;

			order_shuffle(order, g.frames, &seed);
			for (size_t i = 0; i < g.frames; i++) {
				count = add(frames, count, &g, order[i]);
			}
			scene.ms += 10000;
			verify_find(&scene, frames, count, &found);
			assert_int_equal(found.reason, VERIFY_ACCEPTED);
			assert_int_equal(found.frames, g.frames);
			assert_int_equal(found.instant, scene.instant);
			assert_int_equal(found.key_no, b->keys[key].no);
			assert_ptr_equal(found.key, &b->keys[key]);
			for (size_t i = 0; i < g.frames; i++) {
				assert_int_equal(found.at[order[i]], i);
			}
		}
	}
}

/* With every frame but the last nothing is found, whichever is missing. */
static void
nothing_is_found_before_the_last(void **state)
{
	(void)state;
	for (unsigned key = KEY_30; key <= KEY_118; key++) {
		struct group g;

		make(&g, key, 0x12345678);
		for (size_t missing = 0; missing < g.frames; missing++) {
			struct verify_frame frames[FRAME_MAX];
			struct verify found;
			size_t count = 0;

			for (size_t role = 0; role < g.frames; role++) {
				if (role != missing) {
					count = add(frames, count, &g, role);
				}
				verify_find(&scene, frames, count, &found);
				assert_int_not_equal(found.reason,
						     VERIFY_ACCEPTED);
				assert_int_equal(found.frames, 0);
			}
		}
	}
}

static void
a_packet_let_go_is_no_syn0(void **state)
{
	struct verify_frame frames[FRAME_MAX];
	struct verify found;
	struct group g;
	size_t count;

	(void)state;
	make(&g, KEY_60, 0x12345678);
	count = add_group(frames, 0, &g);
	frames[count - 1].maybe_syn0 = false;
	verify_find(&scene, frames, count, &found);
	assert_int_not_equal(found.reason, VERIFY_ACCEPTED);
	/* The others need not be held. */
	for (size_t i = 0; i < count; i++) {
		frames[i].maybe_syn0 = i + 1 == count;
	}
	verify_find(&scene, frames, count, &found);
	assert_int_equal(found.reason, VERIFY_ACCEPTED);
}

/* A group that was judged is not judged again for a frame beside it. */
static void
the_new_frame_is_in_it(void **state)
{
	const uint32_t others[] = { 0x00000001, 0x60000001, 0x80000001 };

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct verify_frame frames[FRAME_MAX + 1];
		struct verify found;
		struct group g;
		size_t count;

		make(&g, KEY_30, 0x12345678);
		g.seq[FRAME_SYN3] ^= 1;
		count = add_group(frames, 0, &g);
		verify_find(&scene, frames, count, &found);
		assert_int_equal(found.reason, VERIFY_MAC);
		assert_true(found.whole);
		frames[count] = (struct verify_frame){ .seq = others[i],
						       .maybe_syn0 = true };
		/* As SYN0 it is new, and wrong, too; nothing else is. */
		scene.ms += 100000;
		verify_find(&scene, frames, count + 1, &found);
		assert_int_equal(found.reason, VERIFY_MAC);
		assert_false(found.whole);
		assert_true(guess_allows(scene.guess, &src, scene.ms,
					 GUESS_BURST - 1));
		assert_false(
			guess_allows(scene.guess, &src, scene.ms, GUESS_BURST));
	}
}

static void
frames_around_a_group_do_no_harm(void **state)
{
	(void)state;
	for (int n = 0; n < 500; n++) {
		struct verify_frame frames[REASSEMBLY_FRAMES_STRICT];
		struct verify found;
		struct group g;
		size_t count = random_below(&seed, 8);

		make(&g, KEY_60, random_u32(&seed));
		for (size_t i = 0; i < count; i++) {
			frames[i] = (struct verify_frame){
				.seq = random_u32(&seed),
				.maybe_syn0 = true,
			};
		}
		count = add_group(frames, count, &g);
		verify_find(&scene, frames, count, &found);
		assert_int_equal(found.reason, VERIFY_ACCEPTED);
		assert_int_equal(found.at[FRAME_SYN0], count - 1);
	}
}

/* Of a frame that stands twice, the newer one is taken. */
static void
the_newest_frames_are_taken(void **state)
{
	struct verify_frame frames[2 * FRAME_MAX];
	struct verify found;
	struct group g;
	size_t count;

	(void)state;
	make(&g, KEY_60, 0x12345678);
	count = add_group(frames, 0, &g);
	count = add_group(frames, count, &g);
	verify_find(&scene, frames, count, &found);
	assert_int_equal(found.reason, VERIFY_ACCEPTED);
	for (size_t role = 0; role < g.frames; role++) {
		assert_true(found.at[role] >= g.frames);
	}
}

/* What only an address says to belong together: a group alone is found. */
static void
single_groups_are_found_alone(void **state)
{
	struct verify_frame frames[2 * FRAME_MAX];
	struct verify found;
	struct group g;
	size_t count;

	(void)state;
	scene.loose = true;
	make(&g, KEY_118, 0x12345678);
	count = add_group(frames, 0, &g);
	verify_find(&scene, frames, count, &found);
	assert_int_equal(found.reason, VERIFY_ACCEPTED);
	scene.single = true;
	verify_find(&scene, frames, count, &found);
	assert_int_equal(found.reason, VERIFY_ACCEPTED);
	frames[count] = frames[count - 1];
	frames[count - 1] = (struct verify_frame){ 1, true };
	verify_find(&scene, frames, count + 1, &found);
	assert_int_equal(found.reason, VERIFY_INCOMPLETE);
	scene.single = false;
	verify_find(&scene, frames, count + 1, &found);
	assert_int_equal(found.reason, VERIFY_ACCEPTED);
}

/* The dearest group there can be: the HMACs of one frame are bounded. */
static void
work_is_bounded(void **state)
{
	struct verify_frame frames[REASSEMBLY_FRAMES_LOOSE];
	struct verify found;
	struct group g;

	(void)state;
	make(&g, KEY_60, 0x12345678);
	for (uint32_t i = 0; i < COUNT(frames); i++) {
		/* Of SYN1 and SYN2 the oldest is the right one. */
		const uint32_t other[] = { i / 4 - 1, i / 4, 1, 1 };

		frames[i] = (struct verify_frame){
			.seq = g.seq[1 + i % 4] ^ other[i % 4],
			.maybe_syn0 = true,
		};
	}
	/* Right, but behind more wrong ones than are tried. */
	frames[0].seq = g.seq[FRAME_SYN0];
	frames[COUNT(frames) - 1].seq = g.seq[FRAME_SYN4];
	frames[COUNT(frames) - 2].seq = g.seq[FRAME_SYN3];
	verify_find(&scene, frames, REASSEMBLY_FRAMES_LOOSE, &found);
	assert_int_equal(found.reason, VERIFY_MAC);
	assert_int_equal(found.macs[VERIFY_IN_ORDER], VERIFY_MACS_STRICT);
	assert_int_equal(found.macs[VERIFY_REORDERED], VERIFY_MACS_STRICT);
}

/* Whatever the frames, the answer is one. */
static void
any_frames_are_judged(void **state)
{
	(void)state;
	for (int n = 0; n < 3000; n++) {
		struct verify_frame frames[REASSEMBLY_FRAMES_LOOSE];
		struct verify found;
		struct group g;
		size_t count = 1 + random_below(&seed, REASSEMBLY_FRAMES_LOOSE);

		make(&g, random_below(&seed, 3), random_u32(&seed));
		g.seq[FRAME_SYN0] ^= 1;
		scene.loose = n % 2;
		scene.single = scene.loose && n % 4 == 1;
		scene.ms += 1000;
		for (size_t i = 0; i < count; i++) {
			size_t role = random_below(&seed, FRAME_MAX);

			frames[i] = (struct verify_frame){
				.seq = role < g.frames ? g.seq[role]
						       : random_u32(&seed),
				.maybe_syn0 = random_below(&seed, 4) > 0,
			};
		}
		verify_find(&scene, frames, count, &found);
		assert_int_not_equal(found.reason, VERIFY_ACCEPTED);
		for (unsigned way = 0; way < VERIFY_WAYS; way++) {
			assert_true(found.macs[way] <=
				    (scene.loose ? VERIFY_MACS_LOOSE
						 : VERIFY_MACS_STRICT));
		}
		assert_true((unsigned)found.reason < VERIFY_REPLAY);
		assert_int_equal(found.key_no == -1,
				 found.reason == VERIFY_INCOMPLETE);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(places_are_told),
		T(nothing_is_found_before_the_last),
		T(a_packet_let_go_is_no_syn0),
		T(the_new_frame_is_in_it),
		T(frames_around_a_group_do_no_harm),
		T(the_newest_frames_are_taken),
		T(single_groups_are_found_alone),
		T(work_is_bounded),
		T(any_frames_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
