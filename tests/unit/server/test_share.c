/* SPDX-License-Identifier: ISC */
/*
 * The conversation with the engine of a shared memory: greeting, questions,
 * answers in time and too late, and engines that are not what they should be.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/share.h"

#define ID "00112233445566778899AABBCCDDEEFF"
#define OTHER "FF112233445566778899AABBCCDDEEFF"

static const uint8_t id[SHARE_ID_BYTES] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
					    0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB,
					    0xCC, 0xDD, 0xEE, 0xFF };
static struct share s;
static uint64_t ms;
static struct {
	size_t answers, begun;
	enum share_answer is[16];
	uint64_t age_ms;
	bool another;
} seen;

static void
answer(void *context, uint64_t number, enum share_answer is)
{
	(void)context;
	assert_int_equal(number, seen.answers);
	seen.is[seen.answers++ % 16] = is;
}

static void
begun(void *context, uint64_t age_ms, bool another)
{
	(void)context;
	seen.begun++;
	seen.age_ms = age_ms;
	seen.another = another;
}

static void
give(const char *text)
{
	const size_t len = strlen(text);
	size_t size;
	uint8_t *room = share_room(&s, &size);

	assert_true(size >= len);
	memcpy(room, text, len);
	share_take(&s, len, ms);
}

/* What it has to send is this, and is sent. */
static void
assert_sends(const char *text)
{
	char out[4096] = "";
	size_t len = s.out_len < sizeof out - 1 ? s.out_len : 0;

	memcpy(out, s.out, len);
	/* A command a line, without lengths. */
	for (char *at = strtok(out, "\r\n"); at; at = strtok(NULL, "\r\n")) {
		if (*at == '*' || *at == '$') {
			continue;
		}
		assert_memory_equal(text, at, strlen(at));
		text += strlen(at);
		text += *text == ' ';
	}
	assert_string_equal(text, "");
	share_sent(&s, s.out_len);
}

#define GREETING                                                               \
	"INFO server INFO memory INFO replication "                            \
	"SET tap:check " ID " PX 120000 NX TIME GET tap:begin"
#define INFO_GOOD                                                              \
	"$13\r\nrun_id:abcd\r\n\r\n"                                           \
	"$13\r\nmaxmemory:0\r\n\r\n"                                           \
	"$13\r\nrole:master\r\n\r\n+OK\r\n"
#define TIME_1000 "*2\r\n$4\r\n1000\r\n$1\r\n0\r\n"

static void
start(const struct share_setup *setup)
{
	const struct share_owner owner = { NULL, answer, begun };
	const struct share_setup usual = { .lifetime_ms = 120000 };

	memset(&seen, 0, sizeof seen);
	ms = 5000;
	share_init(&s, setup ? setup : &usual, &owner);
	s.wait_ms = 100;
	share_connect(&s, id, ms);
}

/* A memory that began ten seconds ago, all told. */
static void
be_ready(void)
{
	start(NULL);
	assert_sends(GREETING);
	give(INFO_GOOD TIME_1000 "$14\r\nabcd 990000000\r\n");
	assert_int_equal(s.state, SHARE_TELLING);
	assert_int_equal(seen.age_ms, 10000);
	assert_true(seen.another);
	share_told(&s, ms);
	assert_int_equal(s.state, SHARE_READY);
}

#define BEGIN "$14\r\nabcd 990000000\r\n"
#define MINE "*2\r\n$32\r\n" ID "\r\n" BEGIN
#define THEIRS "*2\r\n$32\r\n" OTHER "\r\n" BEGIN

static void
ask(uint64_t tag)
{
	uint64_t number;

	assert_true(share_ask(&s, tag, ms, &number));
}

static void
test_questions(void **state)
{
	(void)state;
	be_ready();
	ask(1);
	assert_sends("SET tap:F9ED5080E1093EEF159E721DC2DEA07F " ID
		     " PX 120000 NX MGET "
		     "tap:F9ED5080E1093EEF159E721DC2DEA07F tap:begin");
	ask(2);
	ask(3);
	/* Set now; by another; by this one, as asked before it was lost. */
	give("+OK\r\n" MINE "$-1\r\n" THEIRS "$-1\r\n" MINE);
	assert_int_equal(seen.answers, 3);
	assert_int_equal(seen.is[0], SHARE_OURS);
	assert_int_equal(seen.is[1], SHARE_TAKEN);
	assert_int_equal(seen.is[2], SHARE_OURS);
	/* Gone at once, or forgotten: nobody knows. */
	ask(4);
	give("+OK\r\n*2\r\n$-1\r\n" BEGIN);
	assert_int_equal(seen.is[3], SHARE_NO_ANSWER);
	assert_int_equal(s.state, SHARE_READY);
}

