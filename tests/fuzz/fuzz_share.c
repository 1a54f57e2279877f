/* SPDX-License-Identifier: ISC */
/*
 * What the engine of a shared memory says: after a greeting that is in order,
 * or none, any bytes, in parts of any size, while questions are asked, told
 * and time goes by.  Each question has one answer, in their order; only the
 * engine's own words let anybody in; and all ends.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"
#include "server/share.h"

static struct share s;
static uint64_t answers;
static bool good, ours;

static const char greeting[] = "+OK\r\n$25\r\nrun_id:r1\r\nother:xxxxxx\r\n\r\n"
			       "$27\r\nmaxmemory:0\r\nmore:1234567\r\n\r\n"
			       "$13\r\nrole:master\r\n\r\n+OK\r\n"
			       "*2\r\n$2\r\n10\r\n$1\r\n5\r\n"
			       "$6\r\nr1 100\r\n";

static void
answer(void *context, uint64_t number, enum share_answer is)
{
	(void)context;
	CHECK(number == answers);
	answers++;
	ours |= is == SHARE_OURS;
}

static void
begun(void *context, uint64_t age_ms, bool another)
{
	(void)context;
	(void)age_ms;
	(void)another;
	good = true;
}

static void
give(const uint8_t *bytes, size_t len, uint64_t ms)
{
	while (len > 0 && s.state != SHARE_GONE) {
		size_t size;
		uint8_t *room = share_room(&s, &size);

		CHECK(size > 0);
		size = size < len ? size : len;
		memcpy(room, bytes, size);
		share_take(&s, size, ms);
		bytes += size;
		len -= size;
	}
}

static void
check(uint64_t ms)
{
	const int64_t due = share_due(&s, ms);

	CHECK(s.answered == answers && s.asked >= answers);
	CHECK(s.replied <= s.expected);
	CHECK(s.expected - s.replied <= SHARE_REPLIES_MAX);
	CHECK(s.in_len < SHARE_IN_MAX && s.out_len <= SHARE_OUT_MAX);
	CHECK(strlen(s.why) < SHARE_WHY_MAX);
	CHECK(s.state == SHARE_GONE ? s.asked == s.answered : due >= 0);
	CHECK(!strstr(s.why, "secret"));
	for (const char *at = s.why; *at; at++) {
		CHECK(*at >= ' ' && *at <= '~');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct share_owner owner = { NULL, answer, begun };
	const struct share_setup setup = { .lifetime_ms = 120000,
					   .password = "secret" };
	const uint8_t id[SHARE_ID_BYTES] = "0123456789ABCDE";
	struct cursor c = cursor_over(data, size);
	uint64_t ms = 1000000, number;
	const bool greet = cursor_u8(&c) & 1;

	answers = 0;
	good = ours = false;
	share_init(&s, &setup, &owner);
	s.wait_ms = 100;
	share_connect(&s, id, ms);
	if (greet) {
		give((const uint8_t *)greeting, sizeof greeting - 1, ms);
		CHECK(good && s.state == SHARE_TELLING);
	}
	while (cursor_left(&c) > 0) {
		const uint8_t what = cursor_u8(&c);
		const size_t left = cursor_left(&c);
		const size_t len = (size_t)what >> 3 < left ? what >> 3 : left;

		switch (what & 7) {
		case 0:
			share_tick(&s, ms += what);
			break;
		case 1:
			share_ask(&s, what, ms, &number);
			break;
		case 2:
			share_tell(&s, what, ms);
			break;
		case 3:
			share_told(&s, ms);
			break;
		case 4:
			share_sent(&s, s.out_len < len ? s.out_len : len);
			break;
		case 5:
			share_tick(&s, ms += what * 16u);
			break;
		case 6:
			if (s.state == SHARE_GONE) {
				share_connect(&s, id, ms);
			}
			break;
		default:
			give(cursor_bytes(&c, len), len, ms);
			break;
		}
		check(ms);
	}
	CHECK(!ours || good);
	share_lose(&s, SHARE_IS_CLOSED, NULL);
	check(ms);
	CHECK(answers == s.asked);
	return 0;
}
