/* The text of the rules, to the letter: what is in it decides who gets in. */
#include "unit/files_support.h"

#include <stdlib.h>
#include <string.h>

#include "firewall/ruleset.h"

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
	{ .place = FW_FORWARD,
	  .outdev = "eth1",
	  .ports = ssh,
	  .ports_count = 1 },
	{ .place = FW_BRIDGED,
	  .indev = "br-a",
	  .outdev = "br-b",
	  .dst = { 4, { 192, 0, 2, 1 } },
	  .dst_bits = 32 },
};

/* Where strangers get an answer, from this host or from a decoy. */
static const struct fw_match answered_matches[] = {
	{ .answered = true, .ports = ssh, .ports_count = 1 },
	{ .answered = true,
	  .ports = lots,
	  .ports_count = 1,
	  .decoy = { 4, { 192, 0, 2, 9 } },
	  .decoy_port = 8022 },
	{ .place = FW_ROUTED,
	  .answered = true,
	  .ports = lots + 1,
	  .ports_count = 1,
	  .decoy = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 9 } },
	  .decoy_port = 23 },
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
	.loopback_open = true,
	.matches = matches,
	.count = LENGTH(matches),
};

static const struct fw_plan server_hidden = {
	.side = FW_SERVER,
	.queue = 65532,
	.matches = matches,
	.count = 1,
};

/* The first two are for the program in the kernel, the third is not. */
static const struct fw_match sieved_matches[] = {
	{ .by_ingress = true, .ports = ssh, .ports_count = 1 },
	{ .by_ingress = true,
	  .dst = { 6, { 0x20, 1, 0xd, 0xb8 } },
	  .dst_bits = 32,
	  .ports = lots,
	  .ports_count = 1 },
	{ .indev = "eth0", .ports = lots + 1, .ports_count = 1 },
};

static const struct fw_plan server_sieved = {
	.side = FW_SERVER,
	.queue = 5040,
	.accepted_mark = 0x200000,
	.matches = sieved_matches,
	.count = LENGTH(sieved_matches),
};

static const struct fw_plan server_far = {
	.side = FW_SERVER,
	.queue = 0,
	.loopback_open = true,
	.matches = far_matches,
	.count = LENGTH(far_matches),
};

static const struct fw_plan server_answers = {
	.side = FW_SERVER,
	.queue = 5040,
	.mark = 0x800000,
	.watch_all = true,
	.matches = answered_matches,
	.count = LENGTH(answered_matches),
};

static const struct fw_plan client = {
	.side = FW_CLIENT,
	.queue = 5060,
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

static char out[TEXT_SIZE];

static const char *
nft_text(const struct fw_plan *plan)
{
	struct text t = text_over(out, sizeof out);

	ruleset_nft(&t, plan);
	assert_false(t.full);
	return out;
}

/* All of a plan's hooks in a table, in their order. */
static const char *
iptables_text(const struct fw_plan *plan, const char *table, unsigned family,
	      const char *stale)
{
	struct text t = text_over(out, sizeof out);
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(plan->side, &count);

	assert_true(count <= FW_HOOKS);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(hooks[i].table, table) == 0 &&
		    ruleset_needs(plan, &hooks[i])) {
			ruleset_iptables(&t, plan, &hooks[i], family, stale);
		}
	}
	assert_false(t.full);
	return out;
}

