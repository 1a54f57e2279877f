/* What is wrong with a daemon, in words. */
#include "unit/files_support.h"

#include <stdio.h>
#include <string.h>

#include "daemon/alarms.h"

static const char *
in_words(const struct alarms *alarms)
{
	static char out[ALARMS_MAX];
	struct text t = text_over(out, sizeof out);

	alarms_text(&t, alarms);
	assert_false(t.full);
	return out;
}

static void
names_what_is_wrong(void **state)
{
	(void)state;
	assert_string_equal(
		in_words(&(struct alarms){ .worker = "", .refused = "" }), "");
	assert_string_equal(in_words(&(struct alarms){ .clock_wrong = true,
						       .worker = "",
						       .refused = "" }),
			    "clock not synchronised");
	assert_string_equal(in_words(&(struct alarms){ .rules_changed = true,
						       .worker = "",
						       .refused = "" }),
			    "rules changed: another program changed them "
			    "within the last minute");
	assert_string_equal(
		in_words(&(struct alarms){
			.rules_changed = true,
			.rules_lost = true,
			.door_lost = true,
			.door_taken = true,
			.queue_full = true,
			.user_shared = true,
			.worker = "the worker died 3 times in a row",
			.guests = "web1 db",
			.refused = "x.conf:1: wrong",
		}),
		"rules lost: another program removed them, and they cannot be "
		"restored; door lost: another program took it, and it can't be put "
		"back; door taken: another program took it within the last "
		"minute; queue full: packets were dropped within the last "
		"minute; the worker runs as 'nobody', as others do, who may "
		"end it: make a user 'tap', or name one by run_as=; "
		"the worker died 3 times in a row; "
		"rules that see no packets, of guests: web1 db; "
		"files refused, older ones in use: x.conf:1: wrong");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