static void
test_too_late(void **state)
{
	(void)state;
	be_ready();
	ask(1);
	ms += 60;
	ask(2);
	assert_int_equal(share_due(&s, ms), 40);
	ms += 40;
	share_tick(&s, ms);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(seen.is[0], SHARE_NO_ANSWER);
	/* The answer to the first is nobody's any more. */
	give("+OK\r\n" MINE);
	assert_int_equal(seen.answers, 1);
	give("+OK\r\n" MINE);
	assert_int_equal(seen.answers, 2);
	assert_int_equal(seen.is[1], SHARE_OURS);
}

static void
test_silent(void **state)
{
	(void)state;
	be_ready();
	/* Idle, it is asked whether it is there. */
	share_sent(&s, s.out_len);
	ms += SHARE_CHECK_MS;
	share_tick(&s, ms);
	assert_sends("SET tap:check " ID " PX 120000 NX GET tap:begin");
	give("+OK\r\n" BEGIN);
	assert_int_equal(s.state, SHARE_READY);
	ask(1);
	ms += SHARE_SILENT_MS - 1;
	share_tick(&s, ms);
	assert_int_equal(s.state, SHARE_READY);
	share_tick(&s, ++ms);
	assert_int_equal(s.state, SHARE_GONE);
	assert_int_equal(s.trouble, SHARE_IS_SILENT);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(share_due(&s, ms), -1);
}

/* Emptied, or another run of it: what it knew before counts no more. */
static void
test_anew(void **state)
{
	uint64_t number;

	(void)state;
	be_ready();
	ask(1);
	give("+OK\r\n*2\r\n$32\r\n" ID "\r\n$-1\r\n");
	assert_int_equal(s.state, SHARE_GONE);
	assert_int_equal(s.trouble, SHARE_IS_ANEW);
	assert_int_equal(seen.is[0], SHARE_NO_ANSWER);
	share_connect(&s, id, ms);
	assert_sends(GREETING);
	give(INFO_GOOD TIME_1000 "$14\r\nwxyz 990000000\r\n");
	assert_sends("SET tap:begin abcd 1000000000 GET tap:begin");
	assert_int_equal(seen.begun, 1);
	give("+OK\r\n$15\r\nabcd 1000000000\r\n");
	assert_int_equal(seen.begun, 2);
	assert_int_equal(seen.age_ms, 0);
	assert_true(seen.another);
	/* It is told, and asked only when all have come back. */
	assert_true(share_tell(&s, 7, ms));
	share_told(&s, ms);
	assert_false(share_ask(&s, 8, ms, &number));
	give("+OK\r\n");
	ms += SHARE_SETTLE_MS - 1;
	share_tick(&s, ms);
	give("$-1\r\n$15\r\nabcd 1000000000\r\n");
	assert_int_equal(s.state, SHARE_TELLING);
	share_tick(&s, ++ms);
	assert_int_equal(s.state, SHARE_READY);
	/* The same memory once more is no other one, if it has all. */
	assert_true(share_tell(&s, 7, ms));
	give("+OK\r\n");
	share_lose(&s, SHARE_IS_CLOSED, NULL);
	share_connect(&s, id, ms);
	give(INFO_GOOD "*2\r\n$4\r\n1003\r\n$1\r\n0\r\n"
		       "$15\r\nabcd 1000000000\r\n");
	assert_int_equal(seen.begun, 3);
	assert_false(seen.another);
}

static void
connect_again(void)
{
	share_lose(&s, SHARE_IS_CLOSED, NULL);
	share_connect(&s, id, ms);
	give(INFO_GOOD TIME_1000 BEGIN);
	assert_int_equal(s.state, SHARE_TELLING);
}

/* Lost before it had heard all: it is told once more. */
static void
test_told_in_part(void **state)
{
	(void)state;
	be_ready();
	connect_again();
	assert_false(seen.another);
	assert_true(share_tell(&s, 1, ms));
	give("+OK\r\n");
	connect_again();
	assert_true(seen.another);
	assert_true(share_tell(&s, 1, ms));
	assert_true(share_tell(&s, 2, ms));
	share_told(&s, ms);
	assert_int_equal(s.state, SHARE_READY);
	give("+OK\r\n");
	connect_again();
	assert_true(seen.another);
	assert_true(share_tell(&s, 2, ms));
	share_told(&s, ms);
	give("+OK\r\n");
	connect_again();
	assert_false(seen.another);
}

/* One that answers now and then, and always later than it is waited for. */
static void
test_slow(void **state)
{
	(void)state;
	be_ready();
	ask(1);
	for (int i = 0; i < 2; i++) {
		ms += SHARE_SILENT_MS - 1;
		share_tick(&s, ms);
		assert_int_equal(s.state, SHARE_READY);
		give(i == 0 ? "+OK\r\n" : MINE);
	}
	assert_int_equal(s.trouble, SHARE_IS_SILENT);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(seen.is[0], SHARE_NO_ANSWER);
}

