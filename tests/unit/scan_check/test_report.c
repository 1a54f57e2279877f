/* The tables of scan-check, which only a terminal gets, word by word. */
#include "unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scan_check/report.h"

enum { TARGETS = 2, PORTS = 2, SCANS = 2, PLACES = TARGETS * PORTS * SCANS };

static const struct target_addr targets[TARGETS] = {
	{ .addr = { 4, { 192, 0, 2, 1 } }, .text = "192.0.2.1" },
	{ .addr = { 4, { 192, 0, 2, 2 } }, .text = "192.0.2.2" },
};
static const uint16_t ports[PORTS] = { 22, 80 };
static const uint8_t nothing[PORTS];
static const uint8_t expected[PORTS] = { FINDING_FILTERED, FINDING_OPEN };
static struct finding places[PLACES];
static struct findings findings;
static struct report_leak leaks[2];
static struct report report;
static char *text;

static int
setup(void **state)
{
	(void)state;
	memset(places, 0, sizeof places);
	memset(leaks, 0, sizeof leaks);
	for (size_t i = 0; i < PLACES; i++) {
		places[i].state = PROBE_FILTERED;
	}
	places[2] = (struct finding){
		.state = PROBE_OPEN,
		.reason = FINDING_TCP,
		.detail = PACKET_SYN | PACKET_ACK,
	};
	places[3] = (struct finding){ .state = PROBE_OPEN,
				      .reason = FINDING_ERRNO };
	findings = (struct findings){
		.targets = targets,
		.target_count = 1,
		.ports = ports,
		.port_count = PORTS,
		.scans = { PROBE_SYN, PROBE_CONNECT },
		.scan_count = SCANS,
		.expected = nothing,
		.at = places,
		.count = PORTS * SCANS,
	};
	report = (struct report){ .host = "192.0.2.1",
				  .findings = &findings,
				  .raw = true };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static const char *
written_as(enum report_form form)
{
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	report_write(out, &report, form);
	assert_int_equal(fclose(out), 0);
	return text;
}

static const char *
written(void)
{
	return written_as(REPORT_TABLE);
}

/* No line is longer than a terminal's. */
static void
fits_a_terminal(void)
{
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		assert_in_range(strcspn(at, "\n"), 0, 80);
	}
}

static void
shows_what_was_found(void **state)
{
	(void)state;
	assert_string_equal(written(),
			    "192.0.2.1\n"
			    " port  scan      state          because         \n"
			    "   22  syn       filtered       no-answer       \n"
			    "   22  connect   filtered       no-answer       \n"
			    "   80  syn       open           syn-ack         \n"
			    "   80  connect   open           connected       \n"
			    "\n22 hidden (as dropped), 80 open\n");
}

static void
names_each_reason(void **state)
{
	(void)state;
	places[0].reason = FINDING_ICMP;
	places[0].detail = 3 << 8 | 13;
	places[1].reason = FINDING_UNSENT;
	places[1].detail = EPERM;
	places[2].detail = PACKET_RST | PACKET_ACK;
	places[3].detail = ECONNREFUSED;
	written();
	assert_non_null(strstr(text, "filtered       icmp-3-13       \n"));
	assert_non_null(strstr(text, "not sent: Operation not permitted\n"));
	assert_non_null(strstr(text, "open           reset           \n"));
	assert_non_null(strstr(text, "open           refused         \n"));
	places[2].detail = PACKET_SYN;
	places[3].detail = EHOSTUNREACH;
	written();
	assert_non_null(strstr(text, "open           syn             \n"));
	assert_non_null(strstr(text, "No route to host\n"));
}

/* What it is compared with has columns; a dash where there is nothing. */
static void
compares(void **state)
{
	(void)state;
	report.has_nmap = report.has_expected = report.has_before = true;
	findings.expected = expected;
	places[0].nmap = PROBE_FILTERED;
	places[1].nmap_down = true;
	places[2].nmap = PROBE_CLOSED;
	places[0].before = PROBE_FILTERED;
	places[3].before = PROBE_CLOSED;
	written();
	assert_non_null(strstr(text,
			       "because           nmap     expect "
			       "  before \n"));
	assert_non_null(strstr(text,
			       "   22  syn       filtered       no-answer"
			       "         filt     filt     filt   \n"));
	assert_non_null(strstr(text, "no-answer         down     "));
	assert_non_null(
		strstr(text, "syn-ack           closed!  open     -      \n"));
	assert_non_null(strstr(text, "  closed!\n"));
	assert_non_null(strstr(text, "\n1 not as nmap sees it, 1 changed\n"));
	fits_a_terminal();
}

