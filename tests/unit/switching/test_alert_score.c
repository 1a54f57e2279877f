/* SPDX-License-Identifier: ISC */
/* Scores: added, halved, bounded; the most suspect stay. */
#include "unit/support.h"

#include "switching/alert_score.h"

static struct alert_scores scores;
static const struct hash_key hash = { 5, 6 };

static int
setup(void **state)
{
	(void)state;
	alert_scores_init(&scores, &hash);
	return 0;
}

static struct alert_suspect
key(uint16_t no)
{
	return (struct alert_suspect){ .kind = ALERT_SUSPECT_KEY,
				       .key_no = no };
}

static struct alert_suspect
source(uint8_t last)
{
	return (struct alert_suspect){ .kind = ALERT_SUSPECT_SOURCE,
				       .src = addr4(last) };
}

static void
a_score_is_halved_in_ten_minutes(void **state)
{
	const struct alert_suspect who = key(10);
	uint32_t before = UINT32_MAX;

	(void)state;
	assert_int_equal(alert_scores_add(&scores, &who, 4, 1000), 4000);
	assert_int_equal(alert_scores_of(&scores, &who, 601000), 2000);
	assert_int_equal(alert_scores_of(&scores, &who, 301000), 3000);
	assert_int_equal(alert_scores_of(&scores, &who, 1201000), 1000);
	assert_int_equal(alert_scores_of(&scores, &who, UINT64_MAX), 0);
	for (uint64_t ms = 1000; ms < 3000000; ms += 777) {
		const uint32_t now = alert_scores_of(&scores, &who, ms);

		assert_true(now <= before);
		before = now;
	}
	/* A clock that went back adds nothing. */
	assert_int_equal(alert_scores_of(&scores, &who, 0), 4000);
	assert_int_equal(alert_scores_add(&scores, &who, 2, 601000), 4000);
}

static void
a_score_is_reached_to_the_nearest_point(void **state)
{
	const struct alert_suspect who = source(1);

	(void)state;
	alert_scores_add(&scores, &who, 2, 0);
	/* Two of two points are four, a second apart, too. */
	assert_true(alert_score_reaches(
		alert_scores_add(&scores, &who, 2, 1000), 4));
	assert_false(alert_score_reaches(3499, 4));
	assert_false(alert_score_reaches(0, 1));
	assert_true(alert_score_reaches(UINT32_MAX, 1000));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			alert_scores_add(&scores, &who, UINT32_MAX, 1000),
			UINT32_MAX);
	}
	assert_int_equal(alert_weight(1), 4);
	assert_int_equal(alert_weight(2), 2);
	assert_int_equal(alert_weight(255), 1);
}

static void
kinds_are_apart_and_forgotten(void **state)
{
	const struct alert_suspect connection = {
		.kind = ALERT_SUSPECT_CONNECTION,
		.src = addr4(1),
		.dst = addr4(2),
		.sport = 3,
		.dport = 4,
	};
	const struct alert_suspect all[] = { key(1), source(1), connection };
	uint32_t parts, count = 0;
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		alert_scores_add(&scores, &all[i], (uint32_t)i + 1, 0);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(alert_scores_of(&scores, &all[i], 0),
				 (i + 1) * 1000);
	}
	while (alert_scores_next(&scores, &at, 0, &parts)) {
		count += parts;
	}
	assert_int_equal(count, 6000);
	alert_scores_forget(&scores, &all[1]);
	alert_scores_forget(&scores, &all[1]);
	assert_int_equal(alert_scores_of(&scores, &all[1], 0), 0);
	assert_int_equal(alert_scores_of(&scores, &all[2], 0), 3000);
}

/* Whoever opens any number of connections does not push out his key. */
static void
the_least_suspect_make_room(void **state)
{
	const struct alert_suspect bad = key(7);

	(void)state;
	alert_scores_add(&scores, &bad, 100, 0);
	for (uint32_t i = 0; i < 100000; i++) {
		const struct alert_suspect c = {
			.kind = ALERT_SUSPECT_CONNECTION,
			.src = addr4((uint8_t)i),
			.dst = addr4(2),
			.sport = (uint16_t)(i >> 8),
			.dport = 4,
		};

		alert_scores_add(&scores, &c, 1, i);
	}
	assert_true(alert_scores_of(&scores, &bad, 100000) > 80000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_score_is_halved_in_ten_minutes, setup),
		cmocka_unit_test_setup(a_score_is_reached_to_the_nearest_point,
				       setup),
		cmocka_unit_test_setup(kinds_are_apart_and_forgotten, setup),
		cmocka_unit_test_setup(the_least_suspect_make_room, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
