/* Rules, keys and lists against a walk through all of them. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/acl.h"
#include "base/bytes.h"

static struct acl *acl;
static uint64_t seed;

static int
setup(void **state)
{
	(void)state;
	seed = 17;
	acl = calloc(1, sizeof *acl);
	assert_non_null(acl);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(acl);
	return 0;
}

static struct acl_net
net_of(struct packet_addr addr, unsigned bits)
{
	struct acl_net net = { .addr = addr };

	for (unsigned bit = 0; bit < bits; bit++) {
		net.mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	return net;
}

static void
nets_have_their_addresses(void **state)
{
	const struct acl_net any = { .addr.family = 0 };
	const struct packet_addr inside = addr4(0x0a01ffff);
	const struct packet_addr outside = addr4(0x0a020000);
	const struct packet_addr six = addr6(5, 1);
	struct packet_addr mapped = addr4(0x0a010000);
	struct acl_net net = net_of(addr4(0x0a010000), 16);

	(void)state;
	assert_true(acl_net_has(&any, &inside));
	assert_true(acl_net_has(&any, &six));
	assert_true(acl_net_has(&net, &inside));
	assert_false(acl_net_has(&net, &outside));
	/* An IPv6 address that begins with the same bytes is another. */
	mapped.family = 6;
	assert_false(acl_net_has(&net, &mapped));
	net = net_of(addr4(0x0a010000), 0);
	assert_true(acl_net_has(&net, &outside));
	assert_false(acl_net_has(&net, &six));
	net = net_of(addr6(5, 0), 64);
	assert_true(acl_net_has(&net, &six));
	net = net_of(addr6(5, 0), 128);
	assert_false(acl_net_has(&net, &six));
	/* The papers' masks need not be of leading ones. */
	net = net_of(addr4(0x0a000001), 32);
	net.mask[1] = 0;
	net.mask[2] = 0;
	assert_false(acl_net_has(&net, &inside));
	assert_true(acl_net_has(&net,
				&(struct packet_addr){ 4, { 10, 99, 98, 1 } }));
}

static void
every_bit_of_a_net_counts(void **state)
{
	const struct packet_addr addr = addr6(0x12345678, 0x9abcdef01234567);

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		const struct acl_net net = net_of(addr, bits);

		assert_true(acl_net_has(&net, &addr));
		for (unsigned bit = 0; bit < 128; bit++) {
			struct packet_addr flipped = addr;

			flipped.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(acl_net_has(&net, &flipped),
					 bit >= bits);
		}
	}
}

static void
the_first_rule_wins(void **state)
{
	struct acl_range web[] = { { 80, 80 }, { 8000, 8099 } };
	struct acl_range ssh[] = { { 22, 22 } };
	struct acl_rule rules[] = {
		{ .ports = web, .ports_count = 2, .line = 1 },
		{ .ports = ssh,
		  .ports_count = 1,
		  .line = 2,
		  .src = net_of(addr4(0x0a000000), 8) },
		{ .line = 3, .dst = net_of(addr4(0x01020304), 32) },
		{ .ports = ssh, .ports_count = 1, .line = 4 },
	};
	const struct {
		uint32_t src, dst;
		uint16_t port;
		unsigned line; /* 0: none */
	} list[] = {
		{ 1, 1, 80, 1 },
		{ 1, 0x01020304, 80, 1 },
		{ 1, 1, 79, 0 },
		{ 1, 1, 81, 0 },
		{ 1, 1, 7999, 0 },
		{ 1, 1, 8000, 1 },
		{ 1, 1, 8099, 1 },
		{ 1, 1, 8100, 0 },
		{ 0x0affffff, 1, 22, 2 },
		{ 0x0b000000, 1, 22, 4 },
		{ 1, 0x01020304, 22, 3 },
		{ 0x0a000000, 0x01020304, 22, 2 },
		{ 1, 0x01020304, 0, 3 },
		{ 1, 0x01020304, 65535, 3 },
		{ 1, 0x01020305, 9999, 0 },
	};

	(void)state;
	acl->rules = rules;
	acl->rules_count = COUNT(rules);
	acl_index(acl);
	assert_false(acl->by_device);
	for (size_t i = 0; i < COUNT(list); i++) {
		const struct packet p = {
			.src = addr4(list[i].src),
			.dst = addr4(list[i].dst),
			.dport = list[i].port,
		};
		const struct acl_rule *rule =
			acl_rule_for(acl, &p, false, "eth0", NULL);

		assert_int_equal(rule ? rule->line : 0, list[i].line);
	}
}

