/* The receiver refuses what it should, each for its reason. */
#include "unit/protocol/bench_fixture.h"

#include <string.h>

#define PORT 22
#define PORT_OTHER 8080
#define SECOND 256 /* of an instant */

enum { KEY_MD5, KEY_60, KEY_118, KEY_UNLISTED, KEY_EARLY, KEY_LATE };

static struct acl_key other; /* in no list */

static int
setup(void **state)
{
	setup_bench(state);
	bench_rule(b, PORT, false);
	bench_rule(b, PORT_OTHER, false);
	bench_key(b, 0x5500, MAC_HMAC_MD5, 0);
	bench_key(b, 0x5501, MAC_HMAC_SHA256, 1);
	bench_key(b, 0x5502, MAC_HMAC_SHA256, 3);
	bench_key(b, 0x6600, MAC_HMAC_SHA256, 1);
	bench_key(b, 0x5504, MAC_HMAC_SHA256, 1)->not_before =
		b->now.instant + 1;
	bench_key(b, 0x5505, MAC_HMAC_SHA256, 1)->not_after = b->now.instant;
	bench_allow(b, PORT, 0x5500, 0x55ff);
	bench_allow(b, PORT_OTHER, 0x5501, 0x5501);
	bench_start(b);
	other = b->keys[KEY_60];
	other.no = 0x7700;
	return 0;
}

static void
make(struct group *g, unsigned key)
{
	group_make(g, &b->keys[key], PORT, b->now.instant, 0x12345678, &seed);
}

/* Taken off the wire ahead of the receiver, which hears of it. */
static void
witness_group(const struct group *g, const size_t *order)
{
	for (size_t i = 0; i < g->frames; i++) {
		const struct packet p = group_packet(g, order[i]);

		bench_witness(b, &p);
	}
}

/*
 * In the order of sending and reversed, come itself and only seen: never
 * accepted, for one reason, or for any with VERIFY_REASONS.  Of what was only
 * seen it is not asked whether it was accepted before.
 */
static void
assert_refused(const struct group *g, enum verify_reason reason)
{
	size_t order[FRAME_MAX];
	size_t reverse[FRAME_MAX];
	size_t before = b->accepted;

	group_order(g, order);
	for (size_t i = 0; i < g->frames; i++) {
		reverse[i] = order[g->frames - 1 - i];
	}
	for (int n = 0; n < 4; n++) {
		const bool seen = n < 2;
		const enum verify_reason why = seen && reason == VERIFY_REPLAY
			? VERIFY_INCOMPLETE
			: reason;
		uint64_t counted = why < VERIFY_REASONS ? b->by_reason[why] : 0;
		uint64_t instant = b->now.instant;

		if (seen) {
			witness_group(g, n == 0 ? order : reverse);
		} else {
			group_send(b, g, n == 2 ? order : reverse);
		}
		bench_drain(b);
		if (why < VERIFY_REASONS) {
			assert_int_equal(b->by_reason[why], counted + 1);
		}
		b->now.instant = instant;
		b->now.ms += 60000; /* guesses again */
	}
	assert_int_equal(b->accepted, before);
}

static void
assert_accepted(const struct group *g)
{
	size_t before = b->accepted;

	group_send(b, g, NULL);
	assert_int_equal(b->accepted, before + 1);
	assert_true(group_is_accepted(b, g));
}

static void
wrong_secret_is_mac(void **state)
{
	(void)state;
	for (unsigned key = KEY_MD5; key <= KEY_118; key++) {
		struct acl_key *k = &b->keys[key];
		struct acl_key forged = *k;
		struct group g;

		mac_key_init(&forged.mac, k->mac.suite, k->mac.extra,
			     (const uint8_t *)"sixteen guesses.", 16, NULL, 0);
		group_make(&g, &forged, PORT, b->now.instant, 0x12345678,
			   &seed);
		assert_refused(&g, VERIFY_MAC);
		assert_int_equal(b->event.key_no, k->no);
		assert_ptr_equal(b->event.key, k);
		assert_int_equal(b->event.dport, PORT);
	}
}

static void
realm_port_and_suite_are_bound(void **state)
{
	const struct acl_key *k = &b->keys[KEY_60];
	uint8_t secret[MAC_SECRET_MIN] = "a shared secret";
	struct acl_key realm = *k;
	struct group g;

	(void)state;
	mac_key_init(&realm.mac, MAC_HMAC_SHA256, 1, secret, sizeof secret,
		     (const uint8_t *)"web", 3);
	group_make(&g, &realm, PORT, b->now.instant, 1, &seed);
	assert_refused(&g, VERIFY_MAC);
	/* Signed for one port, sent to another of the same key. */
	make(&g, KEY_60);
	g.dport = PORT_OTHER;
	assert_refused(&g, VERIFY_MAC);
	assert_int_equal(b->event.dport, PORT_OTHER);
}

