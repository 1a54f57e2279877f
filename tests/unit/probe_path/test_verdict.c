/* What a trial says of its path: every verdict, and that no other is given. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "probe_path/verdict.h"

#define ROUNDS 2u
#define MS 1000000u
#define SECOND 1000000000ll

struct lab {
	struct trial trial;
	struct path path;
	struct path_room room;
	struct trial_probe probes[TRIAL_PROBES_MAX];
	struct trial_packet heard[1024], seen[1024];
	uint64_t ns;
};

static const uint8_t secret[16] = "sixteen bytes...";
static struct lab *lab;

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
add_group(unsigned round, unsigned extra, uint64_t *seed, uint16_t *sport)
{
	struct trial_numbers n = numbers(seed, (*sport)++);
	uint16_t sports[FRAME_MAX];
	struct mac_key key;
	struct trial_group group = { .key = &key,
				     .instant = random_u64(seed) >> 24,
				     .mark = (uint16_t)random_u32(seed),
				     .sports = sports };

	mac_key_init(&key, MAC_HMAC_SHA256, extra, secret, sizeof secret, NULL,
		     0);
	for (size_t i = 0; i < FRAME_MAX; i++) {
		sports[i] = (*sport)++;
	}
	assert_true(trial_add_group(&lab->trial, round, &n, &group));
}

static int
setup(void **state)
{
	static const struct trial_probe connection = {
		.kind = TRIAL_CONNECTION,
		.field = FIELDS,
	};
	uint64_t seed = 1;
	uint16_t sport = 2048;
	struct trial_numbers n = numbers(&seed, sport++);
	uint8_t bytes[TRIAL_PROBE_MAX];
	struct trial *t;

	(void)state;
	lab = calloc(1, sizeof *lab);
	t = &lab->trial;
	*t = (struct trial){ .port = 8270,
			     .rounds = ROUNDS,
			     .near = addr4(0xc0000201),
			     .far = addr4(0xc0000202),
			     .probes = lab->probes,
			     .heard = { .at = lab->heard, .room = 1024 },
			     .seen = { .at = lab->seen, .room = 1024 },
			     .has_seen = true,
			     .connected = true };
	trial_add(t, &connection, bytes,
		  trial_build(bytes, t, 0, 0, &n, TRIAL_TTL));
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (enum field f = 0; f < FIELDS; f++) {
			n = numbers(&seed, sport++);
			/* Turned round in the second round. */
			n.value = 0x5a5a5a5a5a5a5a5a;
			if (field_exists(f, 4)) {
				assert_true(trial_add_field(t, f, round, &n));
			}
		}
		for (unsigned extra = 0; extra < TRIAL_GROUPS; extra++) {
			add_group(round, extra, &seed, &sport);
		}
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(lab);
	return 0;
}

/* What happens to a SYN on its way: false, it is lost. */
typedef bool change(const struct trial_probe *p, uint8_t *bytes);

static bool
untouched(const struct trial_probe *p, uint8_t *bytes)
{
	(void)p;
	bytes[8]--;
	return true;
}

static void
arrive(const struct trial_probe *p, change *way)
{
	uint8_t bytes[TRIAL_PROBE_MAX];

	memcpy(bytes, p->bytes, p->len);
	lab->ns += MS / 10;
	if (way(p, bytes)) {
		trial_note(&lab->trial.seen, lab->ns,
			   p->kind == TRIAL_CONNECTION, bytes, p->len);
	}
}

/* An answer to a probe, as one end notes it. */
static void
answer(struct trial_packets *list, const struct trial_probe *p, uint32_t seq,
       uint8_t flags)
{
	uint8_t bytes[PACKET_IP4_HEADER + PACKET_TCP_HEADER] = { 0x45 };

	be16_store(bytes + 2, sizeof bytes);
	bytes[8] = 64;
	bytes[9] = 6;
	memcpy(bytes + 12, p->bytes + 16, 4);
	memcpy(bytes + 16, p->bytes + 12, 4);
	memcpy(bytes + 20, p->bytes + 22, 2);
	memcpy(bytes + 22, p->bytes + 20, 2);
	be32_store(bytes + 24, seq);
	be32_store(bytes + 28, be32_load(p->bytes + 24) + 1);
	bytes[32] = 5 << 4;
	bytes[33] = flags;
	trial_note(list, lab->ns, false, bytes, sizeof bytes);
}

