/* SPDX-License-Identifier: ISC */
/* The rule and the route, as ip(8) shows them.  Wants root. */
#include "os/own_route.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/support.h"

static char out[4096];

static const char *
shown(const char *command)
{
	FILE *in = popen(command, "r");
	size_t len;

	assert_non_null(in);
	len = fread(out, 1, sizeof out - 1, in);
	out[len] = '\0';
	pclose(in);
	return out;
}

static size_t
lines_with(const char *text, const char *word)
{
	size_t count = 0;

	while ((text = strstr(text, word))) {
		count++;
		text++;
	}
	return count;
}

static void
it_is_kept(void **state)
{
	struct own_route r;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0 ||
	    system("ip link set lo up && ip rule >/dev/null") != 0) {
		skip();
	}
	assert_int_equal(own_route_open(&r, 0x100000, 105040), 0);
	assert_int_equal(own_route_keep(&r), 1);
	assert_int_equal(own_route_keep(&r), 0);
	for (const char *const *v = (const char *[]){ "-4", "-6", NULL }; *v;
	     v++) {
		char command[64];

		snprintf(command, sizeof command, "ip %s rule", *v);
		assert_int_equal(
			lines_with(shown(command),
				   "fwmark 0x100000/0x100000 lookup 105040"),
			1);
		snprintf(command, sizeof command,
			 "ip %s route show table 105040", *v);
		assert_int_equal(lines_with(shown(command), "local default"),
				 1);
	}
	/* Any part of it is put back. */
	assert_int_equal(system("ip rule del pref 5040"), 0);
	assert_int_equal(own_route_keep(&r), 1);
	assert_int_equal(own_route_keep(&r), 0);
	assert_int_equal(system("ip -6 route flush table 105040"), 0);
	assert_int_equal(own_route_keep(&r), 1);
	own_route_close(&r);
	assert_int_equal(lines_with(shown("ip rule; ip -6 rule"), "105040"), 0);
	assert_int_equal(lines_with(shown("ip route show table all; "
					  "ip -6 route show table all"),
				    "105040"),
			 0);
	/* Of one who is gone: without its mark. */
	assert_int_equal(own_route_open(&r, 0x100000, 105040), 0);
	assert_int_equal(own_route_keep(&r), 1);
	own_route_remove(105040);
	own_route_remove(105040);
	assert_int_equal(lines_with(shown("ip rule; ip -6 rule; ip route show "
					  "table all"),
				    "105040"),
			 0);
	own_route_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