static void
nft_of_a_server(void **state)
{
	(void)state;
	assert_string_equal(
		nft_text(&server_open),
		"add table inet tap-server-5040\n"
		"delete table inet tap-server-5040\n"
		"table inet tap-server-5040 {\n"
		"\tchain syn {\n"
		"\t\ttype filter hook prerouting priority -300; policy "
		"accept;\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn iifname != "
		"\"lo\" fib daddr type local tcp dport { 22 } queue num "
		"5040\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn iifname \"eth0\" "
		"ip saddr 10.0.0.0/8 fib daddr type local tcp dport { 1, "
		"2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20-30, 40 } "
		"queue num 5040\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn iifname != "
		"\"lo\" ip6 daddr 2001:db8::/32 fib daddr type local meta "
		"l4proto tcp queue num 5040\n"
		"\t}\n"
		"\tchain rest {\n"
		"\t\ttype filter hook prerouting priority -150; policy "
		"accept;\n"
		"\t\tmeta l4proto != tcp accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn accept\n"
		"\t\tct state established accept\n"
		"\t\tiifname != \"lo\" fib daddr type local tcp dport { 22 "
		"} limit rate 1000/second burst 1000 packets queue num "
		"5041\n"
		"\t\tiifname != \"lo\" fib daddr type local tcp dport { 22 "
		"} drop\n"
		"\t\tiifname \"eth0\" ip saddr 10.0.0.0/8 fib daddr type "
		"local tcp dport { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
		"13, 14, 20-30, 40 } limit rate 1000/second burst 1000 "
		"packets queue num 5041\n"
		"\t\tiifname \"eth0\" ip saddr 10.0.0.0/8 fib daddr type "
		"local tcp dport { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
		"13, 14, 20-30, 40 } drop\n"
		"\t\tiifname != \"lo\" ip6 daddr 2001:db8::/32 fib daddr "
		"type local meta l4proto tcp limit rate 1000/second burst "
		"1000 packets queue num 5041\n"
		"\t\tiifname != \"lo\" ip6 daddr 2001:db8::/32 fib daddr "
		"type local meta l4proto tcp drop\n"
		"\t}\n"
		"}\n");
}

static void
nft_of_a_server_that_hides_on_loopback(void **state)
{
	(void)state;
	assert_string_equal(
		nft_text(&server_hidden),
		"add table inet tap-server-65532\n"
		"delete table inet tap-server-65532\n"
		"table inet tap-server-65532 {\n"
		"\tchain syn {\n"
		"\t\ttype filter hook prerouting priority -300; policy "
		"accept;\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"local tcp dport { 22 } queue num 65532\n"
		"\t}\n"
		"\tchain rest {\n"
		"\t\ttype filter hook prerouting priority -150; policy "
		"accept;\n"
		"\t\tmeta l4proto != tcp accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn accept\n"
		"\t\tct state established accept\n"
		"\t\tfib daddr type local tcp dport { 22 } limit rate "
		"1000/second burst 1000 packets queue num 65533\n"
		"\t\tfib daddr type local tcp dport { 22 } drop\n"
		"\t}\n"
		"}\n");
}

static void
nft_of_a_router(void **state)
{
	(void)state;
	assert_string_equal(
		nft_text(&server_far),
		"add table inet tap-server-0\n"
		"delete table inet tap-server-0\n"
		"table inet tap-server-0 {\n"
		"\tchain syn {\n"
		"\t\ttype filter hook prerouting priority -300; policy "
		"accept;\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"!= local tcp dport { 22 } queue num 2\n"
		"\t}\n"
		"\tchain rest {\n"
		"\t\ttype filter hook prerouting priority -150; policy "
		"accept;\n"
		"\t\tmeta l4proto != tcp accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn accept\n"
		"\t\tct state established accept\n"
		"\t\tfib daddr type != local tcp dport { 22 } limit rate "
		"1000/second burst 1000 packets queue num 3\n"
		"\t\tfib daddr type != local tcp dport { 22 } drop\n"
		"\t}\n"
		"\tchain forwarded {\n"
		"\t\ttype filter hook forward priority -150; policy "
		"accept;\n"
		"\t\tmeta l4proto != tcp accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn oifname \"eth1\" "
		"tcp dport { 22 } queue num 2\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn iifname \"br-a\" "
		"oifname \"br-b\" ip daddr 192.0.2.1/32 meta l4proto tcp "
		"queue num 2\n"
		"\t\tct state established accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn accept\n"
		"\t\toifname \"eth1\" tcp dport { 22 } limit rate "
		"1000/second burst 1000 packets queue num 3\n"
		"\t\toifname \"eth1\" tcp dport { 22 } drop\n"
		"\t\tiifname \"br-a\" oifname \"br-b\" ip daddr "
		"192.0.2.1/32 meta l4proto tcp limit rate 1000/second "
		"burst 1000 packets queue num 3\n"
		"\t\tiifname \"br-a\" oifname \"br-b\" ip daddr "
		"192.0.2.1/32 meta l4proto tcp drop\n"
		"\t}\n"
		"}\n");
}

