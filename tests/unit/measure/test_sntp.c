/* SPDX-License-Identifier: ISC */
/* The time of another host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "measure/sntp.h"

#define NUMBER 0x0123456789ABCDEFu
#define SECOND_NS 1000000000u
/* 2026-12-01, and the last second of SNTP's first era. */
#define TODAY 1796083200u
#define ERA_END 2085978495u
#define UNIX_SECONDS 2208988800u

static uint8_t bytes[SNTP_BYTES];

/* What a server says whose clock has these seconds and 32 bits of one. */
static void
answer(uint64_t seconds, uint32_t fraction)
{
	memset(bytes, 0, sizeof bytes);
	bytes[0] = 4 << 3 | 4;
	bytes[1] = 2;
	be64_store(bytes + 24, NUMBER);
	be64_store(bytes + 32, (seconds + UNIX_SECONDS) << 32 | fraction);
	be64_store(bytes + 40, (seconds + UNIX_SECONDS) << 32 | fraction);
}

static int64_t
behind(uint64_t sent_ns, uint64_t received_ns)
{
	int64_t ms = 0;

	assert_int_equal(sntp_answer(bytes, sizeof bytes, NUMBER, sent_ns,
				     received_ns, &ms),
			 0);
	return ms;
}

static void
test_offsets(void **state)
{
	const uint64_t now = (uint64_t)TODAY * SECOND_NS;

	(void)state;
	answer(TODAY, 0);
	assert_int_equal(behind(now, now), 0);
	assert_int_equal(behind(now - 250000000, now + 250000000), 0);
	assert_int_equal(behind(now - 40 * (uint64_t)SECOND_NS,
				now - 40 * (uint64_t)SECOND_NS),
			 40000);
	assert_int_equal(behind(now + SECOND_NS, now + SECOND_NS), -1000);
	answer(TODAY, 0x80000000);
	assert_int_equal(behind(now, now), 500);
	/* Its seconds begin anew in 2036. */
	answer((uint64_t)ERA_END + 2, 0);
	assert_int_equal(behind((uint64_t)ERA_END * SECOND_NS,
				(uint64_t)ERA_END * SECOND_NS),
			 2000);
}

static void
test_refused(void **state)
{
	const uint64_t now = (uint64_t)TODAY * SECOND_NS;
	int64_t ms;

	(void)state;
	answer(TODAY, 0);
	for (size_t len = 0; len < sizeof bytes; len++) {
		assert_int_equal(sntp_answer(bytes, len, NUMBER, now, now, &ms),
				 -1);
	}
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER + 1, now, now, &ms),
		-1);
	/* Not a server; one that tells to go away, or is not set. */
	bytes[0] = 4 << 3 | 3;
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER, now, now, &ms), -1);
	answer(TODAY, 0);
	bytes[1] = 0;
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER, now, now, &ms), -1);
	bytes[1] = 16;
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER, now, now, &ms), -1);
	/* Whoever has not set his clock says so. */
	answer(TODAY, 0);
	bytes[0] |= 3 << 6;
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER, now, now, &ms), -1);
	/* A leap second to come is no reason. */
	bytes[0] ^= 1 << 6;
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER, now, now, &ms), 0);
	answer(TODAY, 0);
	be64_store(bytes + 40, 0);
	assert_int_equal(
		sntp_answer(bytes, sizeof bytes, NUMBER, now, now, &ms), -1);
}

static void
test_question(void **state)
{
	uint8_t out[SNTP_BYTES];

	(void)state;
	sntp_question(out, NUMBER);
	assert_int_equal(out[0], 0x23);
	assert_int_equal(be64_load(out + 40), NUMBER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
