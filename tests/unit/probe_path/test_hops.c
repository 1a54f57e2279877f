/* Quotations of routers, and between which of them a field changes. */
#include "unit/support.h"

#include <string.h>

#include "base/bytes.h"
#include "probe_path/hops.h"
#include "probe_path/icmp_quote.h"

/* ICMP "time exceeded" of 192.0.2.254, about a SYN of ours. */
static const uint8_t exceeded[] = {
	0x45, 0,    0, 76, 0,    0,    0,    0,    64,   1,    0,
	0,    192,  0, 2,  254,  192,  0,    2,    1,    11,   0,
	0,    0,    0, 0,  0,    0,    0x45, 0xb8, 0,    48,   0x12,
	0x34, 0x40, 0, 1,  6,    0,    0,    192,  0,    2,    1,
	192,  0,    2, 2,  0x9c, 0x40, 0x1f, 0x90, 0xde, 0xad, 0xbe,
	0xef, 0,    0, 0,  0,    0x70, 0x02, 0xfa, 0xf0, 0,    0,
	0,    0,    2, 4,  5,    0xb4, 4,    2,    1,    1,
};

#define ICMP_AT 20
#define QUOTED_AT 28

static void
reads_a_quotation(void **state)
{
	struct quote q;

	(void)state;
	assert_int_equal(quote_parse(&q, exceeded, sizeof exceeded), 0);
	assert_int_equal(q.router.family, 4);
	assert_int_equal(q.router.bytes[3], 254);
	assert_int_equal(q.seen.value[FIELD_SEQ], 0xdeadbeef);
	assert_int_equal(q.seen.value[FIELD_MSS], 1460);
	/* Eight bytes of TCP, as RFC 792 has it. */
	assert_int_equal(quote_parse(&q, exceeded, QUOTED_AT + 28), 0);
	assert_int_equal(q.seen.value[FIELD_SEQ], 0xdeadbeef);
	assert_false(q.seen.known & 1u << FIELD_WINDOW);
	for (size_t len = 0; len < QUOTED_AT + 24; len++) {
		assert_int_equal(quote_parse(&q, exceeded, len), -1);
	}
}

static void
refuses_what_is_none(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} bad[] = {
		{ 0, 0x55 },           /* no version of IP */
		{ 0, 0x44 },           /* a header too short */
		{ 7, 1 },              /* a later fragment */
		{ 9, 6 },              /* no ICMP */
		{ ICMP_AT, 3 },        /* another error */
		{ ICMP_AT, 8 },        /* none */
		{ QUOTED_AT, 0x35 },   /* quotes no IP */
		{ QUOTED_AT + 9, 17 }, /* quotes UDP */
		{ QUOTED_AT + 7, 9 },  /* quotes a later fragment */
	};
	uint8_t bytes[sizeof exceeded];
	struct quote q;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		memcpy(bytes, exceeded, sizeof bytes);
		bytes[bad[i].at] = bad[i].byte;
		assert_int_equal(quote_parse(&q, bytes, sizeof bytes), -1);
	}
}

static struct path_trail
trail_of(size_t hops)
{
	struct path_trail trail = { .traced = true, .count = hops };
	struct quote q;

	assert_int_equal(quote_parse(&q, exceeded, sizeof exceeded), 0);
	for (unsigned hop = 1; hop <= hops; hop++) {
		for (enum field_trace k = 0; k < FIELD_TRACES; k++) {
			path_trail_take(&trail, hop, k, &q.router, &q.seen,
					&q.seen);
		}
	}
	return trail;
}

static void
finds_nothing_where_nothing_is(void **state)
{
	struct path_trail trail = trail_of(4);

	(void)state;
	for (enum field f = 0; f < FIELDS; f++) {
		assert_false(path_trail_change(&trail, f, PATH_ARRIVED).found);
	}
	trail.traced = false;
	assert_false(path_trail_change(&trail, FIELD_SEQ, PATH_LOST).found);
}

/* At each place: between hops, in front of the first, behind the last. */
static void
finds_the_hop(void **state)
{
	struct path_change c;

	(void)state;
	for (unsigned first = 1; first <= 4; first++) {
		struct path_trail trail = trail_of(4);

		for (unsigned hop = first; hop <= 4; hop++) {
			trail.hops[hop - 1].changed = 1u << FIELD_SEQ;
			trail.hops[hop - 1].same &= ~(1u << FIELD_SEQ);
		}
		c = path_trail_change(&trail, FIELD_SEQ, PATH_REWRITTEN);
		assert_true(c.found && !c.lost);
		assert_int_equal(c.after, first - 1);
		assert_int_equal(c.before, first);
		/* One that says nothing widens it. */
		if (first > 2) {
			trail.hops[first - 2].same = 0;
			c = path_trail_change(&trail, FIELD_SEQ,
					      PATH_REWRITTEN);
			assert_int_equal(c.after, first - 2);
			assert_int_equal(c.before, first);
		}
	}
	struct path_trail trail = trail_of(4);

	c = path_trail_change(&trail, FIELD_SEQ, PATH_REWRITTEN);
	assert_true(c.found);
	assert_int_equal(c.after, 4);
	assert_int_equal(c.before, 0);
}

static void
finds_where_syns_are_lost(void **state)
{
	struct path_trail trail = trail_of(4);
	struct path_change c;

	(void)state;
	trail.hops[2].answered[FIELD_TRACE_DATA] = false;
	trail.hops[3].answered[FIELD_TRACE_DATA] = false;
	for (unsigned hop = 0; hop < 4; hop++) {
		trail.hops[hop].same &= ~(1u << FIELD_DATA);
	}
	c = path_trail_change(&trail, FIELD_DATA, PATH_LOST);
	assert_true(c.found && c.lost);
	assert_int_equal(c.after, 2);
	assert_int_equal(c.before, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_quotation),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(finds_nothing_where_nothing_is),
		cmocka_unit_test(finds_the_hop),
		cmocka_unit_test(finds_where_syns_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