static void
nft_of_a_server_that_answers(void **state)
{
	(void)state;
	assert_string_equal(
		nft_text(&server_answers),
		"add table inet tap-server-5040\n"
		"delete table inet tap-server-5040\n"
		"table inet tap-server-5040 {\n"
		"\tchain syn {\n"
		"\t\ttype filter hook prerouting priority -300; policy "
		"accept;\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"local tcp dport { 22 } queue num 5040\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"local tcp dport { 1 } queue num 5040\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"!= local tcp dport { 2 } queue num 5042\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"local queue num 5040 bypass\n"
		"\t}\n"
		"\tchain rest {\n"
		"\t\ttype filter hook prerouting priority -150; policy "
		"accept;\n"
		"\t\tmeta l4proto != tcp accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn accept\n"
		"\t\tct state established accept\n"
		"\t\tfib daddr type local tcp dport { 22 } queue num 5041\n"
		"\t\tfib daddr type local tcp dport { 1 } queue num 5041\n"
		"\t\tfib daddr type != local tcp dport { 2 } queue num "
		"5043\n"
		"\t\tfib daddr type local limit rate 1000/second burst "
		"1000 packets queue num 5041 bypass\n"
		"\t}\n"
		"\tchain decoy {\n"
		"\t\ttype nat hook prerouting priority -100; policy "
		"accept;\n"
		"\t\tmeta mark & 0x00800000 != 0 fib daddr type local tcp "
		"dport { 1 } dnat ip to 192.0.2.9:8022\n"
		"\t\tmeta mark & 0x00800000 != 0 fib daddr type != local "
		"tcp dport { 2 } dnat ip6 to [2001:db8::9]:23\n"
		"\t}\n"
		"}\n");
}

static void
nft_of_a_client(void **state)
{
	(void)state;
	assert_string_equal(
		nft_text(&client),
		"add table inet tap-client-5060\n"
		"delete table inet tap-client-5060\n"
		"table inet tap-client-5060 {\n"
		"\tchain syn {\n"
		"\t\ttype filter hook output priority -300; policy "
		"accept;\n"
		"\t\tmeta mark & 0x00400000 != 0 accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn tcp dport { 22 } "
		"queue num 5060 bypass\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn oifname \"wg0\" "
		"ip saddr 10.0.0.0/8 ip daddr 192.0.2.1/32 tcp dport { "
		"20-30 } queue num 5060 bypass\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn ip6 daddr "
		"2001:db8::1/128 meta l4proto tcp queue num 5060 bypass\n"
		"\t}\n"
		"}\n");
}

static void
nft_marks_for_a_client(void **state)
{
	(void)state;
	assert_string_equal(
		nft_text(&client_marks),
		"add table inet tap-client-5060\n"
		"delete table inet tap-client-5060\n"
		"table inet tap-client-5060 {\n"
		"\tchain syn {\n"
		"\t\ttype filter hook output priority -300; policy "
		"accept;\n"
		"\t\tmeta mark & 0x00400000 != 0 accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn rt ipsec missing "
		"oifname \"eth0\" tcp dport { 22 } meta mark set meta mark "
		"| 0x00400000 accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn rt ipsec missing "
		"oifname \"eth1\" tcp dport { 22 } meta mark set meta mark "
		"| 0x00400000 accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn tcp dport { 22 } "
		"queue num 5060 bypass\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn ip daddr "
		"192.0.2.1/32 meta l4proto tcp queue num 5060 bypass\n"
		"\t}\n"
		"}\n");
}

