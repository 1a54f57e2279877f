/* SPDX-License-Identifier: ISC */
/* Where a decoy continues, in a table of what was said. */
#include "switching/turn.h"

#include "unit/files_support.h"
#include "unit/support.h"

/* What the real service and the decoy say is taken as far as it may be. */
static void
say(struct turn *t, uint64_t real, uint64_t decoy)
{
	const uint64_t drop = (t->real += real, turn_to_drop(t));

	t->decoy += decoy < drop ? decoy : drop;
}

static void
the_decoy_keeps_pace(void **state)
{
	static const struct {
		uint64_t real, decoy, to_drop;
		enum turn_place place;
	} rows[] = {
		{ 0, 0, 0, TURN_LEVEL },
		{ 0, 9, 0, TURN_LEVEL },
		{ 5, 5, 0, TURN_LEVEL },
		/* What it says beyond is not taken: it is to be heard. */
		{ 5, 9, 0, TURN_LEVEL },
		{ 5, 4, 1, TURN_BEHIND },
		{ 5, 0, 5, TURN_SILENT },
		{ UINT64_MAX, 1, UINT64_MAX - 1, TURN_BEHIND },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct turn t = { 0 };

		say(&t, rows[i].real, rows[i].decoy);
		assert_int_equal(turn_to_drop(&t), rows[i].to_drop);
		assert_int_equal(turn_place(&t), rows[i].place);
	}
}

static void
a_turn_begins_behind_an_answer(void **state)
{
	struct turn t = { 0 };

	(void)state;
	/* The client may say something in several parts. */
	assert_false(turn_client(&t, true));
	assert_false(turn_client(&t, true));
	say(&t, 10, 3);
	/* Not all of it has come to him: he speaks into it. */
	assert_false(turn_client(&t, false));
	assert_int_equal(t.real, 10);
	assert_int_equal(t.number, 0);
	assert_true(turn_client(&t, true));
	assert_int_equal(t.number, 1);
	assert_int_equal(t.real, 0);
	assert_int_equal(t.decoy, 0);
	assert_false(turn_client(&t, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_decoy_keeps_pace),
		cmocka_unit_test(a_turn_begins_behind_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
