/* SPDX-License-Identifier: ISC */
/* What comes back for a connection, and the four lines that tell it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../files_support.h"
#include "client/attempts.h"
#include "measure/build.h"
#include "measure/icmp_text.h"

#define ISN 1000u
#define SPORT 40000u

static const struct packet_addr here = { 4, { 192, 0, 2, 7 } };
static const struct packet_addr there = { 4, { 192, 0, 2, 1 } };

static struct attempts a;

/* A SYN of that connection was authenticated. */
static void
sent(uint32_t seq)
{
	const struct packet syn = {
		.src = here,
		.dst = there,
		.sport = SPORT,
		.dport = 22,
		.seq = seq,
		.flags = PACKET_SYN,
	};

	attempts_note(&a, &syn, 10);
}

static void
heard(uint8_t flags, uint32_t ack)
{
	const struct build_ip ip = { .src = there,
				     .dst = here,
				     .protocol = PACKET_TCP,
				     .ttl = BUILD_TTL };
	const struct build_tcp tcp = {
		.sport = 22, .dport = SPORT, .ack = ack, .flags = flags
	};
	uint8_t bytes[PACKET_HEADERS_MAX];
	const size_t len = build_tcp(bytes, &ip, &tcp);

	attempts_hear(&a, bytes, len, len);
}

static int
setup(void **state)
{
	(void)state;
	memset(&a, 0, sizeof a);
	a.on = true;
	a.cap.fd = -1;
	snprintf(a.why, sizeof a.why, "not captured here");
	log_open("tap client", false);
	log_quiet();
	return 0;
}

static size_t
lines_of(const char *text)
{
	size_t count = 0;

	for (; *text; text++) {
		count += *text == '\n';
	}
	return count;
}

static void
test_third(void **state)
{
	const char *said;

	(void)state;
	capture_begin();
	sent(ISN);
	sent(ISN);
	assert_string_equal(capture_end(), "");
	capture_begin();
	sent(ISN);
	sent(ISN);
	said = capture_end();
	assert_int_equal(lines_of(said), 4);
	assert_non_null(strstr(said,
			       "no connection to 192.0.2.1:22: 3 groups "
			       "sent by key 10, the first at 20"));
	assert_non_null(strstr(said, "this host's clock: "));
	assert_non_null(
		strstr(said, "came back: not known: not captured here"));
	assert_non_null(strstr(said, "next: tap probe-path 192.0.2.1"));
}

static void
test_number(void **state)
{
	const char *said;

	(void)state;
	sent(ISN);
	capture_begin();
	heard(PACKET_SYN | PACKET_ACK, ISN + 2);
	said = capture_end();
	assert_int_equal(lines_of(said), 4);
	assert_non_null(strstr(said,
			       "came back: a SYN/ACK for a number that "
			       "was not sent"));
}

static void
test_reset(void **state)
{
	(void)state;
	sent(ISN);
	capture_begin();
	heard(PACKET_RST | PACKET_ACK, ISN + 1);
	assert_non_null(strstr(capture_end(), "came back: a reset"));
}

/* One command's may go to another address yet: told at the end. */
static void
test_one_command(void **state)
{
	const char *said;

	(void)state;
	a.one = true;
	sent(ISN);
	capture_begin();
	heard(PACKET_RST | PACKET_ACK, ISN + 1);
	assert_string_equal(capture_end(), "");
	capture_begin();
	attempts_end(&a);
	said = capture_end();
	assert_int_equal(lines_of(said), 4);
	assert_non_null(strstr(said, "1 group sent"));
	capture_begin();
	attempts_end(&a);
	assert_string_equal(capture_end(), "");
}

static void
test_connected(void **state)
{
	(void)state;
	a.one = true;
	sent(ISN);
	capture_begin();
	heard(PACKET_SYN | PACKET_ACK, ISN + 1);
	/* It ends later. */
	heard(PACKET_RST, 0);
	attempts_end(&a);
	assert_string_equal(capture_end(), "");
	assert_int_equal(a.at[0].heard, ATTEMPT_CONNECTED);
}

/* What came back, and yet the SYN is sent again. */
static void
test_not_taken(void **state)
{
	(void)state;
	sent(ISN);
	heard(PACKET_SYN | PACKET_ACK, ISN + 1);
	sent(ISN);
	capture_begin();
	sent(ISN);
	assert_non_null(strstr(capture_end(), "came back: a SYN/ACK, which"));
}

/* One command's other connections to the same place say nothing new. */
static void
test_said_once(void **state)
{
	struct packet syn = { .src = here, .dst = there, .dport = 22 };

	(void)state;
	a.one = true;
	for (size_t i = 0; i < 10; i++) {
		syn.sport = (uint16_t)(SPORT + i);
		attempts_note(&a, &syn, 10);
	}
	syn.dport = 23;
	attempts_note(&a, &syn, 10);
	capture_begin();
	attempts_end(&a);
	assert_int_equal(lines_of(capture_end()), 2 * 4);
}

/* The next connection from the same port is another one. */
static void
test_port_again(void **state)
{
	(void)state;
	sent(ISN);
	sent(ISN);
	sent(ISN + 77);
	assert_int_equal(a.at[0].groups, 1);
	assert_int_equal(a.at[1].groups, 0);
}

/* Answers to nobody, and anything else. */
static void
test_others(void **state)
{
	static const uint8_t junk[64] = { 0x45 };

	(void)state;
	heard(PACKET_RST, 0);
	sent(ISN);
	for (size_t len = 0; len <= sizeof junk; len++) {
		attempts_hear(&a, junk, len, len);
	}
	assert_int_equal(a.at[0].heard, ATTEMPT_NOTHING);
}

static void
test_icmp_text(void **state)
{
	char words[64];
	struct text t = text_over(words, sizeof words);

	(void)state;
	icmp_text(&t, 4, 3, 13);
	assert_string_equal(words, "prohibited by an administrator");
	t = text_over(words, sizeof words);
	icmp_text(&t, 6, 1, 0);
	assert_string_equal(words, "no route");
	t = text_over(words, sizeof words);
	icmp_text(&t, 4, 11, 1);
	assert_string_equal(words, "time to live exceeded");
	t = text_over(words, sizeof words);
	icmp_text(&t, 6, 200, 9);
	assert_string_equal(words, "type 200, code 9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_third, setup),
		cmocka_unit_test_setup(test_number, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_one_command, setup),
		cmocka_unit_test_setup(test_connected, setup),
		cmocka_unit_test_setup(test_not_taken, setup),
		cmocka_unit_test_setup(test_said_once, setup),
		cmocka_unit_test_setup(test_port_again, setup),
		cmocka_unit_test_setup(test_others, setup),
		cmocka_unit_test(test_icmp_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