static void
iptables_queues_syns(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&server_open, "raw", 4, ""),
		"*raw\n"
		":tap-server-5040 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK "
		"SYN -j tap-server-5040\n"
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports "
		"22 -m addrtype --dst-type LOCAL -j NFQUEUE --queue-num "
		"5040\n"
		"-A tap-server-5040 -p tcp -i eth0 -s 10.0.0.0/8 -m "
		"multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n"
		"-A tap-server-5040 -p tcp -i eth0 -s 10.0.0.0/8 -m "
		"multiport --dports 20:30,40 -m addrtype --dst-type LOCAL "
		"-j NFQUEUE --queue-num 5040\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_open, "raw", 6, ""),
		"*raw\n"
		":tap-server-5040 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK "
		"SYN -j tap-server-5040\n"
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports "
		"22 -m addrtype --dst-type LOCAL -j NFQUEUE --queue-num "
		"5040\n"
		"-A tap-server-5040 -p tcp ! -i lo -d 2001:db8::/32 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n"
		"COMMIT\n");
}

static void
iptables_keeps_the_rest_out(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&server_open, "mangle", 4,
			      "-D PREROUTING -j tap-server-5040\n"),
		"*mangle\n"
		":tap-server-5040 - [0:0]\n"
		"-D PREROUTING -j tap-server-5040\n"
		"-I PREROUTING 1 -p tcp -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -m conntrack ! --ctstate ESTABLISHED "
		"-j tap-server-5040\n"
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports "
		"22 -m addrtype --dst-type LOCAL -m limit --limit "
		"1000/second --limit-burst 1000 -j NFQUEUE --queue-num "
		"5041\n"
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports "
		"22 -m addrtype --dst-type LOCAL -j DROP\n"
		"-A tap-server-5040 -p tcp -i eth0 -s 10.0.0.0/8 -m "
		"multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14 -m "
		"addrtype --dst-type LOCAL -m limit --limit 1000/second "
		"--limit-burst 1000 -j NFQUEUE --queue-num 5041\n"
		"-A tap-server-5040 -p tcp -i eth0 -s 10.0.0.0/8 -m "
		"multiport --dports 20:30,40 -m addrtype --dst-type LOCAL "
		"-m limit --limit 1000/second --limit-burst 1000 -j "
		"NFQUEUE --queue-num 5041\n"
		"-A tap-server-5040 -p tcp -i eth0 -s 10.0.0.0/8 -m "
		"multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14 -m "
		"addrtype --dst-type LOCAL -j DROP\n"
		"-A tap-server-5040 -p tcp -i eth0 -s 10.0.0.0/8 -m "
		"multiport --dports 20:30,40 -m addrtype --dst-type LOCAL "
		"-j DROP\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_open, "mangle", 6, ""),
		"*mangle\n"
		":tap-server-5040 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -m conntrack ! --ctstate ESTABLISHED "
		"-j tap-server-5040\n"
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports "
		"22 -m addrtype --dst-type LOCAL -m limit --limit "
		"1000/second --limit-burst 1000 -j NFQUEUE --queue-num "
		"5041\n"
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports "
		"22 -m addrtype --dst-type LOCAL -j DROP\n"
		"-A tap-server-5040 -p tcp ! -i lo -d 2001:db8::/32 -m "
		"addrtype --dst-type LOCAL -m limit --limit 1000/second "
		"--limit-burst 1000 -j NFQUEUE --queue-num 5041\n"
		"-A tap-server-5040 -p tcp ! -i lo -d 2001:db8::/32 -m "
		"addrtype --dst-type LOCAL -j DROP\n"
		"COMMIT\n");
}

static void
iptables_hides_on_loopback(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&server_hidden, "raw", 4, ""),
		"*raw\n"
		":tap-server-65532 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK "
		"SYN -j tap-server-65532\n"
		"-A tap-server-65532 -p tcp -m multiport --dports 22 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 65532\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_hidden, "mangle", 4, ""),
		"*mangle\n"
		":tap-server-65532 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -m conntrack ! --ctstate ESTABLISHED "
		"-j tap-server-65532\n"
		"-A tap-server-65532 -p tcp -m multiport --dports 22 -m "
		"addrtype --dst-type LOCAL -m limit --limit 1000/second "
		"--limit-burst 1000 -j NFQUEUE --queue-num 65533\n"
		"-A tap-server-65532 -p tcp -m multiport --dports 22 -m "
		"addrtype --dst-type LOCAL -j DROP\n"
		"COMMIT\n");
	assert_string_equal(iptables_text(&server_hidden, "nat", 4, ""), "");
}