static void
devices_are_compared_whole(void **state)
{
	struct acl_rule rules[] = {
		{ .indev = "eth1", .line = 1 },
		{ .outdev = "a-name-of-15-by", .line = 2 },
		{ .indev = "eth0", .outdev = "eth1", .line = 3 },
	};
	const struct packet p = { .src = addr4(1), .dst = addr4(2) };

	(void)state;
	acl->rules = rules;
	acl->rules_count = COUNT(rules);
	acl_index(acl);
	assert_true(acl->by_device);
	assert_null(acl_rule_for(acl, &p, false, NULL, NULL));
	assert_null(acl_rule_for(acl, &p, false, "", ""));
	assert_null(acl_rule_for(acl, &p, false, "eth", NULL));
	assert_null(acl_rule_for(acl, &p, false, "eth10", NULL));
	assert_null(acl_rule_for(acl, &p, false, NULL, "eth1"));
	assert_int_equal(acl_rule_for(acl, &p, false, "eth1", NULL)->line, 1);
	assert_int_equal(
		acl_rule_for(acl, &p, false, "eth9", "a-name-of-15-by")->line,
		2);
	assert_int_equal(acl_rule_for(acl, &p, false, "eth0", "eth1")->line, 3);
}

static void
nothing_is_protected_without_rules(void **state)
{
	const struct packet p = { .src = addr4(1), .dst = addr4(2) };

	(void)state;
	acl_index(acl);
	assert_null(acl_rule_for(acl, &p, false, NULL, NULL));
	assert_null(acl_key_by_no(acl, 0));
	assert_false(acl_allows(acl, 0, 0));
}

static void
keys_are_found_by_number(void **state)
{
	struct acl_key *keys = calloc(100, sizeof *keys);

	(void)state;
	assert_non_null(keys);
	for (size_t i = 0; i < 100; i++) {
		keys[i].no = (uint16_t)(65535 - i * 655);
	}
	acl->keys = keys;
	acl->keys_count = 100;
	acl_index(acl);
	for (uint32_t no = 0; no < 65536; no++) {
		const struct acl_key *key = acl_key_by_no(acl, (uint16_t)no);
		bool is = (65535 - no) % 655 == 0 && (65535 - no) / 655 < 100;

		assert_int_equal(key != NULL, is);
		assert_true(!key || key->no == no);
	}
	/* An index made again forgets the old one. */
	acl->keys_count = 1;
	acl_index(acl);
	assert_null(acl_key_by_no(acl, 65535 - 655));
	free(keys);
}

static void
validity_includes_its_beginning(void **state)
{
	const struct acl_key key = { .not_before = 100, .not_after = 200 };
	const struct acl_key always = { .not_after = UINT64_MAX };

	(void)state;
	assert_false(acl_key_valid_at(&key, 99));
	assert_true(acl_key_valid_at(&key, 100));
	assert_true(acl_key_valid_at(&key, 199));
	assert_false(acl_key_valid_at(&key, 200));
	assert_true(acl_key_valid_at(&always, 0));
	assert_true(acl_key_valid_at(&always, UINT64_MAX - 1));
}

#define ENTRIES 40
#define RANGES 9

/* Sorted and disjoint ranges, as the configuration leaves them. */
static size_t
random_ranges(struct acl_range *ranges)
{
	uint32_t at = random_below(&seed, 3000);
	size_t count = 0;

	while (count < RANGES && at < 65536) {
		uint32_t high =
			at + random_below(&seed, 4) * random_below(&seed, 4000);

		high = high < 65536 ? high : 65535;
		ranges[count].low = (uint16_t)at;
		ranges[count++].high = (uint16_t)high;
		at = high + 1 + random_below(&seed, 9000);
	}
	return random_below(&seed, (uint32_t)count + 1);
}

