/* Every vector of PROTOCOL's file: encoded, decoded, signed, accepted. */
#include "support.h"

#define VECTORS_MAX 64

static struct vector vectors[VECTORS_MAX];
static size_t vectors_count;

static int
load(void **state)
{
	(void)state;
	vectors_count = vectors_load(vectors, VECTORS_MAX);
	assert_true(vectors_count >= 16);
	return 0;
}

static void
sign(const struct vector *v, struct mac_key *key)
{
	mac_key_init(key, v->suite, v->extra, v->secret, v->secret_len,
		     v->realm, v->realm_len);
}

static void
encode_gives_the_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < vectors_count; i++) {
		const struct vector *v = &vectors[i];
		const struct frame_head head = { (uint8_t)v->extra, v->key_no,
						 v->instant };
		uint32_t seq[FRAME_MAX] = { v->isn, frame_syn1(&head),
					    frame_syn2(&head) };
		struct mac_key key;

		sign(v, &key);
		mac_sign(&key, v->port, seq, NULL);
		print_message("%s\n", v->name);
		assert_memory_equal(seq, v->seq, v->seq_count * sizeof seq[0]);
	}
}

static void
decode_gives_back_the_fields(void **state)
{
	const int64_t apart[] = { 0, 1, -1, 30 * 256, -30 * 256 };

	(void)state;
	for (size_t i = 0; i < vectors_count; i++) {
		const struct vector *v = &vectors[i];

		assert_int_equal(v->seq[0], v->isn);
		assert_int_equal(frame_key_no(v->seq[1]), v->key_no);
		assert_int_equal(frame_flags(v->seq[1]), v->extra);
		for (unsigned role = 1; role < v->seq_count; role++) {
			assert_int_equal(frame_role_of(v->seq[role]), role);
		}
		for (size_t j = 0; j < COUNT(apart); j++) {
			uint64_t now = v->instant + (uint64_t)apart[j];

			if (apart[j] < 0 && v->instant < 31 * 256) {
				continue;
			}
			assert_int_equal(
				frame_instant(v->seq[1], v->seq[2], now),
				v->instant);
		}
	}
}

/* A receiver that knows the vector's key, at the vector's time. */
static struct bench *
bench_for(const struct vector *v, struct group *g)
{
	struct bench *b = bench_new();
	struct acl_key *key = bench_key(b, v->key_no, v->suite, v->extra);
	uint64_t seed = 1;

	sign(v, &key->mac);
	bench_rule(b, v->port, false);
	bench_allow(b, v->port, v->key_no, v->key_no);
	b->now.instant = v->instant;
	bench_start(b);
	group_make(g, key, v->port, v->instant, v->isn, &seed);
	for (size_t role = 0; role < v->seq_count; role++) {
		g->seq[role] = v->seq[role];
	}
	return b;
}

static void
accepted_in_every_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < vectors_count; i++) {
		struct group g;
		struct bench *b = bench_for(&vectors[i], &g);
		size_t order[FRAME_MAX];
		size_t orders = 0;

		print_message("%s\n", vectors[i].name);
		order_init(order, g.frames);
		do {
			bench_forget(b);
			b->now.ms += 10; /* no flood */
			group_send(b, &g, order);
			assert_int_equal(b->accepted, ++orders);
			assert_true(group_is_accepted(b, &g));
			assert_int_equal(b->held, 0);
			assert_int_equal(b->receiver.reassembly.groups_used, 0);
			assert_int_equal(b->event.skew, 0);
		} while (order_next(order, g.frames));
		assert_int_equal(orders,
				 g.frames == 4           ? 24
					 : g.frames == 5 ? 120
					 : g.frames == 6 ? 720
							 : 5040);
		/* And once more, without forgetting: a replay. */
		group_send(b, &g, NULL);
		assert_int_equal(b->accepted, orders);
		assert_int_equal(b->event.reason, VERIFY_REPLAY);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_gives_the_numbers),
		cmocka_unit_test(decode_gives_back_the_fields),
		cmocka_unit_test(accepted_in_every_order),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
