/* From rules to the matches of the firewall: few, and none lost. */
#include <stdio.h>
#include <string.h>

#include "firewall/plan.h"
#include "unit/support.h"

#define RULES_MAX 8

struct bed {
	struct server_conf conf;
	struct acl_rule rules[RULES_MAX];
	struct acl_range ports[RULES_MAX];
	struct plan plan;
};

/* A rule for ports from low to high; 0: for all ports. */
static struct acl_rule *
rule(struct bed *b, uint16_t low, uint16_t high)
{
	size_t i = b->conf.acl.rules_count++;

	assert_true(i < RULES_MAX);
	b->conf.acl.rules = b->rules;
	b->ports[i] = (struct acl_range){ low, high };
	b->rules[i].ports = &b->ports[i];
	b->rules[i].ports_count = low ? 1 : 0;
	return &b->rules[i];
}

/* The ports of a match, as text. */
static const char *
ports(const struct bed *b, size_t match)
{
	static char text[256];
	size_t len = 0;

	assert_true(match < b->plan.fw.count);
	text[0] = '\0';
	for (size_t i = 0; i < b->plan.matches[match].ports_count; i++) {
		const struct fw_ports *p = &b->plan.matches[match].ports[i];

		len += (size_t)snprintf(text + len, sizeof text - len, "%u-%u ",
					p->low, p->high);
		assert_true(len < sizeof text);
	}
	return text;
}

static void
make(struct bed *b, size_t matches)
{
	assert_int_equal(plan_server(&b->plan, &b->conf), 0);
	assert_int_equal(b->plan.fw.count, matches);
}

static void
ports_are_joined(void **state)
{
	struct bed b = { 0 };

	(void)state;
	rule(&b, 8080, 8080);
	rule(&b, 22, 22);
	rule(&b, 23, 30);
	rule(&b, 25, 26);
	rule(&b, 8080, 8080);
	rule(&b, 65535, 65535);
	rule(&b, 65534, 65535);
	make(&b, 1);
	assert_string_equal(ports(&b, 0), "22-30 8080-8080 65534-65535 ");
	plan_free(&b.plan);
}

static void
what_differs_stays_apart(void **state)
{
	struct bed b = { 0 };

	(void)state;
	rule(&b, 1, 1);
	rule(&b, 2, 2)->src.addr = addr4(0x0a000001);
	rule(&b, 3, 3)->type = ACL_ROUTER;
	rule(&b, 4, 4)->hide = ACL_CLOSED;
	strcpy(rule(&b, 5, 5)->indev, "eth0");
	strcpy(rule(&b, 6, 6)->indev, "eth1");
	rule(&b, 7, 7);
	make(&b, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(b.plan.matches[i].ports_count, 1);
		assert_int_equal(b.plan.matches[i].ports[0].low, i + 1);
	}
	plan_free(&b.plan);
}

/* No port at all is any: it must not become the ports of a neighbour. */
static void
any_port_stays_any(void **state)
{
	struct bed b = { 0 };

	(void)state;
	rule(&b, 80, 80);
	rule(&b, 0, 0);
	rule(&b, 81, 81);
	make(&b, 3);
	assert_string_equal(ports(&b, 0), "80-80 ");
	assert_string_equal(ports(&b, 1), "");
	assert_string_equal(ports(&b, 2), "81-81 ");
	plan_free(&b.plan);
}

/* What the program in the kernel may accept, and nothing else. */
static void
what_is_accepted_is_marked(void **state)
{
	struct bed b = { 0 };

	(void)state;
	b.conf.fastpath_mark = 0x200000;
	rule(&b, 80, 80);
	rule(&b, 82, 82)->type = ACL_ROUTER;
	rule(&b, 84, 84)->window_loose = true;
	strcpy(rule(&b, 86, 86)->indev, "eth0");
	rule(&b, 88, 88)->hide = ACL_DECOY;
	rule(&b, 90, 90)->type = ACL_BRIDGE;
	rule(&b, 92, 92)->type = ACL_ROUTER;
	strcpy(b.rules[6].outdev, "eth1");
	for (unsigned i = FASTPATH_AUTO; i <= FASTPATH_GENERIC; i++) {
		bool accepts = i == FASTPATH_AUTO || i == FASTPATH_GENERIC;

		b.conf.settings.fastpath = (enum settings_fastpath)i;
		make(&b, 7);
		assert_int_equal(b.plan.fw.accepted_mark, 0x200000);
		for (size_t match = 0; match < 7; match++) {
			assert_int_equal(b.plan.matches[match].by_ingress,
					 accepts &&
						 (match == 0 || match == 1 ||
						  match == 3));
		}
		plan_free(&b.plan);
	}
	b.conf.settings.firewall = FIREWALL_NONE;
	make(&b, 7);
	assert_false(b.plan.matches[0].by_ingress);
	plan_free(&b.plan);
	/* A port that is to look closed has no say in those of others. */
	b.conf.settings.firewall = FIREWALL_AUTO;
	b.rules[4].hide = ACL_CLOSED;
	make(&b, 7);
	assert_true(b.plan.matches[0].by_ingress);
	assert_true(b.plan.matches[4].closed);
	assert_true(b.plan.matches[4].by_ingress);
	plan_free(&b.plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_joined),
		cmocka_unit_test(what_differs_stays_apart),
		cmocka_unit_test(any_port_stays_any),
		cmocka_unit_test(what_is_accepted_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
