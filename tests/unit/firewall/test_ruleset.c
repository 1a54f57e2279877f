/* The text of the rules, to the letter: what is in it decides who gets in. */
#include "unit/files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/ruleset.h"
#include "firewall/ruleset_iptables.h"
#include "firewall/ruleset_nft.h"

#define TEXT_SIZE 65536u

static const struct fw_ports ssh[] = { { 22, 22 } };

/* Fourteen ports, and a range, which counts as two: one too many. */
static const struct fw_ports lots[] = {
	{ 1, 1 },   { 2, 2 },   { 3, 3 },   { 4, 4 },   { 5, 5 },   { 6, 6 },
	{ 7, 7 },   { 8, 8 },   { 9, 9 },   { 10, 10 }, { 11, 11 }, { 12, 12 },
	{ 13, 13 }, { 14, 14 }, { 20, 30 }, { 40, 40 },
};

static const struct fw_match matches[] = {
	{ .ports = ssh, .ports_count = 1 },
	{ .indev = "eth0",
	  .outdev = "",
	  .src = { 4, { 10 } },
	  .src_bits = 8,
	  .ports = lots,
	  .ports_count = LENGTH(lots) },
	{ .dst = { 6, { 0x20, 1, 0xd, 0xb8 } }, .dst_bits = 32 },
};

/* One through this host, and one through its bridge. */
static const struct fw_match far_matches[] = {
	{ .place = FW_ROUTED, .ports = ssh, .ports_count = 1 },
	{ .place = FW_ROUTED,
	  .outdev = "eth1",
	  .dst = { 4, { 192, 0, 2, 7 } },
	  .dst_bits = 32,
	  .ports = ssh,
	  .ports_count = 1 },
	{ .place = FW_BRIDGED,
	  .indev = "br-a",
	  .outdev = "br-b",
	  .dst = { 4, { 192, 0, 2, 1 } },
	  .dst_bits = 32 },
};

/* Where strangers get an answer, from this host or from a decoy. */
#define ANSWERED                                                               \
	{ .closed = true, .ports = ssh, .ports_count = 1 },                    \
		{ .ports = lots,                                               \
		  .ports_count = 1,                                            \
		  .decoy = { 4, { 192, 0, 2, 9 } },                            \
		  .decoy_port = 8022 },                                        \
	{                                                                      \
		.place = FW_ROUTED, .ports = lots + 1, .ports_count = 1,       \
		.decoy = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 9 } },              \
		.decoy_port = 23                                               \
	}

static const struct fw_match answered_matches[] = { ANSWERED };

/* The same, and one whose connections are labelled before they are translated.
 */
static const struct fw_match unconfirmed_matches[] = {
	ANSWERED,
	{ .ports = lots + 2, .ports_count = 1 },
};

static const struct fw_match out_matches[] = {
	{ .ports = ssh, .ports_count = 1 },
	{ .outdev = "wg0",
	  .src = { 4, { 10 } },
	  .src_bits = 8,
	  .dst = { 4, { 192, 0, 2, 1 } },
	  .dst_bits = 32,
	  .ports = lots + 14,
	  .ports_count = 1 },
	{ .dst = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, .dst_bits = 128 },
};

static const struct fw_plan server_open = {
	.side = FW_SERVER,
	.queue = 5040,
	.accepted_mark = 0x200000,
	.loopback_open = true,
	.by_socket = true,
	.matches = matches,
	.count = LENGTH(matches),
};

static const struct fw_plan server_hidden = {
	.side = FW_SERVER,
	.queue = 65532,
	.accepted_mark = 0x200000,
	.matches = matches,
	.count = 1,
};

/* All but the third are for the program in the kernel. */
static const struct fw_match ingress_matches[] = {
	{ .by_ingress = true, .ports = ssh, .ports_count = 1 },
	{ .by_ingress = true,
	  .dst = { 6, { 0x20, 1, 0xd, 0xb8 } },
	  .dst_bits = 32,
	  .ports = lots,
	  .ports_count = 1 },
	{ .indev = "eth0", .ports = lots + 1, .ports_count = 1 },
	{ .by_ingress = true,
	  .closed = true,
	  .ports = lots + 2,
	  .ports_count = 1 },
};

static const struct fw_plan server_ingress = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.matches = ingress_matches,
	.count = LENGTH(ingress_matches),
};

/* Without labels what is translated is not known again. */
static const struct fw_plan server_ingress_unlabelled = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.unlabelled = true,
	.door_stays = true,
	.matches = ingress_matches,
	.count = LENGTH(ingress_matches),
};

