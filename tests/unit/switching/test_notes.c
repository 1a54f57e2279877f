/* SPDX-License-Identifier: ISC */
/* Who is to be carried, until he comes. */
#include "switching/notes.h"

#include <string.h>

#include "unit/files_support.h"
#include "unit/support.h"

static struct notes notes;

static struct carrier_note
note_of(uint32_t addr, uint16_t port, int32_t key_no)
{
	return (struct carrier_note){
		.src = addr4(addr),
		.dst = addr4(0x0a000001),
		.decoy = addr4(0x7f000001),
		.sport = port,
		.dport = 80,
		.decoy_port = 8080,
		.buffer = 65536,
		.wait_ms = 500,
		.key_no = key_no,
	};
}

static void
it_is_taken_once(void **state)
{
	const struct carrier_note a = note_of(1, 1000, 1);
	const struct carrier_note b = note_of(1, 1001, 2);
	struct carrier_note found;

	(void)state;
	notes_put(&notes, &a, 1000);
	notes_put(&notes, &b, 1000);
	assert_false(notes_take(&notes, &a.src, 1002, 1000, &found));
	assert_true(notes_take(&notes, &b.src, 1001, 1000, &found));
	assert_int_equal(found.key_no, 2);
	assert_false(notes_take(&notes, &b.src, 1001, 1000, &found));
	assert_true(
		notes_take(&notes, &a.src, 1000, 1000 + NOTES_LIFE_MS, &found));
	notes_put(&notes, &a, 1000);
	assert_false(
		notes_take(&notes, &a.src, 1000, 1001 + NOTES_LIFE_MS, &found));
}

/* The last word holds, and of a full set the oldest goes. */
static void
it_is_bounded(void **state)
{
	struct carrier_note found, n;
	const struct packet_addr src = addr4(7);
	const uint32_t set = notes_hash(&src, 1, NOTES_SETS);
	uint16_t ports[NOTES_WAYS + 1];
	size_t count = 0;

	(void)state;
	for (uint16_t port = 1; count <= NOTES_WAYS; port++) {
		if (notes_hash(&src, port, NOTES_SETS) == set) {
			ports[count++] = port;
		}
	}
	for (size_t i = 0; i < count; i++) {
		n = note_of(7, ports[i], (int32_t)i);
		notes_put(&notes, &n, 1000 + i);
	}
	n.key_no = 99;
	notes_put(&notes, &n, 2000);
	assert_false(notes_take(&notes, &src, ports[0], 2000, &found));
	for (size_t i = 1; i < count; i++) {
		assert_true(notes_take(&notes, &src, ports[i], 2000, &found));
		assert_int_equal(found.key_no, i == NOTES_WAYS ? 99 : (int)i);
	}
}

/* An alarm finds those who are still to come: one, or all of a key's. */
static void
it_goes_to_the_decoy_at_an_alarm(void **state)
{
	const struct packet_addr src = addr4(21);
	struct alarm a = { .src = src, .sport = 1, .key_no = ALARM_NO_KEY };
	struct carrier_note found;

	(void)state;
	for (uint16_t port = 1; port <= 4; port++) {
		const struct carrier_note n =
			note_of(21, port, port == 4 ? 6 : 5);

		notes_put(&notes, &n, 5000);
	}
	assert_int_equal(notes_alarm(&notes, &a, 5000), 1);
	assert_int_equal(notes_alarm(&notes, &a, 5000), 0);
	a = (struct alarm){ .key_no = 5 };
	assert_int_equal(notes_alarm(&notes, &a, 5001 + NOTES_LIFE_MS), 0);
	assert_int_equal(notes_alarm(&notes, &a, 5000), 2);
	for (uint16_t port = 1; port <= 4; port++) {
		assert_true(notes_take(&notes, &src, port, 5000, &found));
		assert_int_equal(found.to_decoy, port < 4);
	}
}

static void
what_can_not_be_is_refused(void **state)
{
	const struct carrier_note good = note_of(1, 1, 1);
	struct carrier_note bad[] = {
		good, good, good, good, good, good, good
	};

	(void)state;
	assert_true(notes_is_sound(&good));
	bad[0].src.family = 0;
	bad[1].dst.family = 6;
	bad[2].decoy.family = 5;
	bad[3].decoy_port = 0;
	bad[4].buffer = 0;
	bad[5].wait_ms = 65535;
	memset(bad[6].name, 'x', sizeof bad[6].name);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		assert_false(notes_is_sound(&bad[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_taken_once),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(it_goes_to_the_decoy_at_an_alarm),
		cmocka_unit_test(what_can_not_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