/* Words of the engine are logged: not the password that it repeats. */
static void
test_password_quoted(void **state)
{
	const struct share_setup setup = { .password = "correct horse" };

	(void)state;
	start(&setup);
	give("-ERR unknown command 'AUTH', with args: 'correct h\r\n");
	assert_string_equal(s.why, "refuses");
	start(&setup);
	give("-WRONGPASS incorrect\r\n");
	assert_string_equal(s.why, "refuses: WRONGPASS incorrect");
}

static void
test_login(void **state)
{
	const struct share_setup setup = {
		.user = "tap",
		.password = "secret",
		.db = 12,
		.lifetime_ms = 120000,
	};
	const struct share_setup old = { .password = "secret",
					 .lifetime_ms = 120000 };

	(void)state;
	start(&setup);
	assert_sends("AUTH tap secret SELECT 12 " GREETING);
	give("-WRONGPASS invalid username-password pair\r\n");
	assert_int_equal(s.state, SHARE_GONE);
	assert_string_equal(
		s.why, "refuses: WRONGPASS invalid username-password pair");
	start(&old);
	assert_sends("AUTH secret " GREETING);
}

static void
test_other_engines(void **state)
{
	static const struct {
		const char *says;
		enum share_trouble trouble;
	} engines[] = {
		{ "HTTP/1.1 400 Bad Request\r\n", SHARE_IS_NO_RESP },
		{ "-NOAUTH Authentication required.\r\n", SHARE_IS_REFUSES },
		{ "+OK\r\n", SHARE_IS_NO_RESP },
		{ ":5\r\n", SHARE_IS_NO_RESP },
		{ "$12\r\nrole:slave\r\n\r\n", SHARE_IS_REPLICA },
		{ "$43\r\nmaxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n\r\n",
		  SHARE_IS_FORGETS },
		{ "$44\r\nmaxmemory:9\r\nmaxmemory_policy:volatile-ttl\r\n\r\n",
		  SHARE_IS_FORGETS },
		/* Takes nothing new. */
		{ "$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n-OOM of memory\r\n",
		  SHARE_IS_REFUSES },
		/* Without a run id, or a time. */
		{ "$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n+OK\r\n" TIME_1000 "$-1\r\n",
		  SHARE_IS_NO_RESP },
		{ INFO_GOOD "*2\r\n$1\r\nx\r\n$1\r\n0\r\n", SHARE_IS_NO_RESP },
		{ INFO_GOOD "*1\r\n$1\r\n1\r\n", SHARE_IS_NO_RESP },
		/* The memory is another's again and again. */
		{ INFO_GOOD TIME_1000
		  "$-1\r\n+OK\r\n$-1\r\n+OK\r\n$-1\r\n+OK\r\n$-1\r\n",
		  SHARE_IS_ANEW },
		/* More than was asked for. */
		{ INFO_GOOD TIME_1000 BEGIN "+OK\r\n", SHARE_IS_NO_RESP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
		start(NULL);
		give(engines[i].says);
		assert_int_equal(s.state, SHARE_GONE);
		assert_int_equal(s.trouble, engines[i].trouble);
	}
	be_ready();
	ask(1);
	give("-READONLY You can't write\x01\xff\r\n");
	assert_string_equal(s.why, "refuses: READONLY You can't write??");
	be_ready();
	ask(1);
	give("+OK\r\n*1\r\n$-1\r\n");
	assert_int_equal(s.trouble, SHARE_IS_NO_RESP);
}

/* All that may wait, and no more; and room again. */
static void
test_bounds(void **state)
{
	uint64_t number, asked = 0;

	(void)state;
	be_ready();
	while (share_ask(&s, asked, ms, &number)) {
		assert_int_equal(number, asked++);
		share_sent(&s, s.out_len);
	}
	assert_int_equal(asked, SHARE_ASKS_MAX);
	assert_int_equal(s.state, SHARE_READY);
	give("+OK\r\n" MINE);
	assert_true(share_ask(&s, 1, ms, &number));
	/* Nobody reads what is written. */
	be_ready();
	asked = 0;
	while (share_tell(&s, asked, ms)) {
		assert_true(share_listens(&s) ==
			    (s.out_len < SHARE_OUT_MAX / 2));
		asked++;
	}
	assert_in_range(asked, 500, SHARE_OUT_MAX / 64);
	assert_int_equal(s.state, SHARE_READY);
	assert_false(share_listens(&s));
	/* Nobody answers it. */
	be_ready();
	for (asked = 0; share_tell(&s, asked, ms); asked++) {
		share_sent(&s, s.out_len);
	}
	assert_in_range(asked, SHARE_REPLIES_MAX - 2, SHARE_REPLIES_MAX);
	assert_false(share_listens(&s));
	while (s.expected - s.replied >= SHARE_REPLIES_MAX / 2) {
		give("+OK\r\n");
	}
	assert_true(share_listens(&s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_anew),
		cmocka_unit_test(test_told_in_part),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_password_quoted),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_other_engines),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