static void
unknown_key_is_key(void **state)
{
	struct group g;

	(void)state;
	group_make(&g, &other, PORT, b->now.instant, 0x12345678, &seed);
	assert_refused(&g, VERIFY_KEY);
	assert_int_equal(b->event.key_no, 0x7700);
	assert_null(b->event.key);
}

static void
unlisted_key_is_acl(void **state)
{
	struct group g;

	(void)state;
	make(&g, KEY_UNLISTED);
	assert_refused(&g, VERIFY_ACL);
	assert_int_equal(b->event.key_no, 0x6600);
	group_make(&g, &b->keys[KEY_MD5], PORT_OTHER, b->now.instant,
		   0x12345678, &seed);
	assert_refused(&g, VERIFY_ACL);
}

/* By the server's clock, to the tick. */
static void
keys_are_valid_for_their_time(void **state)
{
	struct group g;

	(void)state;
	make(&g, KEY_EARLY);
	assert_refused(&g, VERIFY_KEY);
	b->now.instant += 1;
	assert_accepted(&g);
	make(&g, KEY_LATE);
	b->now.instant -= 1;
	assert_refused(&g, VERIFY_KEY);
	b->now.instant -= 1;
	make(&g, KEY_LATE);
	assert_accepted(&g);
}

/* Each flag that is unknown, and each length that is not the key's. */
static void
foreign_flags_are_flags(void **state)
{
	(void)state;
	for (unsigned key = KEY_MD5; key <= KEY_118; key++) {
		uint8_t extra = b->keys[key].mac.extra;

		for (uint8_t flags = 0; flags < 32; flags++) {
			struct group g;

			group_make_flags(&g, &b->keys[key], PORT,
					 b->now.instant, 0x12345678, flags,
					 &seed);
			if (flags == extra) {
				assert_accepted(&g);
			} else if (flags > FRAME_EXTRA_MAX || flags < extra) {
				assert_refused(&g, VERIFY_FLAGS);
			} else {
				/* The frames that it names are missing. */
				assert_refused(&g, VERIFY_INCOMPLETE);
			}
		}
	}
}

/* As many frames as the flags say, but another number than the key's. */
static void
another_length_is_flags(void **state)
{
	(void)state;
	for (uint8_t extra = 0; extra <= FRAME_EXTRA_MAX; extra++) {
		const struct acl_key *k = &b->keys[KEY_60];
		struct acl_key longer = *k;
		struct group g;

		longer.mac.extra = extra;
		group_make(&g, &longer, PORT, b->now.instant, 0x12345678,
			   &seed);
		if (extra == k->mac.extra) {
			assert_accepted(&g);
		} else {
			assert_refused(&g, VERIFY_FLAGS);
		}
	}
}

static void
time_is_exact(void **state)
{
	const int64_t in_time[] = { 0, 1, -1, 30 * SECOND, -30 * SECOND };
	const int64_t late[] = {
		30 * SECOND + 1, -30 * SECOND - 1,   31 * SECOND,
		-31 * SECOND,    3600 * SECOND,      -3600 * SECOND,
		86400l * SECOND, -86400l * SECOND,   1l << 36,
		-(1l << 36),     (1l << 36) + 65536,
	};
	struct group g;

	(void)state;
	for (size_t i = 0; i < COUNT(in_time); i++) {
		group_make(&g, &b->keys[KEY_60], PORT,
			   b->now.instant + (uint64_t)in_time[i],
			   random_u32(&seed), &seed);
		assert_accepted(&g);
		assert_int_equal(b->event.skew, in_time[i]);
	}
	for (size_t i = 0; i < COUNT(late); i++) {
		group_make(&g, &b->keys[KEY_60], PORT,
			   b->now.instant + (uint64_t)late[i], 0x12345678,
			   &seed);
		assert_refused(&g, VERIFY_TIME);
	}
}

/* The wire has 29 bits of seconds, which is 17 years. */
static void
time_wraps(void **state)
{
	const uint64_t wrap = (uint64_t)1 << 29;

	(void)state;
	for (uint64_t era = 1; era < 8; era++) {
		for (int64_t client = -30; client <= 30; client += 10) {
			for (int64_t server = -30; server <= 30; server += 10) {
				uint64_t at = era * wrap * SECOND;
				struct group g;

				b->now.instant =
					at + (uint64_t)(server * SECOND);
				group_make(&g, &b->keys[KEY_118], PORT,
					   at + (uint64_t)(client * SECOND),
					   0x12345678, &seed);
				bench_forget(b);
				b->now.ms += 10;
				if (client - server > 30 ||
				    server - client > 30) {
					assert_refused(&g, VERIFY_TIME);
				} else {
					assert_accepted(&g);
					assert_int_equal(b->event.skew,
							 (client - server) *
								 SECOND);
				}
			}
		}
	}
}