static void
iptables_of_a_router(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&server_far, "raw", 4, ""),
		"*raw\n"
		":tap-server-0 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK "
		"SYN -j tap-server-0\n"
		"-A tap-server-0 -p tcp -m multiport --dports 22 -m "
		"addrtype ! --dst-type LOCAL -j NFQUEUE --queue-num 2\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_far, "mangle", 4, ""),
		"*mangle\n"
		":tap-server-0 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -m conntrack ! --ctstate ESTABLISHED "
		"-j tap-server-0\n"
		"-A tap-server-0 -p tcp -m multiport --dports 22 -m "
		"addrtype ! --dst-type LOCAL -m limit --limit 1000/second "
		"--limit-burst 1000 -j NFQUEUE --queue-num 3\n"
		"-A tap-server-0 -p tcp -m multiport --dports 22 -m "
		"addrtype ! --dst-type LOCAL -j DROP\n"
		"COMMIT\n"
		"*mangle\n"
		":tap-server-0-forward - [0:0]\n"
		"-I FORWARD 1 -p tcp -j tap-server-0-forward\n"
		"-A tap-server-0-forward -p tcp -o eth1 -m multiport "
		"--dports 22 -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j "
		"NFQUEUE --queue-num 2\n"
		"-A tap-server-0-forward -p tcp -o eth1 -m multiport "
		"--dports 22 -m conntrack ! --ctstate ESTABLISHED -m limit "
		"--limit 1000/second --limit-burst 1000 -j NFQUEUE "
		"--queue-num 3\n"
		"-A tap-server-0-forward -p tcp -o eth1 -m multiport "
		"--dports 22 -m conntrack ! --ctstate ESTABLISHED -j DROP\n"
		"-A tap-server-0-forward -p tcp -m physdev "
		"--physdev-is-bridged --physdev-in br-a --physdev-out br-b "
		"-d 192.0.2.1/32 -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j "
		"NFQUEUE --queue-num 2\n"
		"-A tap-server-0-forward -p tcp -m physdev "
		"--physdev-is-bridged --physdev-in br-a --physdev-out br-b "
		"-d 192.0.2.1/32 -m conntrack ! --ctstate ESTABLISHED -m "
		"limit --limit 1000/second --limit-burst 1000 -j NFQUEUE "
		"--queue-num 3\n"
		"-A tap-server-0-forward -p tcp -m physdev "
		"--physdev-is-bridged --physdev-in br-a --physdev-out br-b "
		"-d 192.0.2.1/32 -m conntrack ! --ctstate ESTABLISHED -j "
		"DROP\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_far, "mangle", 6, ""),
		"*mangle\n"
		":tap-server-0 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -m conntrack ! --ctstate ESTABLISHED "
		"-j tap-server-0\n"
		"-A tap-server-0 -p tcp -m multiport --dports 22 -m "
		"addrtype ! --dst-type LOCAL -m limit --limit 1000/second "
		"--limit-burst 1000 -j NFQUEUE --queue-num 3\n"
		"-A tap-server-0 -p tcp -m multiport --dports 22 -m "
		"addrtype ! --dst-type LOCAL -j DROP\n"
		"COMMIT\n"
		"*mangle\n"
		":tap-server-0-forward - [0:0]\n"
		"-I FORWARD 1 -p tcp -j tap-server-0-forward\n"
		"-A tap-server-0-forward -p tcp -o eth1 -m multiport "
		"--dports 22 -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j "
		"NFQUEUE --queue-num 2\n"
		"-A tap-server-0-forward -p tcp -o eth1 -m multiport "
		"--dports 22 -m conntrack ! --ctstate ESTABLISHED -m limit "
		"--limit 1000/second --limit-burst 1000 -j NFQUEUE "
		"--queue-num 3\n"
		"-A tap-server-0-forward -p tcp -o eth1 -m multiport "
		"--dports 22 -m conntrack ! --ctstate ESTABLISHED -j DROP\n"
		"COMMIT\n");
}