/* A sentence about any number of ports, and what differs between scans. */
static void
concludes(void **state)
{
	static struct finding many[65535];
	static uint16_t all[65535];
	static uint8_t none[65535];

	(void)state;
	places[1] = (struct finding){ .state = PROBE_CLOSED,
				      .reason = FINDING_ERRNO,
				      .detail = ECONNREFUSED };
	places[2].detail = PACKET_RST | PACKET_ACK;
	places[3].detail = ECONNREFUSED;
	assert_non_null(strstr(written(),
			       "\n80 closed, 22 not the same in all scans\n"));
	for (size_t i = 0; i < 65535; i++) {
		all[i] = (uint16_t)(i + 1);
		many[i] = (struct finding){
			.state = i % 7 ? PROBE_FILTERED : PROBE_OPEN,
			.reason = i % 7 ? FINDING_SILENCE : FINDING_TCP,
			.detail = PACKET_SYN | PACKET_ACK,
		};
	}
	findings.ports = all;
	findings.port_count = findings.count = 65535;
	findings.expected = none;
	findings.at = many;
	findings.scan_count = 1;
	written();
	assert_non_null(strstr(text, "\n2-7, 9-14, "));
	assert_non_null(strstr(text, " more hidden (as dropped)"));
	assert_non_null(strstr(text, " more open\n"));
	fits_a_terminal();
}

static void
parts_hosts(void **state)
{
	(void)state;
	findings.target_count = TARGETS;
	findings.count = PLACES;
	report.host = "192.0.2.0/30";
	written();
	assert_ptr_equal(strstr(text, "192.0.2.0/30 (192.0.2.1)\n"), text);
	assert_non_null(strstr(text, "\n\n192.0.2.0/30 (192.0.2.2)\n port  "));
}

/* One comparison with port 80, by a scan and by all of them. */
static void
compare(void)
{
	report.reference = 80;
	report.samples = 40;
	report.leaks = leaks;
	report.distinguish_count = 2;
	leaks[0] = (struct report_leak){
		.at = 0,
		.leak = { .what = DISTINGUISH_TTL,
			  .known = true,
			  .port = { .value = 64, .count = 40, .of = 40 },
			  .reference = { .value = 63, .count = 40, .of = 40 } },
	};
	leaks[1] = leaks[0];
	leaks[1].by = "all";
}

/* Of what differs, both sides; of the rest, that nothing does. */
static void
tells_ports_apart(void **state)
{
	(void)state;
	compare();
	assert_non_null(strstr(written(),
			       "\ncompared with port 80, by 40 samples:\n"
			       "       nothing tells them apart\n"));
	leaks[0].leak.differs = leaks[1].leak.differs = true;
	written();
	assert_non_null(strstr(text, "   22  syn       "));
	assert_non_null(strstr(text, "   22  all       "));
	assert_non_null(strstr(text, "64"));
	assert_non_null(
		strstr(text, "\n                             port 80: 63"));
	assert_null(strstr(text, "nothing tells"));
	assert_null(strstr(text, "(192.0.2.1)"));
	findings.target_count = TARGETS;
	findings.count = PLACES;
	assert_non_null(strstr(written(), "  (192.0.2.1)\n"));
}

static void
tells_scripts_what_differs(void **state)
{
	(void)state;
	compare();
	leaks[1].leak.differs = true;
	leaks[1].leak.score = 7.25;
	written_as(REPORT_JSON);
	assert_non_null(
		strstr(text,
		       "\"samples\":40,\"against\":[\n"
		       "{\"address\":\"192.0.2.1\",\"port\":22,"
		       "\"reference\":80,\"scan\":\"syn\",\"what\":\"ttl\","
		       "\"differs\":false,\"port_value\":\"64\","
		       "\"reference_value\":\"63\",\"score\":0.00},\n"));
	assert_non_null(strstr(text,
			       "\"scan\":\"all\",\"what\":\"ttl\","
			       "\"differs\":true,"));
	assert_non_null(strstr(text, "\"score\":7.25}]"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(shows_what_was_found),
		TEST(names_each_reason),
		TEST(compares),
		TEST(concludes),
		TEST(parts_hosts),
		TEST(tells_ports_apart),
		TEST(tells_scripts_what_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