static bool
allows_plainly(uint16_t port, uint16_t no)
{
	for (size_t i = 0; i < acl->entries_count; i++) {
		const struct acl_entry *e = &acl->entries[i];

		if (port < e->ports.low || port > e->ports.high) {
			continue;
		}
		for (size_t n = 0; n < e->keys_count; n++) {
			if (no >= e->keys[n].low && no <= e->keys[n].high) {
				return true;
			}
		}
	}
	return false;
}

static void
lists_agree_with_a_plain_walk(void **state)
{
	static struct acl_entry entries[ENTRIES];
	static struct acl_range keys[ENTRIES][RANGES];

	(void)state;
	acl->entries = entries;
	for (int round = 0; round < 20; round++) {
		uint32_t port = random_below(&seed, 2000);
		size_t count = 0;

		for (; count < ENTRIES && port < 65536; count++) {
			uint32_t high = port +
				random_below(&seed, 3) *
					random_below(&seed, 900);

			high = high < 65536 ? high : 65535;
			entries[count] = (struct acl_entry){
				.ports = { (uint16_t)port, (uint16_t)high },
				.keys = keys[count],
				.keys_count = random_ranges(keys[count]),
			};
			port = high + 1 + random_below(&seed, 2000);
		}
		acl->entries_count = count;
		acl_index(acl);
		for (int n = 0; n < 3000; n++) {
			size_t i = random_below(&seed, (uint32_t)count);
			const struct acl_entry *e = &entries[i];
			uint16_t p = n % 2 ? e->ports.low : e->ports.high;
			uint16_t no = (uint16_t)random_u32(&seed);

			if (e->keys_count > 0 && n % 3) {
				no = n % 4 < 2
					? e->keys[0].low
					: e->keys[e->keys_count - 1].high;
				no = (uint16_t)(no + n % 5 - 2);
			}
			p = (uint16_t)(p + n % 7 / 3 - 1);
			assert_int_equal(acl_allows(acl, p, no),
					 allows_plainly(p, no));
		}
	}
}

/* The rule found through the index is the one a plain walk finds. */
static void
rules_agree_with_a_plain_walk(void **state)
{
	static struct acl_rule rules[60];
	static struct acl_range ports[60][3];

	(void)state;
	acl->rules = rules;
	acl->rules_count = COUNT(rules);
	for (size_t i = 0; i < COUNT(rules); i++) {
		for (size_t n = 0; n < 3; n++) {
			uint32_t low = random_below(&seed, 300);

			ports[i][n].low = (uint16_t)low;
			ports[i][n].high =
				(uint16_t)(low + random_below(&seed, 9));
		}
		rules[i] = (struct acl_rule){
			.ports = ports[i],
			.ports_count = random_below(&seed, 40) == 0
				? 0
				: 1 + random_below(&seed, 3),
			.src = net_of(addr4(random_below(&seed, 4)),
				      30 + random_below(&seed, 3)),
			.line = (unsigned)i,
		};
	}
	acl_index(acl);
	for (int n = 0; n < 20000; n++) {
		const struct packet p = {
			.src = addr4(random_below(&seed, 4)),
			.dst = addr4(9),
			.dport = (uint16_t)random_below(&seed, 320),
		};
		const struct acl_rule *found = NULL;

		for (size_t i = 0; i < COUNT(rules) && !found; i++) {
			bool has = rules[i].ports_count == 0;

			for (size_t k = 0; k < rules[i].ports_count; k++) {
				has = has ||
					(p.dport >= ports[i][k].low &&
					 p.dport <= ports[i][k].high);
			}
			if (has && acl_net_has(&rules[i].src, &p.src)) {
				found = &rules[i];
			}
		}
		assert_ptr_equal(acl_rule_for(acl, &p, false, NULL, NULL),
				 found);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(nets_have_their_addresses),
		T(every_bit_of_a_net_counts),
		T(the_first_rule_wins),
		T(devices_are_compared_whole),
		T(nothing_is_protected_without_rules),
		T(keys_are_found_by_number),
		T(validity_includes_its_beginning),
		T(lists_agree_with_a_plain_walk),
		T(rules_agree_with_a_plain_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
