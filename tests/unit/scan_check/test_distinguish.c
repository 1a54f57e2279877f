/* What gives a port away, and what does not: the tests of chance, too. */
#include "unit/support.h"

#include <string.h>

#include "scan_check/distinguish.h"
#include "scan_check/twosample.h"

#define SAMPLES 40

static const struct packet_addr host = { 4, { 192, 0, 2, 9 } };

struct pair {
	struct distinguish_sample of[2][SAMPLES];
	struct distinguish_room room;
};

static struct pair pair;

static struct answer
reset(const struct distinguish_sample *s)
{
	return (struct answer){ .kind = ANSWER_TCP,
				.flow.src = host,
				.ttl = 64,
				.dont_fragment = true,
				.flags = PACKET_RST | PACKET_ACK,
				.ack = s->numbers.seq + 1 };
}

/* Forty resets of each, some microseconds after the probe. */
static void
fill(uint64_t *seed)
{
	memset(&pair, 0, sizeof pair);
	for (int i = 0; i < 2 * SAMPLES; i++) {
		struct distinguish_sample *s = &pair.of[i % 2][i / 2];
		struct answer a;

		s->sent = true;
		s->numbers = probe_numbers(random_u32(seed));
		s->sent_ns = 1000000u * (uint64_t)(i + 1);
		a = reset(s);
		distinguish_observe(s, &a, &host,
				    s->sent_ns + 20000 +
					    random_below(seed, 30000));
	}
}

static struct distinguish
compare(enum distinguish_what what)
{
	struct distinguish_samples port = { pair.of[0], SAMPLES };
	struct distinguish_samples reference = { pair.of[1], SAMPLES };
	struct distinguish leak;

	distinguish_compare(&leak, what, &port, &reference, &pair.room);
	return leak;
}

/* Only this differs; the text of the port's side is this. */
static void
only(enum distinguish_what what, const char *text)
{
	char out[DISTINGUISH_TEXT_MAX];

	for (enum distinguish_what w = 0; w < DISTINGUISH_KINDS; w++) {
		struct distinguish leak = compare(w);

		if (leak.differs != (w == what)) {
			fail_msg("%s differs: %d", distinguish_name(w),
				 leak.differs);
		}
		if (w == what) {
			distinguish_text(out, w, &leak.port);
			assert_string_equal(out, text);
		}
	}
}

/* Give each answer of the port anew, changed. */
static void
again(void (*change)(struct answer *a, const struct distinguish_sample *s,
		     int i))
{
	for (int i = 0; i < SAMPLES; i++) {
		struct distinguish_sample *s = &pair.of[0][i];
		uint64_t ns = s->answered_ns;
		struct answer a = reset(s);

		change(&a, s, i);
		s->packets = 0;
		memset(s->values, 0, sizeof s->values);
		distinguish_observe(s, &a, &host, ns);
	}
}

static void
distinguish_none(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int run = 0; run < 1000; run++) {
		fill(&seed);
		for (enum distinguish_what w = 0; w < DISTINGUISH_KINDS; w++) {
			assert_false(compare(w).differs);
		}
	}
}

static void
distinguish_none_of_silence(void **state)
{
	(void)state;
	memset(&pair, 0, sizeof pair);
	for (int i = 0; i < 2 * SAMPLES; i++) {
		pair.of[i % 2][i / 2].sent = true;
	}
	for (enum distinguish_what w = 0; w < DISTINGUISH_KINDS; w++) {
		struct distinguish leak = compare(w);

		assert_false(leak.differs);
		assert_int_equal(leak.known, w == DISTINGUISH_ANSWER);
	}
}

static void
set_ttl(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)s;
	(void)i;
	a->ttl = 63;
}

static void
set_window(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)s;
	(void)i;
	a->window = 512;
}

static void
set_flags(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)s;
	(void)i;
	a->flags = PACKET_RST;
}

static void
set_ack(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)i;
	a->ack = s->numbers.seq;
}

static void
set_seq(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)i;
	a->seq = s->numbers.ack;
}

static void
set_id_counter(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)s;
	a->id = (uint16_t)(60000 + 300 * i);
}

static void
set_id_echo(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)i;
	a->id = s->numbers.id;
}

static void
set_options(struct answer *a, const struct distinguish_sample *s, int i)
{
	static const uint8_t options[] = { 2, 4, 5, 180, 8, 10, 0, 0, 0, 0,
					   0, 0, 0, 0,   1, 3,  3, 7, 0, 0 };

	(void)s;
	a->options_len = sizeof options;
	memcpy(a->options, options, sizeof options);
	/* Time stamps tell nothing but that they are there. */
	a->options[8] = (uint8_t)i;
}

static void
set_source(struct answer *a, const struct distinguish_sample *s, int i)
{
	(void)s;
	(void)i;
	a->flow.src.bytes[3]++;
}

