/* Which configurations, and which door, go without connection tracking. */
#include "unit/files_support.h"

#include "server/tracking.h"

static struct acl_rule rules[] = {
	{ .type = ACL_LOCAL },
	{ .type = ACL_LOCAL },
};

static struct server_conf
sound_conf(void)
{
	rules[0] = (struct acl_rule){ .type = ACL_LOCAL };
	return (struct server_conf){ .acl = { .rules = rules,
					      .rules_count = LENGTH(rules) } };
}

static struct door
sound_door(void)
{
	return (struct door){ .on = true, .is_pinned = true, .outlives = true };
}

static void
nothing_is_needed(void **state)
{
	const struct server_conf conf = sound_conf();
	const struct door door = sound_door();

	(void)state;
	assert_null(tracking_needed(&conf, &door));
}

static void
asked(const struct server_conf *conf, const struct door *door, const char *why)
{
	assert_string_equal(tracking_needed(conf, door), why);
}

static void
a_configuration_needs_it(void **state)
{
	const struct door door = sound_door();
	struct server_conf conf = sound_conf();

	(void)state;
	conf.track_always = true;
	asked(&conf, &door, "tracking=on");
	conf = sound_conf();
	conf.settings.firewall = FIREWALL_NONE;
	asked(&conf, &door, "firewall=none");
	conf = sound_conf();
	rules[0].type = ACL_ROUTER;
	asked(&conf, &door, "a rule is not type=LOCAL");
	rules[0].type = ACL_BRIDGE;
	asked(&conf, &door, "a rule is not type=LOCAL");
	conf = sound_conf();
	rules[0].hide = ACL_DECOY;
	asked(&conf, &door, "a rule has a decoy");
	rules[0].hide = ACL_CLOSED;
	asked(&conf, &door, "a rule has hide=closed");
	conf = sound_conf();
	rules[0].switches = ACL_SWITCH_MIRROR;
	asked(&conf, &door, "a rule has switch=");
	conf = sound_conf();
	assert_null(tracking_needed(&conf, &door));
}

static void
a_lesser_door_needs_it(void **state)
{
	const struct server_conf conf = sound_conf();
	struct door door = sound_door();

	(void)state;
	door.on = false;
	asked(&conf, &door, "there is no door");
	door = sound_door();
	door.lost = true;
	asked(&conf, &door, "there is no door");
	door = sound_door();
	door.is_pinned = false;
	asked(&conf, &door, "the door ends with this server");
	door = sound_door();
	door.outlives = false;
	asked(&conf, &door, "the door ends with this server");
	door = sound_door();
	door.now.without = 1;
	asked(&conf, &door, "some ports have no door");
	door = sound_door();
	door.in_vrf = "eth0";
	asked(&conf, &door, "some ports have no door");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_needed),
		cmocka_unit_test(a_configuration_needs_it),
		cmocka_unit_test(a_lesser_door_needs_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
