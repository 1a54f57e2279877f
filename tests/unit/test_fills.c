/* Which chains have rules, by what is said of a plan and by its text. */
#include "files_support.h"

#include <stdio.h>
#include <string.h>

#include "firewall/ruleset.h"

#define TEXT_SIZE 16384u

static const struct fw_ports ssh[] = { { 22, 22 } };

static const struct fw_match any = { .ports = ssh, .ports_count = 1 };
static const struct fw_match of_ipv4 = {
	.src = { 4, { 10 } },
	.src_bits = 8,
	.ports = ssh,
	.ports_count = 1,
};
static const struct fw_match to_ipv6 = {
	.dst = { 6, { 0x20, 1 } },
	.dst_bits = 16,
};
static const struct fw_match routed = { .place = FW_ROUTED };
static const struct fw_match forward = {
	.place = FW_FORWARD,
	.outdev = "eth1",
	.ports = ssh,
	.ports_count = 1,
};
static const struct fw_match bridged_ipv4 = {
	.place = FW_BRIDGED,
	.indev = "br-a",
	.dst = { 4, { 192, 0, 2, 1 } },
	.dst_bits = 32,
};
static const struct fw_match decoy_ipv4 = {
	.answered = true,
	.decoy = { 4, { 192, 0, 2, 9 } },
	.decoy_port = 22,
};
static const struct fw_match decoy_ipv6 = {
	.answered = true,
	.dst = { 6, { 0x20, 1 } },
	.dst_bits = 16,
	.decoy = { 6, { 0x20, 1, [15] = 9 } },
	.decoy_port = 22,
};

static const struct fw_plan plans[] = {
	{ .matches = &any, .count = 0 },
	{ .matches = &any, .count = 0, .watch_all = true },
	{ .matches = &any, .count = 1 },
	{ .matches = &of_ipv4, .count = 1 },
	{ .matches = &of_ipv4, .count = 1, .watch_all = true },
	{ .matches = &to_ipv6, .count = 1 },
	{ .matches = &routed, .count = 1 },
	{ .matches = &forward, .count = 1 },
	{ .matches = &bridged_ipv4, .count = 1 },
	{ .matches = &bridged_ipv4, .count = 1, .watch_all = true },
	{ .matches = &decoy_ipv4, .count = 1 },
	{ .matches = &decoy_ipv6, .count = 1 },
	{ .side = FW_CLIENT, .matches = &any, .count = 0 },
	{ .side = FW_CLIENT, .matches = &any, .count = 1 },
	{ .side = FW_CLIENT, .matches = &of_ipv4, .count = 1 },
	{ .side = FW_CLIENT, .matches = &to_ipv6, .count = 1 },
};

static char out[TEXT_SIZE];

/* A line that appends to the chain is there, or none. */
static void
iptables_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(plans); i++) {
		size_t count;
		const struct ruleset_hook *hooks =
			ruleset_hooks(plans[i].side, &count);

		for (size_t h = 0; h < count; h++) {
			for (unsigned family = 4; family <= 6; family += 2) {
				struct text t = text_over(out, sizeof out);
				bool has;

				ruleset_iptables(&t, &plans[i], &hooks[h],
						 family, "");
				assert_false(t.full);
				has = strstr(out, "\n-A ") != NULL;
				if (ruleset_fills(&plans[i], &hooks[h],
						  family) != has) {
					fail_msg("plan %zu, hook %zu, IPv%u: "
						 "%s",
						 i, h, family, out);
				}
			}
		}
	}
}

/*
 * nft's chains are of both families.  Each that is needed is there; those
 * said to be full are not empty.
 */
static void
nft_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(plans); i++) {
		struct text t = text_over(out, sizeof out);
		size_t count;
		const struct ruleset_hook *hooks =
			ruleset_hooks(plans[i].side, &count);

		ruleset_nft(&t, &plans[i]);
		assert_false(t.full);
		for (size_t h = 0; h < count; h++) {
			static const char policy[] = "policy accept;\n\t";
			char head[64];
			const char *chain;

			snprintf(head, sizeof head, "chain %s {", hooks[h].nft);
			chain = strstr(out, head);
			assert_int_equal(chain != NULL,
					 ruleset_needs(&plans[i], &hooks[h]));
			if (!ruleset_fills(&plans[i], &hooks[h], 0)) {
				continue;
			}
			assert_non_null(chain);
			chain = strstr(chain, policy) + strlen(policy);
			assert_int_equal(*chain, '\t');
		}
	}
}

/* What fills neither family fills none, and the other way round. */
static void
either_family_is_one_of_both(void **state)
{
	unsigned filled = 0, empty = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH(plans); i++) {
		size_t count;
		const struct ruleset_hook *hooks =
			ruleset_hooks(plans[i].side, &count);

		for (size_t h = 0; h < count; h++) {
			bool either = ruleset_fills(&plans[i], &hooks[h], 0);

			assert_int_equal(
				either,
				ruleset_fills(&plans[i], &hooks[h], 4) ||
					ruleset_fills(&plans[i], &hooks[h], 6));
			filled += either;
			empty += !either;
		}
	}
	assert_true(filled > 10 && empty > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iptables_says_the_same),
		cmocka_unit_test(nft_says_the_same),
		cmocka_unit_test(either_family_is_one_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