static void
iptables_answers(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&server_answers, "raw", 4, ""),
		"*raw\n"
		":tap-server-5040 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK "
		"SYN -j tap-server-5040\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 22 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 1 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 2 -m "
		"addrtype ! --dst-type LOCAL -j NFQUEUE --queue-num 5042\n"
		"-A tap-server-5040 -p tcp -m addrtype --dst-type LOCAL -j "
		"NFQUEUE --queue-num 5040 --queue-bypass\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_answers, "mangle", 4, ""),
		"*mangle\n"
		":tap-server-5040 - [0:0]\n"
		"-I PREROUTING 1 -p tcp -m tcp ! --tcp-flags "
		"FIN,SYN,RST,ACK SYN -m conntrack ! --ctstate ESTABLISHED "
		"-j tap-server-5040\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 22 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5041\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 1 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5041\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 2 -m "
		"addrtype ! --dst-type LOCAL -j NFQUEUE --queue-num 5043\n"
		"-A tap-server-5040 -p tcp -m addrtype --dst-type LOCAL -m "
		"limit --limit 1000/second --limit-burst 1000 -j NFQUEUE "
		"--queue-num 5041 --queue-bypass\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_answers, "nat", 4, ""),
		"*nat\n"
		":tap-server-5040-decoy - [0:0]\n"
		"-I PREROUTING 1 -p tcp -j tap-server-5040-decoy\n"
		"-A tap-server-5040-decoy -p tcp -m multiport --dports 1 "
		"-m addrtype --dst-type LOCAL -m mark --mark "
		"0x800000/0x800000 -j DNAT --to-destination "
		"192.0.2.9:8022\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&server_answers, "nat", 6, ""),
		"*nat\n"
		":tap-server-5040-decoy - [0:0]\n"
		"-I PREROUTING 1 -p tcp -j tap-server-5040-decoy\n"
		"-A tap-server-5040-decoy -p tcp -m multiport --dports 2 "
		"-m addrtype ! --dst-type LOCAL -m mark --mark "
		"0x800000/0x800000 -j DNAT --to-destination "
		"[2001:db8::9]:23\n"
		"COMMIT\n");
}

static void
iptables_of_a_client(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&client, "raw", 4, ""),
		"*raw\n"
		":tap-client-5060 - [0:0]\n"
		"-I OUTPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN "
		"-m mark ! --mark 0x400000/0x400000 -j tap-client-5060\n"
		"-A tap-client-5060 -p tcp -m multiport --dports 22 -j "
		"NFQUEUE --queue-num 5060 --queue-bypass\n"
		"-A tap-client-5060 -p tcp -o wg0 -s 10.0.0.0/8 -d "
		"192.0.2.1/32 -m multiport --dports 20:30 -j NFQUEUE "
		"--queue-num 5060 --queue-bypass\n"
		"COMMIT\n");
	assert_string_equal(
		iptables_text(&client, "raw", 6, ""),
		"*raw\n"
		":tap-client-5060 - [0:0]\n"
		"-I OUTPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN "
		"-m mark ! --mark 0x400000/0x400000 -j tap-client-5060\n"
		"-A tap-client-5060 -p tcp -m multiport --dports 22 -j "
		"NFQUEUE --queue-num 5060 --queue-bypass\n"
		"-A tap-client-5060 -p tcp -d 2001:db8::1/128 -j NFQUEUE "
		"--queue-num 5060 --queue-bypass\n"
		"COMMIT\n");
}