/* A clock near the epoch, as of a machine without a battery. */
static void
time_begins_at_the_epoch(void **state)
{
	struct group g;

	(void)state;
	b->keys[KEY_60].not_before = 0;
	for (uint64_t now = 0; now < 40 * SECOND; now += SECOND) {
		b->now.instant = now;
		group_make(&g, &b->keys[KEY_60], PORT, now + 30 * SECOND,
			   random_u32(&seed), &seed);
		assert_accepted(&g);
		group_make(&g, &b->keys[KEY_60], PORT,
			   ((uint64_t)1 << 37) + now - 31 * SECOND, 0x12345678,
			   &seed);
		if (now < 31 * SECOND) {
			assert_refused(&g, VERIFY_TIME);
		}
	}
}

static void
replays_are_refused(void **state)
{
	(void)state;
	for (unsigned key = KEY_MD5; key <= KEY_118; key++) {
		struct group g;

		make(&g, key);
		assert_accepted(&g);
		assert_refused(&g, VERIFY_REPLAY);
		assert_int_equal(b->event.key_no, b->keys[key].no);
		/* From elsewhere, with other ports and another mark. */
		for (int i = 0; i < 20; i++) {
			g.src = i % 2 ? addr4(random_u32(&seed))
				      : addr6(random_u32(&seed), 1);
			for (size_t role = 0; role < g.frames; role++) {
				g.sport[role] = (uint16_t)random_u32(&seed);
				g.window[role] = (uint16_t)i;
			}
			assert_refused(&g, VERIFY_REPLAY);
		}
		/* For as long as its time is acceptable, and after. */
		for (int i = 0; i < 60; i++) {
			bench_wait(b, 1000);
			assert_refused(&g,
				       i < 30 ? VERIFY_REPLAY : VERIFY_TIME);
		}
		/* The same SYN-ORIG at another instant is another group. */
		make(&g, key);
		assert_accepted(&g);
	}
}

/* A copy that overtakes the rest of its group gains nothing. */
static void
replays_may_be_mixed_in(void **state)
{
	struct group g;
	struct group copy;
	size_t order[FRAME_MAX];

	(void)state;
	for (int i = 0; i < 100; i++) {
		size_t before = b->accepted;

		make(&g, KEY_60);
		g.seq[FRAME_SYN0] = random_u32(&seed);
		mac_sign(&b->keys[KEY_60].mac, PORT, g.seq, NULL);
		copy = g;
		copy.src = addr4(random_u32(&seed));
		group_order(&g, order);
		for (size_t n = 0; n < g.frames; n++) {
			group_send_one(b, &g, order[n]);
			group_send_one(b, &copy, order[n]);
		}
		assert_int_equal(b->accepted, before + 1);
		bench_drain(b);
		bench_wait(b, 100);
	}
}

/* The reason for one bit of one frame's being wrong, where it is known. */
static enum verify_reason
reason_of_flip(const struct group *g, size_t role, unsigned bit)
{
	unsigned auth_bits = role >= FRAME_SYN5 || role < FRAME_SYN3 ? 29 : 30;

	if (role == FRAME_SYN0) {
		return VERIFY_MAC;
	}
	if (bit >= auth_bits) {
		/* Another mark; of SYN5 an ISN of zeros can stand in. */
		return g->frames < FRAME_MAX ? VERIFY_INCOMPLETE
					     : VERIFY_REASONS;
	}
	if (role == FRAME_SYN2) {
		uint32_t now = (uint32_t)(b->now.instant >> 8);
		uint32_t then = g->seq[role] & 0x1fffffff;
		uint32_t apart = ((then ^ 1u << bit) - now) & 0x1fffffff;

		return apart <= 30 || apart >= 0x1fffffff - 29 ? VERIFY_MAC
							       : VERIFY_TIME;
	}
	if (role == FRAME_SYN1) {
		unsigned flags = frame_flags(g->seq[role] ^ 1u << bit);

		if (bit < 8) {
			return VERIFY_MAC; /* the fraction */
		}
		if (bit < 24) {
			return VERIFY_KEY; /* no other key is one bit away */
		}
		return flags > FRAME_EXTRA_MAX           ? VERIFY_FLAGS
			: flags < g->frames - FRAME_BASE ? VERIFY_FLAGS
							 : VERIFY_INCOMPLETE;
	}
	return VERIFY_MAC;
}

