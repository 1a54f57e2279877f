/* What a server says of itself in words. */
#include "unit/files_support.h"

#include <stdio.h>
#include <string.h>

#include "server/overview.h"

static struct acl_range ssh[] = { { 22, 22 } };
static struct acl_range web[] = { { 80, 80 }, { 8000, 8010 } };
static struct acl_range odd[40];

static const char *
hidden_text(struct acl_rule *rules, size_t count, size_t size)
{
	static char out[OVERVIEW_MAX];
	struct acl acl = { .rules = rules, .rules_count = count };
	struct text t = text_over(out, size);

	overview_hidden(&t, &acl);
	assert_in_range(strlen(out), 0, size - 1);
	return out;
}

static void
says_what_is_hidden_and_how(void **state)
{
	struct acl_rule rules[] = {
		{ .ports = ssh, .ports_count = 1 },
		{ .ports = web,
		  .ports_count = 2,
		  .hide = ACL_CLOSED,
		  .indev = "eth0",
		  .src = { { 4, { 10 } }, { 255 } } },
		{ .hide = ACL_DECOY,
		  .decoy = { 6, { 0xfd, [15] = 7 } },
		  .decoy_port = 80,
		  .dst = { { 4, { 192, 0, 2, 1 } }, { 255, 255, 255, 255 } } },
	};

	(void)state;
	assert_string_equal(hidden_text(rules, 1, OVERVIEW_MAX), "22 filtered");
	assert_string_equal(hidden_text(rules, 3, OVERVIEW_MAX),
			    "22 filtered; "
			    "80,8000-8010 from 10.0.0.0/8 on eth0 closed; "
			    "all ports of 192.0.2.1 decoy [fd00::7]:80");
}

/* As much as there is room for, and how much more there is. */
static void
leaves_out_what_has_no_room(void **state)
{
	struct acl_rule rules[] = {
		{ .ports = ssh, .ports_count = 1 },
		{ .ports = odd, .ports_count = LENGTH(odd) },
		{ .ports = ssh, .ports_count = 1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(odd); i++) {
		odd[i] = (struct acl_range){ (uint16_t)(50000 + 10 * i),
					     (uint16_t)(50005 + 10 * i) };
	}
	assert_string_equal(hidden_text(rules, 3, OVERVIEW_MAX),
			    "22 filtered; and 2 more rules");
	assert_string_equal(hidden_text(rules, 2, OVERVIEW_MAX),
			    "22 filtered; and 1 more rule");
	for (size_t size = 1; size < 100; size++) {
		hidden_text(rules, 3, size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_hidden_and_how),
		cmocka_unit_test(leaves_out_what_has_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
