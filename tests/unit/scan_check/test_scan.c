/* A scan's order and pace; what is found, and what is to be. */
#include "unit/support.h"

#include <string.h>

#include "scan_check/results.h"
#include "os/linktype.h"
#include "measure/timing.h"
#include "scan_check/schedule.h"

static void
timing_timeouts(void **state)
{
	struct timing p;

	(void)state;
	timing_init(&p, TIMING_TIMEOUT_MIN);
	assert_int_equal(timing_timeout(&p), TIMING_TIMEOUT_FIRST);
	timing_answered(&p, 0, 50);
	assert_int_equal(timing_timeout(&p), TIMING_TIMEOUT_MIN);
	/* RFC 6298, 2.2: the mean and four times half of it. */
	timing_init(&p, TIMING_TIMEOUT_MIN);
	timing_answered(&p, 0, 300000);
	assert_int_equal(timing_timeout(&p), 900);
	for (int i = 0; i < 100; i++) {
		timing_answered(&p, 0, 300000);
	}
	assert_in_range(timing_timeout(&p), 300, 310);
	timing_answered(&p, 0, UINT32_MAX);
	assert_in_range(timing_timeout(&p), 1000, TIMING_TIMEOUT_MAX);
	for (int i = 0; i < 100; i++) {
		timing_answered(&p, 0, UINT32_MAX);
	}
	assert_int_equal(timing_timeout(&p), TIMING_TIMEOUT_MAX);
	timing_init(&p, 3000);
	assert_int_equal(timing_timeout(&p), 3000);
}

static void
timing_tries(void **state)
{
	struct timing p;

	(void)state;
	timing_init(&p, TIMING_TIMEOUT_MIN);
	assert_true(timing_again(&p, 1));
	assert_false(timing_again(&p, 2));
	/* The fourth try was answered: five are worth it. */
	timing_answered(&p, 3, 100);
	assert_true(timing_again(&p, 4));
	assert_false(timing_again(&p, 5));
	timing_answered(&p, 100, 100);
	assert_true(timing_again(&p, TIMING_TRIES_MAX - 1));
	assert_false(timing_again(&p, TIMING_TRIES_MAX));
}

static void
timing_pauses(void **state)
{
	struct timing p;

	(void)state;
	timing_init(&p, TIMING_TIMEOUT_MIN);
	timing_sent(&p, 1000, TIMING_TCP, true);
	assert_true(timing_ready(&p, 1000));
	/* Losses make it slower, down to one a second. */
	timing_answered(&p, 1, 100);
	timing_sent(&p, 1000, TIMING_TCP, false);
	assert_false(timing_ready(&p, 1000 + TIMING_PAUSE_FIRST - 1));
	assert_true(timing_ready(&p, 1000 + TIMING_PAUSE_FIRST));
	for (int i = 0; i < 20; i++) {
		timing_answered(&p, 1, 100);
	}
	timing_sent(&p, 1000, TIMING_TCP, false);
	assert_true(timing_ready(&p, 1000 + TIMING_PAUSE_MAX));
	assert_false(timing_ready(&p, 999 + TIMING_PAUSE_MAX));
	/* ICMP: at once what is repeated, of that protocol. */
	timing_init(&p, TIMING_TIMEOUT_MIN);
	timing_icmp(&p, TIMING_UDP);
	timing_sent(&p, 1000, TIMING_UDP, false);
	assert_true(timing_ready(&p, 1000));
	timing_sent(&p, 1000, TIMING_TCP, true);
	assert_true(timing_ready(&p, 1000));
	timing_sent(&p, 1000, TIMING_UDP, true);
	assert_false(timing_ready(&p, 1000));
}

/* How many go before one has to wait. */
static unsigned
fill_window(struct timing *p, uint64_t now)
{
	unsigned sent = 0;

	while (timing_ready(p, now)) {
		timing_sent(p, now, TIMING_TCP, false);
		sent++;
	}
	return sent;
}

/* With answers the window grows; beside it, some go all the same. */
static void
timing_window_grows(void **state)
{
	struct timing p;
	uint64_t now = 1000;

	(void)state;
	timing_init(&p, TIMING_TIMEOUT_MIN);
	timing_adapt(&p);
	/* One beside it. */
	assert_int_equal(fill_window(&p, now), TIMING_WINDOW_FIRST + 1);
	assert_false(timing_ready(&p, now + TIMING_BESIDE_MS - 1));
	assert_true(timing_ready(&p, now + TIMING_BESIDE_MS));
	for (unsigned n = 0; n < 60000; n++) {
		now++;
		timing_landed(&p);
		timing_answered(&p, 0, 100);
		timing_grow(&p, 0, now, 0);
		fill_window(&p, now);
	}
	assert_in_range(p.unanswered, TIMING_WINDOW_MAX, TIMING_WINDOW_MAX + 2);
	assert_int_equal(p.pause, 0);
}

