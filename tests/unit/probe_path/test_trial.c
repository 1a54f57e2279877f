/* Probes as they are built, and recognised by what is left of them. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "probe_path/trial.h"

static const uint8_t secret[16] = "sixteen bytes...";
static struct trial_probe *probes;

static struct trial
new_trial(bool v4)
{
	struct trial t = { .port = 8270, .rounds = 2, .probes = probes };

	t.near = v4 ? addr4(0xc0000201) : addr6(1, 1);
	t.far = v4 ? addr4(0xc0000202) : addr6(1, 2);
	return t;
}

static struct trial_numbers
numbers(uint64_t *seed, uint16_t sport)
{
	return (struct trial_numbers){ .value = random_u64(seed),
				       .seq = random_u32(seed),
				       .tsval = random_u32(seed),
				       .id = (uint16_t)(random_u32(seed) | 1),
				       .sport = sport };
}

static void
fill(struct trial *t, unsigned rounds, uint64_t *seed)
{
	uint16_t sports[FRAME_MAX];
	uint16_t sport = 1024;

	for (unsigned round = 0; round < rounds; round++) {
		for (enum field f = 0; f < FIELDS; f++) {
			struct trial_numbers n = numbers(seed, sport++);

			assert_true(trial_add_field(t, f, round, &n));
		}
		for (unsigned extra = 0; extra < TRIAL_GROUPS; extra++) {
			struct trial_numbers n = numbers(seed, sport++);
			struct mac_key key;
			struct trial_group group = {
				.key = &key,
				.instant = random_u64(seed) >> 24,
				.mark = (uint16_t)random_u32(seed),
				.sports = sports,
			};

			mac_key_init(&key, MAC_HMAC_SHA256, extra, secret,
				     sizeof secret, NULL, 0);
			for (size_t i = 0; i < FRAME_MAX; i++) {
				sports[i] = sport++;
			}
			assert_true(trial_add_group(t, round, &n, &group));
		}
	}
}

/* Each is a SYN as packet.h has them, with a right checksum. */
static void
builds_packets(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int v4 = 0; v4 < 2; v4++) {
		struct trial t = new_trial(v4);

		fill(&t, 2, &seed);
		assert_int_equal(t.count, 2 * (FIELDS + TRIAL_FRAMES));
		for (size_t i = 0; i < t.count; i++) {
			const struct trial_probe *p = &t.probes[i];
			struct packet parsed;

			assert_int_equal(
				packet_parse(&parsed, p->bytes, p->len, p->len),
				PACKET_OK);
			assert_true(packet_is_syn(&parsed));
			assert_int_equal(
				be16_load(p->bytes + parsed.tcp_at + 16),
				packet_tcp_checksum(p->bytes, &parsed));
		}
	}
}

/* A field's probe differs from others in that field, all of its bits both
 * ways in two rounds. */
static void
marks_fields(void **state)
{
	static const enum field random[] = {
		FIELD_ACK,      FIELD_WINDOW, FIELD_DSCP,
		FIELD_RESERVED, FIELD_URGENT, FIELD_UNKNOWN,
		FIELD_FASTOPEN, FIELD_LABEL,  FIELD_ECN_IP,
	};
	uint64_t seed = 2;

	(void)state;
	for (size_t i = 0; i < COUNT(random); i++) {
		enum field f = random[i];
		unsigned bits = field_kind(f)->bits;
		struct trial t = new_trial(f != FIELD_LABEL);
		struct trial_numbers n = numbers(&seed, 1024);
		uint64_t both;

		assert_true(trial_add_field(&t, f, 0, &n));
		assert_true(trial_add_field(&t, f, 1, &n));
		both = t.probes[0].sent.value[f] ^ t.probes[1].sent.value[f];
		assert_true(both ==
			    (bits == 64 ? UINT64_MAX : (1ull << bits) - 1));
	}
}

static void
is_never_without_a_mark(void **state)
{
	struct trial t = new_trial(true);
	struct trial_numbers n = { .sport = 1, .id = 1 };

	(void)state;
	for (n.value = 0; n.value < 256; n.value++) {
		for (unsigned round = 0; round < 2; round++) {
			t.count = 0;
			assert_true(trial_add_field(&t, FIELD_DSCP, round, &n));
			assert_true(
				trial_add_field(&t, FIELD_RESERVED, round, &n));
			assert_int_not_equal(t.probes[0].sent.value[FIELD_DSCP],
					     0);
			assert_int_not_equal(
				t.probes[1].sent.value[FIELD_RESERVED], 0);
		}
	}
}

