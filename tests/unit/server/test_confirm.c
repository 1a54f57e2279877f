/* SPDX-License-Identifier: ISC */
#include "unit/support.h"

#include <string.h>

#include "server/confirm.h"

static char answer[256];

static bool
ask(struct confirmation *c)
{
	const struct control_peer peer = { 0 };
	struct text t = text_over(answer, sizeof answer);

	return confirm_ask(c, &peer, &t);
}

/* Who asks a second time is not told that all is well before it is. */
static void
one_is_confirmed_at_a_time(void **state)
{
	struct confirmation c = { .missing = true };

	(void)state;
	assert_false(ask(&c));
	assert_true(c.awaited);
	/* As while the lasting rules are put in place. */
	c.missing = false;
	assert_true(ask(&c));
	assert_string_equal(answer, "1it is being confirmed\n");
	confirm_end(&c, -1, "they could not be");
	assert_true(c.missing);
	assert_false(ask(&c));
	confirm_end(&c, -1, NULL);
	assert_true(ask(&c));
	assert_string_equal(answer, "0nothing to confirm\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_confirmed_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