/* Loss by chance makes it small, and no pause; a quarter lost does. */
static void
timing_window_shrinks(void **state)
{
	struct timing p;

	(void)state;
	timing_init(&p, TIMING_TIMEOUT_MIN);
	timing_adapt(&p);
	for (uint64_t now = 1; now < 1000; now++) {
		timing_answered(&p, now % 5 == 0, 100);
		timing_grow(&p, now % 5 == 0, now, now);
	}
	assert_int_equal(p.pause, 0);
	assert_in_range(p.window / TIMING_WINDOW, TIMING_WINDOW_FIRST,
			TIMING_THRESHOLD);
	for (uint64_t now = 1000; now < 2000; now++) {
		timing_answered(&p, now % 2, 100);
		timing_grow(&p, now % 2, now, 1000);
	}
	/* Once: all were lost before that. */
	assert_int_equal(p.pause, TIMING_PAUSE_FIRST);
	for (uint64_t now = 2000; now < 4000; now++) {
		timing_answered(&p, now % 2, 100);
		timing_grow(&p, now % 2, now, now);
	}
	assert_true(p.pause > TIMING_PAUSE_FIRST);
}

/* Silence opens it where others answer, and none was lost. */
static void
timing_window_of_silence(void **state)
{
	struct timing p;

	(void)state;
	timing_init(&p, TIMING_TIMEOUT_MIN);
	timing_adapt(&p);
	for (unsigned n = 0; n < 1000; n++) {
		timing_silent(&p);
	}
	assert_int_equal(p.window, TIMING_WINDOW_FIRST * TIMING_WINDOW);
	timing_answered(&p, 0, 100);
	for (unsigned n = 0; n < 1000; n++) {
		timing_silent(&p);
	}
	assert_int_equal(p.window, TIMING_WINDOW_SILENT * TIMING_WINDOW);
	timing_answered(&p, 1, 100);
	timing_grow(&p, 1, 5000, 4000);
	assert_int_equal(p.window, TIMING_WINDOW_SILENT * TIMING_WINDOW / 2);
	timing_silent(&p);
	assert_int_equal(p.window, TIMING_WINDOW_SILENT * TIMING_WINDOW / 2);
}

static void
timing_rate(void **state)
{
	struct timing_bucket b;
	unsigned sent = 0;

	(void)state;
	timing_bucket_init(&b, 200, 0);
	for (uint64_t us = 0; us < 1000000; us += 100) {
		sent += timing_bucket_take(&b, us);
	}
	assert_in_range(sent, 199, 201);
	/* After a rest, no more than a few at once. */
	sent = 0;
	while (timing_bucket_take(&b, 5000000000)) {
		sent++;
	}
	assert_int_equal(sent, TIMING_BURST);
}

static void
schedule_repeats(void **state)
{
	size_t queue[3], order[3], at;
	struct schedule r;

	(void)state;
	schedule_init(&r, 3, queue, order, 0, 1);
	assert_true(schedule_waits(&r));
	for (size_t i = 0; i < 3; i++) {
		assert_true(schedule_fresh(&r, &at));
		assert_int_equal(at, i);
	}
	assert_false(schedule_fresh(&r, &at));
	assert_false(schedule_waits(&r));
	for (int round = 0; round < 4; round++) {
		schedule_again(&r, 2);
		schedule_again(&r, 0);
		assert_true(schedule_waits(&r));
		assert_true(schedule_repeat(&r, &at));
		assert_int_equal(at, 2);
		assert_true(schedule_repeat(&r, &at));
		assert_int_equal(at, 0);
		assert_false(schedule_repeat(&r, &at));
	}
}

/* Each once in a round, and in every order about as often. */
static void
schedule_samples(void **state)
{
	size_t queue[3], order[3], at;
	unsigned firsts[3] = { 0 };
	struct schedule r;

	(void)state;
	schedule_init(&r, 3, queue, order, 3000, 12345);
	for (int round = 0; round < 3000; round++) {
		unsigned seen = 0;

		for (int i = 0; i < 3; i++) {
			assert_true(schedule_sample(&r, &at));
			assert_true(at < 3);
			firsts[at] += i == 0;
			seen |= 1u << at;
			schedule_sampled(&r);
		}
		assert_int_equal(seen, 7);
	}
	assert_false(schedule_sample(&r, &at));
	assert_false(schedule_waits(&r));
	for (int i = 0; i < 3; i++) {
		assert_in_range(firsts[i], 850, 1150);
	}
}

