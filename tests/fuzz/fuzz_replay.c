/* SPDX-License-Identifier: ISC */
/*
 * The file of the replay memory: its header, and slots and floor that may
 * hold anything, after damage or by another's hand.  It is taken up, then
 * asked; whatever it held, nothing is new twice.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"
#include "server/replay_file.c"

#define CAPACITY REPLAY_CAPACITY_MIN
#define TAGS 256u
#define ASKED_MAX 64 /* four times what it holds */

static struct {
	uint64_t room[1 + 2 * CAPACITY]; /* the store */
	uint32_t index[8 * CAPACITY];
	uint64_t new_at[TAGS]; /* the instant by which a tag was new, or 0 */
	struct replay replay;
} rig;

static void
check_header(const uint8_t *bytes, size_t len)
{
	static uint8_t ours[HEADER], found[HEADER];
	enum replay_file_state state;

	if (ours[0] == 0) {
		make_header(ours, CAPACITY);
	}
	/* What differs from a good one. */
	memcpy(found, ours, sizeof found);
	for (size_t i = 0; i < len && i < 2 * ZEROS_AT; i++) {
		found[i] ^= bytes[i];
	}
	state = judge(found, ours, 1000);
	CHECK(state == REPLAY_FILE_KEPT || state == REPLAY_FILE_PARTIAL ||
	      state == REPLAY_FILE_LOST);
	if (state != REPLAY_FILE_LOST) {
		CHECK(memcmp(found, ours, BOOT_AT) == 0);
	}
}

static uint32_t
take_up(void)
{
	static const struct hash_key key = { 3, 4 };

	CHECK(replay_index_size(CAPACITY) <= sizeof rig.index);
	CHECK(replay_store_size(CAPACITY) == sizeof rig.room);
	return replay_init(&rig.replay, (void *)rig.room, rig.index, CAPACITY,
			   &key);
}

static void
ask(struct cursor *c)
{
	uint8_t tag = cursor_u8(c);
	uint64_t instant = cursor_u16(c);
	uint64_t floor = replay_floor(&rig.replay);
	enum replay_answer answer = replay_remember(&rig.replay, tag, instant);

	CHECK(rig.replay.count <= CAPACITY);
	CHECK(replay_floor(&rig.replay) >= floor);
	if (answer == REPLAY_NEW) {
		CHECK(instant > floor);
		CHECK(rig.new_at[tag] == 0 || rig.new_at[tag] != instant);
		rig.new_at[tag] = instant;
	}
	/* Asked at once again, it never is. */
	CHECK(replay_remember(&rig.replay, tag, instant) != REPLAY_NEW);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	uint8_t kind = cursor_u8(&c);

	if (kind & 1) {
		check_header(c.pos, cursor_left(&c));
		return 0;
	}
	memset(&rig, 0, sizeof rig);
	replay_format((void *)rig.room, CAPACITY);
	if (kind & 2) {
		/* Words of it, each by its place. */
		for (unsigned i = kind >> 4; i > 0; i--) {
			unsigned at = cursor_u8(&c) % (1 + 2 * CAPACITY);

			rig.room[at] = (uint64_t)cursor_u32(&c) << 32;
			rig.room[at] |= cursor_u32(&c);
		}
	}
	take_up();
	CHECK(take_up() == 0);
	for (int i = 0; i < ASKED_MAX && cursor_left(&c) > 0; i++) {
		ask(&c);
		/* Another process: what is remembered stays. */
		if (kind & 4 && cursor_u8(&c) & 1) {
			uint32_t count = rig.replay.count;

			CHECK(take_up() == 0);
			CHECK(rig.replay.count == count);
		}
	}
	return 0;
}