static void
run(change *way)
{
	for (size_t i = 0; i < lab->trial.count; i++) {
		arrive(&lab->probes[i], way);
	}
	path_judge(&lab->path, &lab->trial, &lab->room);
}

static void
judged(enum path_verdict verdict, enum path_reason reason)
{
	assert_int_equal(lab->path.reason, reason);
	assert_int_equal(lab->path.verdict, verdict);
}

static void
all_arrived_but(enum field but, enum path_state state)
{
	for (enum field f = 0; f < FIELDS; f++) {
		if (field_exists(f, 4)) {
			assert_int_equal(lab->path.fields[f].state,
					 f == but ? state : PATH_ARRIVED);
		}
	}
}

static void
passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < lab->trial.count; i++) {
		answer(&lab->trial.heard, &lab->probes[i], 5,
		       PACKET_SYN | PACKET_ACK);
	}
	run(untouched);
	judged(PATH_PASSES, PATH_NO_REASON);
	all_arrived_but(FIELDS, PATH_ARRIVED);
	assert_int_equal(lab->path.hops, 1);
	assert_int_equal(lab->path.best_frames, FRAME_MAX);
	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		const struct path_group *g = &lab->path.groups[i];

		assert_int_equal(g->whole, ROUNDS);
		assert_int_equal(g->ordered, ROUNDS);
		assert_int_equal(g->spread_ns, (g->frames - 1) * (MS / 10));
	}
	assert_int_equal(lab->path.fields[FIELD_SEQ].usable, 32);
	assert_false(lab->path.has_nat);
}

static bool
new_source(const struct trial_probe *p, uint8_t *bytes)
{
	be32_store(bytes + 12, 0xcb007101);
	be16_store(bytes + 20, (uint16_t)(be16_load(bytes + 20) + 999));
	return untouched(p, bytes);
}

static void
passes_nat(void **state)
{
	(void)state;
	run(new_source);
	judged(PATH_PASSES, PATH_NO_REASON);
	all_arrived_but(FIELD_SPORT, PATH_REWRITTEN);
	assert_true(lab->path.has_nat);
}

static bool
other_window(const struct trial_probe *p, uint8_t *bytes)
{
	be16_store(bytes + 34, be16_load(bytes + 34) & 0x0fff);
	return untouched(p, bytes);
}

static void
passes_loose(void **state)
{
	(void)state;
	run(other_window);
	judged(PATH_PASSES_LOOSE, PATH_WINDOW);
	all_arrived_but(FIELD_WINDOW, PATH_REWRITTEN);
	/* In two rounds each bit was set once. */
	assert_int_equal(lab->path.fields[FIELD_WINDOW].survive, 0x0fff);
	assert_int_equal(lab->path.fields[FIELD_WINDOW].usable, 12);
}

static bool
translated(const struct trial_probe *p, uint8_t *bytes)
{
	be32_store(bytes + 24, be32_load(bytes + 24) + 0x3a91c2d4);
	return untouched(p, bytes);
}

static void
fails_by_translation(void **state)
{
	(void)state;
	run(translated);
	judged(PATH_FAILS, PATH_SEQUENCE);
	assert_int_equal(lab->path.offset, 0x3a91c2d4);
	all_arrived_but(FIELD_SEQ, PATH_REWRITTEN);
	assert_true(lab->path.control_translated);
}

static bool
translated_connection(const struct trial_probe *p, uint8_t *bytes)
{
	return p->kind == TRIAL_CONNECTION ? translated(p, bytes)
					   : untouched(p, bytes);
}