/* A group: one window, other ports and numbers, and nothing else. */
static void
makes_groups(void **state)
{
	struct trial t = new_trial(true);
	uint64_t seed = 3;

	(void)state;
	fill(&t, 1, &seed);
	for (size_t i = FIELDS; i + 1 < t.count; i++) {
		const struct trial_probe *a = &t.probes[i];
		const struct trial_probe *b = &t.probes[i + 1];

		if (a->group != b->group) {
			assert_int_equal(a->role, FRAME_SYN0);
			assert_int_equal(b->group, a->group + 1);
			continue;
		}
		for (enum field f = 0; f < FIELDS; f++) {
			if (f != FIELD_SEQ && f != FIELD_SPORT) {
				assert_int_equal(
					field_compare(f, &a->sent, &b->sent),
					FIELD_HIDDEN * (f == FIELD_LABEL));
			}
		}
	}
}

static size_t
match(const struct trial *t, const struct trial_probe *p, uint32_t spoilt,
      unsigned *bits)
{
	struct field_values seen = p->sent;

	for (enum field f = 0; f < FIELDS; f++) {
		if (spoilt & 1u << f) {
			seen.value[f] += 0x5a5a;
		}
	}
	return trial_match(t, &seen, NULL, bits);
}

/* Whatever one device rewrites, a probe is still the one that it was. */
static void
matches_what_is_left(void **state)
{
	static const uint32_t spoilt[] = {
		0,
		1u << FIELD_SEQ,
		1u << FIELD_SPORT,
		1u << FIELD_SEQ | 1u << FIELD_ID,
		1u << FIELD_TIMESTAMP | 1u << FIELD_SPORT,
		1u << FIELD_TIMESTAMP | 1u << FIELD_SEQ,
		1u << FIELD_WINDOW | 1u << FIELD_ID,
	};
	struct trial t = new_trial(true);
	uint64_t seed = 4;
	unsigned bits;

	(void)state;
	fill(&t, 2, &seed);
	for (size_t s = 0; s < COUNT(spoilt); s++) {
		for (size_t i = 0; i < t.count; i++) {
			assert_int_equal(
				match(&t, &t.probes[i], spoilt[s], &bits), i);
		}
	}
	/* With the number and the port gone, a field's is still known. */
	for (size_t i = 0; i < FIELDS; i++) {
		assert_int_equal(match(&t, &t.probes[i],
				       1u << FIELD_SEQ | 1u << FIELD_SPORT,
				       &bits),
				 i);
		assert_true(bits >= TRIAL_CERTAIN);
	}
	assert_int_equal(match(&t, &t.probes[0], UINT32_MAX, &bits),
			 TRIAL_NONE);
}

/* Frames that can't be told apart are taken one after the other. */
static void
spreads_over_frames(void **state)
{
	struct trial t = new_trial(true);
	uint16_t copies[TRIAL_PROBES_MAX] = { 0 };
	uint64_t seed = 5;
	unsigned bits;

	(void)state;
	fill(&t, 1, &seed);
	for (size_t i = FIELDS; i < t.count; i++) {
		struct field_values seen = t.probes[i].sent;
		size_t at;

		seen.value[FIELD_SEQ]++;
		seen.value[FIELD_SPORT] = 7;
		at = trial_match(&t, &seen, copies, &bits);
		assert_int_equal(t.probes[at].group, t.probes[i].group);
		copies[at]++;
	}
	for (size_t i = FIELDS; i < t.count; i++) {
		assert_int_equal(copies[i], 1);
	}
}

static void
is_bounded(void **state)
{
	struct trial t = new_trial(true);
	struct trial_numbers n = { .sport = 1 };
	struct trial_packet at[2];
	struct trial_packets list = { .at = at, .room = 2 };
	uint8_t bytes[TRIAL_PACKET_MAX + 10] = { 0 };

	(void)state;
	while (t.count < TRIAL_PROBES_MAX) {
		assert_true(trial_add_field(&t, FIELD_SEQ, 0, &n));
	}
	assert_false(trial_add_field(&t, FIELD_SEQ, 0, &n));
	assert_int_equal(t.count, TRIAL_PROBES_MAX);
	for (int i = 0; i < 3; i++) {
		trial_note(&list, 1, false, bytes, sizeof bytes);
	}
	assert_int_equal(list.count, 2);
	assert_int_equal(list.left_out, 1);
	assert_int_equal(at[0].len, TRIAL_PACKET_MAX);
	assert_int_equal(trial_other_port(65535), 65534);
	assert_int_equal(trial_other_port(1), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_packets),
		cmocka_unit_test(marks_fields),
		cmocka_unit_test(is_never_without_a_mark),
		cmocka_unit_test(makes_groups),
		cmocka_unit_test(matches_what_is_left),
		cmocka_unit_test(spreads_over_frames),
		cmocka_unit_test(is_bounded),
	};
	int status;

	probes = calloc(TRIAL_PROBES_MAX, sizeof *probes);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free(probes);
	return status;
}