static const struct fw_plan server_far = {
	.side = FW_SERVER,
	.queue = 0,
	.accepted_mark = 0x200000,
	.loopback_open = true,
	.matches = far_matches,
	.count = LENGTH(far_matches),
};

/* What the program in the kernel lets through; and what it lets in. */
static const struct fw_match through_matches[] = {
	{ .place = FW_ROUTED,
	  .by_ingress = true,
	  .dst = { 4, { 192, 0, 2, 7 } },
	  .dst_bits = 32,
	  .ports = ssh,
	  .ports_count = 1 },
	{ .by_ingress = true, .ports = lots + 2, .ports_count = 1 },
	{ .decoy = { 4, { 192, 0, 2, 9 } },
	  .decoy_port = 8080,
	  .ports = lots + 1,
	  .ports_count = 1 },
};

static const struct fw_plan server_through = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.matches = through_matches,
	.count = LENGTH(through_matches),
};

static const struct fw_plan server_answers = {
	.side = FW_SERVER,
	.queue = 5040,
	.accepted_mark = 0x200000,
	.switch_mark = 0x100000,
	.matches = answered_matches,
	.count = LENGTH(answered_matches),
};

/* Who is led to a decoy by an alarm; strangers see nothing. */
static const struct fw_match led_matches[] = {
	{ .ports = ssh,
	  .ports_count = 1,
	  .decoy = { 4, { 192, 0, 2, 9 } },
	  .decoy_port = 8022,
	  .led = true },
	{ .place = FW_ROUTED,
	  .ports = lots,
	  .ports_count = 1,
	  .decoy = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 9 } },
	  .decoy_port = 23,
	  .led = true },
};

static const struct fw_plan server_leads = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.by_socket = true,
	.matches = led_matches,
	.count = LENGTH(led_matches),
};

/* A door that stays when the daemon goes: strangers may go on to it. */
static const struct fw_match stays_matches[] = {
	{ .closed = true, .ports = ssh, .ports_count = 1 },
	{ .closed = true,
	  .by_ingress = true,
	  .ports = lots + 2,
	  .ports_count = 1 },
};

static const struct fw_plan server_stays = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.door_stays = true,
	.matches = stays_matches,
	.count = LENGTH(stays_matches),
};

/* Nobody else tracks connections, and no rule here does. */
static const struct fw_plan server_untracked = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.by_socket = true,
	.door_stays = true,
	.untracked = true,
	.matches = ingress_matches,
	.count = LENGTH(ingress_matches),
};

/* Nobody has confirmed that they are to stay. */
static const struct fw_plan server_unconfirmed = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.accepted_mark = 0x200000,
	.by_socket = true,
	.unconfirmed = true,
	.matches = unconfirmed_matches,
	.count = LENGTH(unconfirmed_matches),
};

static const struct fw_plan client = {
	.side = FW_CLIENT,
	.queue = 5060,
	.mark = 0x400000,
	.matches = out_matches,
	.count = LENGTH(out_matches),
};

/* One command's, where there are no control groups: by its user. */
static const uint32_t somebody = 1000;
static const struct fw_plan client_user = {
	.side = FW_CLIENT,
	.queue = 5061,
	.user = &somebody,
	.mark = 0x400000,
	.matches = out_matches,
	.count = LENGTH(out_matches),
};

/* What a program at the device is to take, ahead of what is queued. */
static const struct fw_match marked_matches[] = {
	{ .outdev = "eth0",
	  .ports = ssh,
	  .ports_count = 1,
	  .fast = true,
	  .marked = true },
	{ .outdev = "eth1",
	  .ports = ssh,
	  .ports_count = 1,
	  .fast = true,
	  .marked = true },
	{ .ports = ssh, .ports_count = 1, .fast = true },
	{ .dst = { 4, { 192, 0, 2, 1 } }, .dst_bits = 32 },
};

static const struct fw_plan client_marks = {
	.side = FW_CLIENT,
	.queue = 5060,
	.mark = 0x400000,
	.matches = marked_matches,
	.count = LENGTH(marked_matches),
};

/* Of guests behind this host, and its own. */
static const struct fw_match guests_matches[] = {
	{ .place = FW_ROUTED,
	  .indev = "virbr0",
	  .ports = ssh,
	  .ports_count = 1 },
	/* Judged by who in the guest it is. */
	{ .place = FW_ROUTED,
	  .indev = "vnet0",
	  .ports = ssh,
	  .ports_count = 1,
	  .judged = true },
	{ .place = FW_ROUTED,
	  .indev = "vnet0",
	  .ports = ssh,
	  .ports_count = 1,
	  .judged = true,
	  .bridge_port = true },
	{ .ports = ssh, .ports_count = 1 },
};