static void
every_bit_counts(void **state)
{
	(void)state;
	b->keys[KEY_UNLISTED].no = 0xaaaa; /* far from the others */
	b->keys[KEY_EARLY].no = 0xaaa1;
	b->keys[KEY_LATE].no = 0xaa0f;
	b->keys[KEY_60].no = 0x33ff;
	b->keys[KEY_118].no = 0xcc55;
	b->entry_keys[0] = (struct acl_range){ 0, 0xffff };
	acl_index(&b->acl);
	for (unsigned key = KEY_MD5; key <= KEY_118; key++) {
		struct group g;

		make(&g, key);
		for (size_t role = 0; role < g.frames; role++) {
			for (unsigned bit = 0; bit < 32; bit++) {
				struct group flipped = g;

				flipped.seq[role] ^= 1u << bit;
				assert_refused(&flipped,
					       reason_of_flip(&g, role, bit));
			}
		}
		assert_accepted(&g);
	}
}

/* A group with one frame of another group, both valid. */
static void
frames_of_two_groups_make_none(void **state)
{
	(void)state;
	for (unsigned key = KEY_MD5; key <= KEY_118; key++) {
		for (size_t role = 0; role < FRAME_BASE; role++) {
			struct group g;
			struct group h;
			size_t before = b->accepted;

			make(&g, key);
			group_make(&h, &b->keys[key], PORT,
				   b->now.instant + SECOND + 1, 0x07654321,
				   &seed);
			g.seq[role] = h.seq[role];
			group_send(b, &g, NULL);
			bench_drain(b);
			assert_int_equal(b->accepted, before);
			b->now.ms += 60000;
		}
	}
}

static void
only_first_syns_of_services_count(void **state)
{
	struct group g;
	struct packet p;

	(void)state;
	make(&g, KEY_60);
	for (unsigned flags = 0; flags < 256; flags++) {
		bool syn = (flags & 0x17) == PACKET_SYN;
		uint64_t syns = b->receiver.counters.syns;

		p = group_packet(&g, FRAME_SYN3);
		p.flags = (uint8_t)flags;
		p.window = (uint16_t)flags;
		assert_int_equal(bench_packet(b, &p, NULL, NULL),
				 syn ? RECEIVER_HOLD : RECEIVER_DROP);
		assert_int_equal(b->receiver.counters.syns, syns + syn);
		p.dport = 443;
		assert_int_equal(bench_packet(b, &p, NULL, NULL),
				 RECEIVER_PASS);
		assert_int_equal(b->receiver.counters.syns, syns + syn);
	}
}

static void
a_syn_with_data_is_malformed(void **state)
{
	struct group g;
	struct packet p;

	(void)state;
	make(&g, KEY_60);
	for (size_t role = 1; role < g.frames; role++) {
		group_send_one(b, &g, role);
	}
	p = group_packet(&g, FRAME_SYN0);
	p.data_len = 1;
	assert_int_equal(bench_packet(b, &p, g.options, NULL), RECEIVER_DROP);
	assert_int_equal(b->by_reason[VERIFY_MALFORMED], 1);
	assert_int_equal(b->event.sport, p.sport);
	assert_int_equal(b->accepted, 0);
	p.data_len = 0;
	assert_int_equal(bench_packet(b, &p, g.options, NULL), RECEIVER_ACCEPT);
}

static void
rules_name_devices_and_addresses(void **state)
{
	struct group g;
	struct packet p;

	(void)state;
	strcpy(b->rules[0].indev, "eth0");
	acl_index(&b->acl);
	make(&g, KEY_60);
	p = group_packet(&g, FRAME_SYN2);
	assert_int_equal(bench_packet(b, &p, NULL, NULL), RECEIVER_PASS);
	assert_int_equal(bench_packet(b, &p, NULL, "eth1"), RECEIVER_PASS);
	assert_int_equal(bench_packet(b, &p, NULL, "eth0"), RECEIVER_HOLD);
}

static void
reasons_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VERIFY_REASONS; i++) {
		assert_non_null(receiver_reason_name(i));
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(receiver_reason_name(i),
						receiver_reason_name(j));
		}
	}
	assert_string_equal(receiver_reason_name(VERIFY_REPLAY), "replay");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(wrong_secret_is_mac),
		T(realm_port_and_suite_are_bound),
		T(unknown_key_is_key),
		T(unlisted_key_is_acl),
		T(keys_are_valid_for_their_time),
		T(foreign_flags_are_flags),
		T(another_length_is_flags),
		T(time_is_exact),
		T(time_wraps),
		T(time_begins_at_the_epoch),
		T(replays_are_refused),
		T(replays_may_be_mixed_in),
		T(every_bit_counts),
		T(frames_of_two_groups_make_none),
		T(only_first_syns_of_services_count),
		T(a_syn_with_data_is_malformed),
		T(rules_name_devices_and_addresses),
		T(reasons_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