static void
finding_table(void **state)
{
	static struct finding at[2 * 3 * 2];
	static const uint16_t ports[] = { 22, 80, 443 };
	static const struct target_addr targets[] = {
		{ .addr = { 4, { 192, 0, 2, 1 } }, .text = "192.0.2.1" },
		{ .addr = { 6, { 0xfe, 0x80, [15] = 1 } },
		  .device = 2,
		  .text = "fe80::1%eth0" },
	};
	struct findings f = {
		.targets = targets,
		.target_count = 2,
		.ports = ports,
		.port_count = 3,
		.scans = { PROBE_SYN, PROBE_FIN },
		.scan_count = 2,
		.at = at,
		.count = 12,
	};

	(void)state;
	for (size_t i = 0; i < f.count; i++) {
		struct finding_place place = finding_place(&f, i);

		assert_int_equal(finding_at(&f, &place), i);
		assert_ptr_equal(finding_find(&f, targets[place.target].text,
					      ports[place.port],
					      f.scans[place.scan]),
				 &at[i]);
	}
	assert_int_equal(finding_target(&f, &targets[1].addr), 1);
	assert_int_equal(finding_port(&f, 80), 1);
	assert_int_equal(finding_port(&f, 81), 3);
	/* nmap does not tell the device of a link-local address. */
	assert_ptr_equal(finding_find(&f, "fe80::1", 22, PROBE_SYN), &at[6]);
	assert_null(finding_find(&f, "fe80::1%eth1", 22, PROBE_SYN));
	assert_null(finding_find(&f, "192.0.2.2", 22, PROBE_SYN));
	assert_null(finding_find(&f, "192.0.2.1", 23, PROBE_SYN));
	assert_null(finding_find(&f, "192.0.2.1", 22, PROBE_ACK));
	/* The first that says something counts. */
	assert_true(finding_connected(&f, 0, 0));
	assert_false(finding_connected(&f, 0, 111));
	assert_int_equal(at[0].state, PROBE_OPEN);
	finding_settle(&f, 0, 1);
	finding_settle(&f, 1, 2);
	assert_int_equal(at[0].state, PROBE_OPEN);
	assert_int_equal(at[1].state, PROBE_OPEN_FILTERED);
}

static void
finding_expectations(void **state)
{
	static const struct {
		enum finding_expected expected;
		enum probe_scan scan;
		enum probe_state state;
		bool ok;
	} cases[] = {
		{ FINDING_FILTERED, PROBE_SYN, PROBE_FILTERED, true },
		{ FINDING_FILTERED, PROBE_FIN, PROBE_OPEN_FILTERED, true },
		{ FINDING_FILTERED, PROBE_FIN, PROBE_CLOSED, false },
		{ FINDING_FILTERED, PROBE_ACK, PROBE_UNFILTERED, false },
		{ FINDING_FILTERED, PROBE_SYN, PROBE_CLOSED, false },
		{ FINDING_FILTERED, PROBE_SYN, PROBE_OPEN, false },
		{ FINDING_FILTERED, PROBE_UDP, PROBE_CLOSED, true },
		{ FINDING_CLOSED, PROBE_SYN, PROBE_CLOSED, true },
		{ FINDING_CLOSED, PROBE_ACK, PROBE_UNFILTERED, true },
		{ FINDING_CLOSED, PROBE_ACK, PROBE_FILTERED, false },
		{ FINDING_CLOSED, PROBE_WINDOW, PROBE_CLOSED, true },
		{ FINDING_CLOSED, PROBE_FIN, PROBE_OPEN_FILTERED, false },
		{ FINDING_OPEN, PROBE_CONNECT, PROBE_OPEN, true },
		{ FINDING_OPEN, PROBE_SYN_ECN, PROBE_FILTERED, false },
		{ FINDING_OPEN, PROBE_FIN, PROBE_OPEN_FILTERED, true },
		{ FINDING_OPEN, PROBE_MAIMON, PROBE_CLOSED, true },
		{ FINDING_ANYTHING, PROBE_SYN, PROBE_OPEN, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(finding_as_expected(cases[i].expected,
						     cases[i].scan,
						     cases[i].state),
				 cases[i].ok);
	}
}

static void
linktypes(void **state)
{
	static const uint8_t vlans[] = { [12] = 0x88, 0xa8, 0,    1,    0x81, 0,
					 0,           2,    0x86, 0xdd, 0x60 };
	static const uint8_t arp[] = { [12] = 0x08, 0x06, 0, 0, 0 };

	(void)state;
	assert_int_equal(linktype_ip(LINKTYPE_ETHERNET, vlans, sizeof vlans),
			 22);
	assert_int_equal(linktype_ip(LINKTYPE_ETHERNET, vlans, 21), -1);
	assert_int_equal(linktype_ip(LINKTYPE_ETHERNET, arp, sizeof arp), -1);
	assert_int_equal(linktype_ip(LINKTYPE_RAW, arp, 1), 0);
	assert_int_equal(linktype_ip(LINKTYPE_RAW, arp, 0), -1);
	assert_int_equal(linktype_ip(105, arp, sizeof arp), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timing_timeouts),
		cmocka_unit_test(timing_tries),
		cmocka_unit_test(timing_pauses),
		cmocka_unit_test(timing_rate),
		cmocka_unit_test(timing_window_grows),
		cmocka_unit_test(timing_window_shrinks),
		cmocka_unit_test(timing_window_of_silence),
		cmocka_unit_test(schedule_repeats),
		cmocka_unit_test(schedule_samples),
		cmocka_unit_test(finding_table),
		cmocka_unit_test(finding_expectations),
		cmocka_unit_test(linktypes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