static void
fails_by_the_connection_alone(void **state)
{
	(void)state;
	run(translated_connection);
	judged(PATH_FAILS, PATH_SEQUENCE);
	assert_int_equal(lab->path.offset, 0x3a91c2d4);
}

static bool
many_sources(const struct trial_probe *p, uint8_t *bytes)
{
	bytes[15] = (uint8_t)(bytes[21] % 4);
	return untouched(p, bytes);
}

static void
fails_by_sources(void **state)
{
	(void)state;
	run(many_sources);
	judged(PATH_FAILS, PATH_SOURCES);
	assert_int_equal(lab->path.source_count, 4);
}

/* A pool that keeps a group together does no harm. */
static bool
source_of_group(const struct trial_probe *p, uint8_t *bytes)
{
	bytes[15] = (uint8_t)(p->group % 4);
	return untouched(p, bytes);
}

static void
passes_a_paired_pool(void **state)
{
	(void)state;
	run(source_of_group);
	judged(PATH_PASSES, PATH_NO_REASON);
	assert_int_equal(lab->path.source_count, 4);
}

static bool
connection_only(const struct trial_probe *p, uint8_t *bytes)
{
	return p->kind == TRIAL_CONNECTION && untouched(p, bytes);
}

static bool
connection_anew(const struct trial_probe *p, uint8_t *bytes)
{
	return p->kind == TRIAL_CONNECTION && translated(p, bytes);
}