static void
distinguish_finds_each(void **state)
{
	static const struct {
		void (*change)(struct answer *,
			       const struct distinguish_sample *, int);
		enum distinguish_what what;
		const char *text;
	} cases[] = {
		{ set_ttl, DISTINGUISH_TTL, "63" },
		{ set_window, DISTINGUISH_WINDOW, "512" },
		{ set_flags, DISTINGUISH_ANSWER, "RST" },
		{ set_ack, DISTINGUISH_ACK, "our seq" },
		{ set_seq, DISTINGUISH_SEQ, "our ack" },
		{ set_id_counter, DISTINGUISH_ID, "counts up" },
		{ set_id_echo, DISTINGUISH_ID, "ours" },
		{ set_options, DISTINGUISH_OPTIONS,
		  "mss 1460, ts, nop, wscale 7, end, end" },
		{ set_source, DISTINGUISH_SOURCE, "another host" },
	};
	uint64_t seed = 2;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		fill(&seed);
		again(cases[i].change);
		only(cases[i].what, cases[i].text);
	}
}

/* Two milliseconds, in noise of which a twentieth is five. */
static void
distinguish_finds_late(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int run = 0; run < 100; run++) {
		struct distinguish pooled, times[2];

		for (int scan = 0; scan < 2; scan++) {
			fill(&seed);
			for (int i = 0; i < SAMPLES; i++) {
				struct distinguish_sample *s = &pair.of[0][i];

				s->answered_ns += 2000000;
				if (random_below(&seed, 20) == 0) {
					s[0].answered_ns += 5000000;
				}
				if (random_below(&seed, 20) == 0) {
					pair.of[1][i].answered_ns += 5000000;
				}
			}
			times[scan] = compare(DISTINGUISH_TIME);
			assert_true(times[scan].differs);
		}
		distinguish_pool(&pooled, times, 2);
		assert_true(pooled.differs);
		assert_true(pooled.score > times[0].score);
		assert_true(pooled.score > times[1].score);
	}
}

/* A packet lost here and there is no leak; every second one is. */
static void
distinguish_and_loss(void **state)
{
	uint64_t seed = 4;

	(void)state;
	fill(&seed);
	for (int i = 0; i < 3; i++) {
		memset(pair.of[0][i * 7].values, 0,
		       sizeof pair.of[0][0].values);
		pair.of[0][i * 7].packets = 0;
	}
	assert_false(compare(DISTINGUISH_ANSWER).differs);
	for (int i = 0; i < SAMPLES; i++) {
		if (i % 4) {
			pair.of[0][i].values[DISTINGUISH_ANSWER] = 0;
			pair.of[0][i].packets = 0;
		}
	}
	assert_true(compare(DISTINGUISH_ANSWER).differs);
}

/* Against values worked out by hand. */
static void
twosample_values(void **state)
{
	static const uint64_t low[] = { 1, 2, 3 };
	static const uint64_t high[] = { 4, 5, 6 };
	static const uint64_t same[] = { 7, 7, 7 };
	struct twosample_ranks ranks;

	(void)state;
	/* U is 9, its mean 4.5, its variance 3 * 3 * 7 / 12 = 5.25 */
	ranks = twosample_ranks(low, 3, high, 3);
	assert_true(ranks.distance == 4.5 && ranks.variance == 5.25);
	ranks = twosample_ranks(high, 3, low, 3);
	assert_true(ranks.distance == -4.5);
	ranks = twosample_ranks(same, 3, same, 3);
	assert_true(twosample_score(&ranks) == 0);
	ranks = twosample_ranks(low, 3, NULL, 0);
	assert_true(twosample_score(&ranks) == 0);
	/* 10 of 20 and 0 of 20: (200 - 20)^2 * 40 / (20 * 20 * 10 * 30) */
	assert_true(twosample_counts(10, 20, 0, 20) > 10.79);
	assert_true(twosample_counts(10, 20, 0, 20) < 10.81);
	assert_true(twosample_counts(20, 20, 20, 20) == 0);
	assert_true(twosample_counts(0, 0, 5, 20) == 0);
}

/* The smallest sample suffices where samples don't overlap at all. */
static void
twosample_smallest(void **state)
{
	uint64_t a[TWOSAMPLE_MIN], b[TWOSAMPLE_MIN];
	struct twosample_ranks ranks;

	(void)state;
	for (unsigned i = 0; i < TWOSAMPLE_MIN; i++) {
		a[i] = i;
		b[i] = 1000 + i;
	}
	ranks = twosample_ranks(a, TWOSAMPLE_MIN, b, TWOSAMPLE_MIN);
	assert_true(twosample_score(&ranks) >= TWOSAMPLE_DIFFERENT);
	assert_true(twosample_counts(TWOSAMPLE_MIN, TWOSAMPLE_MIN, 0,
				     TWOSAMPLE_MIN) >= TWOSAMPLE_DIFFERENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distinguish_none),
		cmocka_unit_test(distinguish_none_of_silence),
		cmocka_unit_test(distinguish_finds_each),
		cmocka_unit_test(distinguish_finds_late),
		cmocka_unit_test(distinguish_and_loss),
		cmocka_unit_test(twosample_values),
		cmocka_unit_test(twosample_smallest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
