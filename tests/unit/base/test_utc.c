#include "unit/files_support.h"
#include "unit/support.h"

#include <string.h>
#include <time.h>

#include "base/utc.h"

/* As the library has it, for days all over and the last second of each. */
static void
says_what_the_library_does(void **state)
{
	const uint64_t days = UTC_TEXT_SECONDS / 86400;
	const uint64_t steps = property_steps(days / 13);

	(void)state;
	for (uint64_t i = 1; i <= steps; i++) {
		const time_t at = (time_t)(i * days / steps * 86400 - 1);
		char wanted[64], got[UTC_TEXT_MAX];
		uint64_t back;
		struct tm tm;

		assert_non_null(gmtime_r(&at, &tm));
		strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_true(utc_text(got, (uint64_t)at));
		assert_string_equal(got, wanted);
		assert_true(utc_read(got, &back));
		assert_int_equal(back, at);
	}
}

static void
reads_what_is_one(void **state)
{
	static const char *const others[] = {
		"",
		"2027",
		"2027-01",
		"2027-01-",
		"2027-00-01",
		"2027-13-01",
		"2027-01-00",
		"2027-02-29",
		"2100-02-29",
		"1969-12-31",
		"20270-01-01",
		"2027-001-01",
		"2027-01-01T",
		"2027-01-01T00:00:00",
		"2027-01-01T24:00:00Z",
		"2027-01-01T00:60:00Z",
		"2027-01-01T00:00:60Z",
		"2027-01-01T00:00:00Z ",
		" 2027-01-01",
		"+2027-01-01",
		"2027-01-01Z",
	};
	uint64_t seconds = 0;

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_false(utc_read(others[i], &seconds));
	}
	assert_true(utc_read("1970-01-01", &seconds));
	assert_int_equal(seconds, 0);
	assert_true(utc_read("2000-2-29T1:2:3Z", &seconds));
	assert_int_equal(seconds, 951782400 + 3723);
	assert_true(utc_read("9999-12-31T23:59:59Z", &seconds));
	assert_int_equal(seconds, UTC_TEXT_SECONDS - 1);
}

static void
knows_its_ends(void **state)
{
	char got[UTC_TEXT_MAX] = "as before";

	(void)state;
	assert_false(utc_text(got, UTC_TEXT_SECONDS));
	assert_false(utc_text(got, UINT64_MAX));
	assert_string_equal(got, "as before");
	assert_true(utc_text(got, 0));
	assert_string_equal(got, "1970-01-01T00:00:00Z");
	assert_true(utc_text(got, UTC_TEXT_SECONDS - 1));
	assert_string_equal(got, "9999-12-31T23:59:59Z");
	assert_true(utc_text(got, 951782400));
	assert_string_equal(got, "2000-02-29T00:00:00Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_library_does),
		cmocka_unit_test(reads_what_is_one),
		cmocka_unit_test(knows_its_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