static void
fails_by_proxies(void **state)
{
	static const struct {
		change *way;
		enum path_reason reason;
	} cases[] = {
		{ connection_only, PATH_SYN_PROXY },
		{ connection_anew, PATH_PROXY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		lab->trial.seen.count = 0;
		lab->trial.heard.count = 0;
		for (size_t n = 0; n < lab->trial.count; n++) {
			answer(&lab->trial.heard, &lab->probes[n], 5,
			       PACKET_SYN | PACKET_ACK);
		}
		run(cases[i].way);
		judged(PATH_FAILS, cases[i].reason);
		assert_int_equal(lab->path.elsewhere, lab->trial.count - 1);
		assert_int_equal(lab->path.fields[FIELD_SEQ].state, PATH_LOST);
	}
}

static void
fails_by_silence(void **state)
{
	(void)state;
	run(connection_only);
	judged(PATH_FAILS, PATH_NOTHING);
}

static bool
three_of_a_group(const struct trial_probe *p, uint8_t *bytes)
{
	return (p->kind != TRIAL_FRAME || p->role < FRAME_SYN3) &&
		untouched(p, bytes);
}

static void
fails_by_frames(void **state)
{
	(void)state;
	run(three_of_a_group);
	judged(PATH_FAILS, PATH_FRAMES);
	all_arrived_but(FIELDS, PATH_ARRIVED);
}

static bool
four_of_a_group(const struct trial_probe *p, uint8_t *bytes)
{
	return (p->kind != TRIAL_FRAME || p->role <= FRAME_SYN3) &&
		untouched(p, bytes);
}

static void
passes_short_groups(void **state)
{
	(void)state;
	run(four_of_a_group);
	judged(PATH_PASSES, PATH_NO_REASON);
	assert_int_equal(lab->path.best_frames, FRAME_BASE);
}

/* A reset counts where the far side did not send it. */
static void
fails_by_resets(void **state)
{
	const struct trial_probe *p;

	(void)state;
	p = &lab->probes[lab->trial.count - 1];
	assert_int_equal(p->kind, TRIAL_FRAME);
	answer(&lab->trial.heard, p, 0, PACKET_RST | PACKET_ACK);
	run(untouched);
	judged(PATH_FAILS, PATH_RESETS);
	answer(&lab->trial.seen, p, 0, PACKET_RST | PACKET_ACK);
	path_judge(&lab->path, &lab->trial, &lab->room);
	judged(PATH_PASSES, PATH_NO_REASON);
}

static bool
slowly(const struct trial_probe *p, uint8_t *bytes)
{
	lab->ns += 600ull * MS;
	return untouched(p, bytes);
}

static void
fails_by_delay(void **state)
{
	(void)state;
	run(slowly);
	judged(PATH_FAILS, PATH_SLOW);
}

static void
fails_by_clocks(void **state)
{
	static const struct {
		int64_t skew;
		enum path_reason reason;
	} cases[] = {
		{ 30 * SECOND, PATH_NO_REASON },
		{ 30 * SECOND + 1, PATH_CLOCK },
		{ -30 * SECOND, PATH_NO_REASON },
		{ -30 * SECOND - 1, PATH_CLOCK },
		{ INT64_MIN, PATH_CLOCK },
		{ INT64_MAX, PATH_CLOCK },
	};

	(void)state;
	lab->trial.has_skew = true;
	run(untouched);
	for (size_t i = 0; i < COUNT(cases); i++) {
		lab->trial.skew_ns = cases[i].skew;
		path_judge(&lab->path, &lab->trial, &lab->room);
		judged(cases[i].reason ? PATH_FAILS : PATH_PASSES,
		       cases[i].reason);
	}
}

/* What the far side had no time to tell is not lost. */
static void
knows_nothing_of_a_cut(void **state)
{
	(void)state;
	lab->trial.cut = true;
	path_judge(&lab->path, &lab->trial, &lab->room);
	judged(PATH_NOT_KNOWN, PATH_CUT);
	assert_int_equal(lab->path.fields[FIELD_SEQ].state, PATH_UNKNOWN);
	lab->trial.cut = false;
	path_judge(&lab->path, &lab->trial, &lab->room);
	judged(PATH_NOT_KNOWN, PATH_BLIND);
	lab->trial.has_seen = false;
	path_judge(&lab->path, &lab->trial, &lab->room);
	judged(PATH_NOT_KNOWN, PATH_NO_FAR_SIDE);
}

static bool
same_ttl(const struct trial_probe *p, uint8_t *bytes)
{
	(void)p;
	bytes[8] = 50;
	return true;
}

static void
finds_a_rewritten_ttl(void **state)
{
	(void)state;
	run(same_ttl);
	judged(PATH_PASSES, PATH_NO_REASON);
	all_arrived_but(FIELD_TTL, PATH_REWRITTEN);
}

static void
counts_copies_and_order(void **state)
{
	(void)state;
	/* Backwards, and all of it twice. */
	for (size_t i = lab->trial.count; i > 0; i--) {
		arrive(&lab->probes[i - 1], untouched);
	}
	run(untouched);
	judged(PATH_PASSES, PATH_NO_REASON);
	assert_int_equal(lab->path.duplicates, lab->trial.count);
	assert_int_equal(lab->path.groups[0].ordered, 0);
}

/* Every way in which a packet can be cut or spoilt leaves sound numbers. */
static void
bears_nonsense(void **state)
{
	uint64_t seed = 9;

	(void)state;
	run(untouched);
	for (unsigned n = 0; n < 200; n++) {
		for (size_t i = 0; i < lab->trial.seen.count; i++) {
			struct trial_packet *p = &lab->seen[i];

			p->bytes[random_below(&seed, p->len)] =
				(uint8_t)random_u32(&seed);
			p->len = (uint16_t)(1 + random_below(&seed, p->len));
		}
		path_judge(&lab->path, &lab->trial, &lab->room);
		assert_true(lab->path.arrived <= lab->path.sent);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(passes),
		CASE(passes_nat),
		CASE(passes_loose),
		CASE(fails_by_translation),
		CASE(fails_by_the_connection_alone),
		CASE(fails_by_sources),
		CASE(passes_a_paired_pool),
		CASE(fails_by_proxies),
		CASE(fails_by_silence),
		CASE(fails_by_frames),
		CASE(passes_short_groups),
		CASE(fails_by_resets),
		CASE(fails_by_delay),
		CASE(fails_by_clocks),
		CASE(knows_nothing_of_a_cut),
		CASE(finds_a_rewritten_ttl),
		CASE(counts_copies_and_order),
		CASE(bears_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