static const struct fw_plan client_guests = {
	.side = FW_CLIENT,
	.queue = 5060,
	.mark = 0x400000,
	.matches = guests_matches,
	.count = LENGTH(guests_matches),
};

static char out[TEXT_SIZE];

/* All of a plan's hooks, in their order. */
static const char *
text_of(const struct fw_plan *plan, unsigned family, const char *stale)
{
	struct text t = text_over(out, sizeof out);
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(plan->side, &count);

	if (family == 0) {
		ruleset_nft(&t, plan);
	}
	assert_true(count <= FW_HOOKS);
	for (size_t i = 0; family != 0 && i < count; i++) {
		if (ruleset_needs(plan, &hooks[i])) {
			ruleset_iptables(&t, plan, &hooks[i], family, stale);
		}
	}
	assert_false(t.full);
	return out;
}

/*
 * The whole of them, as files: who changes a rule sees in them what becomes of
 * it.  GOLDEN=write in the environment writes them anew, for the eye.
 */
static void
compare(const char *name, const struct fw_plan *plan, unsigned family)
{
	static const char *const tools[] = {
		[0] = "nft", [4] = "iptables", [6] = "ip6tables"
	};
	static char golden[TEXT_SIZE];
	const char *how = getenv("GOLDEN");
	char path[128];
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, "tests/unit/firewall/golden/%s.%s", name,
		 tools[family]);
	text_of(plan, family, "");
	if (how && strcmp(how, "write") == 0) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(out, file);
		fclose(file);
	}
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(golden, 1, sizeof golden - 1, file);
	fclose(file);
	golden[len] = '\0';
	assert_string_equal(out, golden);
}

static void
rules_are_as_written(void **state)
{
	static const struct {
		const char *name;
		const struct fw_plan *plan;
	} list[] = {
		{ "server", &server_open },
		{ "server-loopback", &server_hidden },
		{ "server-ingress", &server_ingress },
		{ "server-ingress-unlabelled", &server_ingress_unlabelled },
		{ "router", &server_far },
		{ "router-ingress", &server_through },
		{ "server-answers", &server_answers },
		{ "server-leads", &server_leads },
		{ "server-stays", &server_stays },
		{ "server-unconfirmed", &server_unconfirmed },
		{ "server-untracked", &server_untracked },
		{ "client", &client },
		{ "client-user", &client_user },
		{ "client-marks", &client_marks },
		{ "client-guests", &client_guests },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(list); i++) {
		for (unsigned family = 0; family <= 6;
		     family += family ? 2 : 4) {
			compare(list[i].name, list[i].plan, family);
		}
	}
}

/* What is stale goes ahead of the new jump, in every table. */
static void
jumps_of_a_predecessor_go(void **state)
{
	const char *at = text_of(&server_answers, 4, "-D X\n");
	unsigned count = 0;

	(void)state;
	while ((at = strstr(at, " - [0:0]\n-D X\n-I "))) {
		count++;
		at++;
	}
	assert_int_equal(count, FW_HOOKS);
}

/* Without the daemon, rules that nobody has confirmed are no lock. */
static void
unconfirmed_queues_have_a_bypass(void **state)
{
	const char *at = text_of(&server_unconfirmed, 4, "");
	size_t queues = 0, led = 0;

	(void)state;
	for (; (at = strstr(at, "--queue-num ")); at++) {
		size_t len = strcspn(at, "\n");
		static const char end[] = " --queue-bypass";

		assert_memory_equal(at + len - strlen(end), end, strlen(end));
		queues++;
	}
	assert_true(queues > 4);
	for (at = out; (at = strstr(at, "-j DNAT")); at++) {
		static const char by[] = "-m mark --mark 0x800000/0x800000 "
					 "-m addrtype --dst-type LOCAL ";

		assert_memory_equal(at - strlen(by), by, strlen(by));
		led++;
	}
	assert_int_equal(led, 1);
	at = text_of(&server_unconfirmed, 0, "");
	for (; (at = strstr(at, "queue num ")); at++) {
		assert_memory_equal(at + strlen("queue num 5040"), " bypass",
				    7);
	}
}

/*
 * No way in that is not an admission: all that ends a packet's way through the
 * last chain in its favour, to the letter.
 */