static void
iptables_marks_for_a_client(void **state)
{
	(void)state;
	assert_string_equal(
		iptables_text(&client_marks, "raw", 4, ""),
		"*raw\n"
		":tap-client-5060 - [0:0]\n"
		"-I OUTPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN "
		"-m mark ! --mark 0x400000/0x400000 -j tap-client-5060\n"
		"-A tap-client-5060 -p tcp -o eth0 -m multiport --dports 22 "
		"-m policy --dir out --pol none -j MARK --set-xmark "
		"0x400000/0x400000\n"
		"-A tap-client-5060 -m mark --mark 0x400000/0x400000 -j "
		"RETURN\n"
		"-A tap-client-5060 -p tcp -o eth1 -m multiport --dports 22 "
		"-m policy --dir out --pol none -j MARK --set-xmark "
		"0x400000/0x400000\n"
		"-A tap-client-5060 -m mark --mark 0x400000/0x400000 -j "
		"RETURN\n"
		"-A tap-client-5060 -p tcp -m multiport --dports 22 -j "
		"NFQUEUE --queue-num 5060 --queue-bypass\n"
		"-A tap-client-5060 -p tcp -d 192.0.2.1/32 -j NFQUEUE "
		"--queue-num 5060 --queue-bypass\n"
		"COMMIT\n");
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
			at = iptables_text(&plan, "raw", 4, "");
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

/* The part of a text between two lines. */
static const char *
between(const char *text, const char *from, const char *to)
{
	static char part[TEXT_SIZE];
	const char *start = strstr(text, from);
	const char *end;

	assert_non_null(start);
	start += strlen(from);
	end = strstr(start, to);
	assert_non_null(end);
	memcpy(part, start, (size_t)(end - start));
	part[end - start] = '\0';
	return part;
}

/* Before anything is queued; never what this host sends itself. */
static void
what_was_accepted_passes(void **state)
{
	(void)state;
	assert_string_equal(
		between(nft_text(&server_sieved), "policy accept;\n", "\t}\n"),
		"\t\tmeta mark & 0x00200000 != 0 tcp flags & "
		"(fin|syn|rst|ack) == syn iifname != \"lo\" fib daddr type "
		"local tcp dport { 22 } meta mark set meta mark & 0xffdfffff "
		"accept\n"
		"\t\tmeta mark & 0x00200000 != 0 tcp flags & "
		"(fin|syn|rst|ack) == syn iifname != \"lo\" ip6 daddr "
		"2001:db8::/32 fib daddr type local tcp dport { 1 } meta mark "
		"set meta mark & 0xffdfffff accept\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn fib daddr type "
		"local tcp dport { 22 } queue num 5040\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn ip6 daddr "
		"2001:db8::/32 fib daddr type local tcp dport { 1 } queue num "
		"5040\n"
		"\t\ttcp flags & (fin|syn|rst|ack) == syn iifname \"eth0\" "
		"fib daddr type local tcp dport { 2 } queue num 5040\n");
	assert_string_equal(
		between(iptables_text(&server_sieved, "raw", 4, ""),
			"-j tap-server-5040\n", "COMMIT"),
		"-A tap-server-5040 -p tcp ! -i lo -m multiport --dports 22 "
		"-m addrtype --dst-type LOCAL -m mark --mark "
		"0x200000/0x200000 -j ACCEPT\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 22 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n"
		"-A tap-server-5040 -p tcp -i eth0 -m multiport --dports 2 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n");
	/* Nothing is let in elsewhere. */
	assert_null(strstr(iptables_text(&server_sieved, "mangle", 6, ""),
			   "ACCEPT"));
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
		cmocka_unit_test(nft_of_a_server),
		cmocka_unit_test(nft_of_a_server_that_hides_on_loopback),
		cmocka_unit_test(nft_of_a_router),
		cmocka_unit_test(nft_of_a_server_that_answers),
		cmocka_unit_test(nft_of_a_client),
		cmocka_unit_test(nft_marks_for_a_client),
		cmocka_unit_test(iptables_queues_syns),
		cmocka_unit_test(iptables_keeps_the_rest_out),
		cmocka_unit_test(iptables_hides_on_loopback),
		cmocka_unit_test(iptables_of_a_router),
		cmocka_unit_test(iptables_answers),
		cmocka_unit_test(iptables_of_a_client),
		cmocka_unit_test(iptables_marks_for_a_client),
		cmocka_unit_test(lots_hold_every_port_once),
		cmocka_unit_test(rules_that_do_not_fit),
		cmocka_unit_test(what_was_accepted_passes),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