static void
only_the_admitted_are_let_in(void **state)
{
	static const char *const plain[] = {
		"-m conntrack --ctstate ESTABLISHED -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -j RETURN",
		"-m mark --mark 0x200000/0x200000 -m tcp --tcp-flags "
		"FIN,SYN,RST,ACK SYN -j RETURN",
	};
	static const char socket[] = "-m cgroup --path / -j RETURN";
	const char *at = text_of(&server_open, 4, "");
	size_t seen = 0, sockets = 0;

	(void)state;
	assert_null(strstr(out, "ACCEPT"));
	assert_null(strstr(out, "bypass"));
	for (; (at = strstr(at, "-j RETURN")); at++) {
		size_t len;

		/* Not of what is forwarded, which has none. */
		len = strlen(socket);
		if (memcmp(at + 9 - len, socket, len) == 0) {
			assert_int_equal(seen, 2);
			sockets++;
			continue;
		}
		assert_true(seen / 2 < 2);
		len = strlen(plain[seen % 2]);
		assert_memory_equal(at + 9 - len, plain[seen % 2], len);
		seen++;
	}
	/* In INPUT, and in FORWARD. */
	assert_int_equal(seen, 4);
	assert_int_equal(sockets, 3); /* one for each lot of ports */
}

/*
 * Rules that go without connection tracking ask it nowhere, and what has no SYN
 * passes by its socket.  Strangers whom the program has marked end wherever
 * they come to be translated.
 */
static void
untracked_rules_ask_nobody(void **state)
{
	static const char *const asking[] = { "ct ",  "conntrack", "connlabel",
					      "nat ", "--ctstate", "NAT" };
	static const char *const caught[] = {
		[0] = "meta mark & 0x00800000 != 0 tcp flags & "
		      "(fin|syn|rst|ack) == syn drop\n",
		[4] = "-p tcp -m mark --mark 0x800000/0x800000 -m tcp "
		      "--tcp-flags FIN,SYN,RST,ACK SYN -j DROP\n",
	};

	(void)state;
	for (unsigned family = 0; family <= 4; family += 4) {
		const char *at = text_of(&server_untracked, family, "");
		size_t catches = 0;

		for (size_t i = 0; i < LENGTH(asking); i++) {
			assert_null(strstr(at, asking[i]));
		}
		for (; (at = strstr(at, caught[family])); at++) {
			catches++;
		}
		assert_int_equal(catches, 2); /* in INPUT and in FORWARD */
	}
}

/* Whatever the ports: all are there, in lots of at most fifteen. */
static void
lots_hold_every_port_once(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= 64; count++) {
		for (unsigned wide = 0; wide < 3; wide++) {
			struct fw_ports ports[64];
			const struct fw_match match = { .ports = ports,
							.ports_count = count };
			const struct fw_plan plan = {
				.side = FW_CLIENT,
				.mark = 1,
				.matches = &match,
				.count = 1,
			};
			unsigned next = 0;
			const char *at;

			for (unsigned i = 0; i < count; i++) {
				unsigned more = wide == 1 || (wide && i % 2);

				ports[i].low = (uint16_t)(100 + 10 * i);
				ports[i].high = (uint16_t)(ports[i].low + more);
			}
			at = text_of(&plan, 4, "");
			while ((at = strstr(at, "--dports "))) {
				unsigned used = 0;

				for (at += 9; *at != ' '; at += *at == ',') {
					char *end;
					unsigned long low =
						strtoul(at, &end, 10);
					unsigned long high = *end == ':'
						? strtoul(end + 1, &end, 10)
						: low;

					assert_int_equal(low, ports[next].low);
					assert_int_equal(high,
							 ports[next].high);
					used += low == high ? 1 : 2;
					next++;
					at = end;
				}
				assert_in_range(used, 1, 15);
			}
			assert_int_equal(next, count);
		}
	}
}

/* A full text is noted, and never longer than its room. */
static void
rules_that_do_not_fit(void **state)
{
	(void)state;
	for (size_t size = 1; size < 600; size += 7) {
		char *room = malloc(size);
		struct text t = text_over(room, size);

		ruleset_nft(&t, &server_open);
		assert_true(t.full);
		assert_true(strlen(room) < size);
		free(room);
	}
}

static void
names(void **state)
{
	char name[32];

	(void)state;
	ruleset_name(name, FW_SERVER, 65535);
	assert_string_equal(name, "tap-server-65535");
	ruleset_name(name, FW_CLIENT, 0);
	assert_string_equal(name, "tap-client-0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_as_written),
		cmocka_unit_test(jumps_of_a_predecessor_go),
		cmocka_unit_test(unconfirmed_queues_have_a_bypass),
		cmocka_unit_test(only_the_admitted_are_let_in),
		cmocka_unit_test(untracked_rules_ask_nobody),
		cmocka_unit_test(lots_hold_every_port_once),
		cmocka_unit_test(rules_that_do_not_fit),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
