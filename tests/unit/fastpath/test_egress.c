/*
 * The client's program, run by the kernel on SYNs of ours: each frame that
 * comes out of a device is to be, byte by byte, what the sender makes of that
 * SYN at the same instant, with the same mark and ports.  Wants root.
 */
#include "unit/files_support.h"
#include "unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/clock.h"
#include "fastpath/egress.h"
#include "fastpath/bpf.h"
#include "fastpath/egress_image.h"
#include "fastpath/egress_tables.h"
#include "firewall/plan.h"
#include "fastpath/egress_ports.h"

#define ETHERNET 14
#define FRAME_SIZE 512
#define MARK 0x400000u
#define PORT 22
#define ROUNDS 2000u

static const uint8_t secret[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

/* One rule for each length of authenticator; others are at the end. */
enum rules { MD5, SHA30, SHA60, SHA89, SHA118, PORTS, OLD, LAST, RULES };

static struct sender_rule rules[RULES];
static struct acl_range ranges[RULES][2];
static struct client_conf conf = { .rules = rules, .rules_count = RULES };
static struct egress e;
static struct port_pool pool;
static int device = -1; /* what comes out of it */
static unsigned device_index;
static const char *cannot;
static uint64_t seed;
static uint32_t left_priority; /* of the packet that was run last */

static void
set_rule(enum rules which, enum mac_suite suite, unsigned extra, uint16_t port)
{
	struct sender_rule *rule = &rules[which];
	const char *realm = which == SHA118 ? "a realm" : "";

	*rule = (struct sender_rule){
		.ports = ranges[which],
		.ports_count = 1,
		.key = { .no = (uint16_t)(40000 + which),
			 .not_after = UINT64_MAX },
	};
	ranges[which][0] = (struct acl_range){ port, port };
	mac_key_init(&rule->key.mac, suite, extra, secret, sizeof secret,
		     (const uint8_t *)realm, strlen(realm));
}

static void
set_rules(void)
{
	set_rule(MD5, MAC_HMAC_MD5, 0, PORT + MD5);
	set_rule(SHA30, MAC_HMAC_SHA256, 0, PORT + SHA30);
	set_rule(SHA60, MAC_HMAC_SHA256, 1, PORT + SHA60);
	set_rule(SHA89, MAC_HMAC_SHA256, 2, PORT + SHA89);
	set_rule(SHA118, MAC_HMAC_SHA256, 3, PORT + SHA118);
	set_rule(PORTS, MAC_HMAC_SHA256, 1, 1000);
	ranges[PORTS][1] = (struct acl_range){ 2000, 2999 };
	rules[PORTS].ports_count = 2;
	rules[PORTS].service_port = 443;
	rules[PORTS].dst.addr = addr4(0x0a000000);
	rules[PORTS].dst.mask[0] = 0xff;
	set_rule(OLD, MAC_HMAC_SHA256, 1, PORT + OLD);
	rules[OLD].key.not_after = clock_instant() - FRAME_SECOND;
	set_rule(LAST, MAC_HMAC_SHA256, 1, 3000);
	rules[LAST].src.addr = addr6(1, 0);
	memset(rules[LAST].src.mask, 0xff, 8);
	rules[LAST].ports_count = 0; /* any */
	strcpy(rules[LAST].outdev, "out");
	conf.settings.mark = MARK;
}

static int
open_device(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI,
				 .ifr_name = "out" };
	int query = socket(AF_INET, SOCK_DGRAM, 0);

	device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) {
		close(query);
		return -1;
	}
	device_index = if_nametoindex("out");
	assert_int_equal(ioctl(query, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(query, SIOCSIFFLAGS, &request), 0);
	close(query);
	return 0;
}

static int
setup(void **state)
{
	static struct egress_plan plan;
	char names[EGRESS_DEVICES_MAX][IF_NAMESIZE];
	int rc;

	seed = 20261121;
	set_rules();
	egress_init(&e);
	egress_ports_init(&pool);
	namespace_setup(state);
	if (egress_image_size == 0) {
		cannot = "built without clang";
		return 0;
	}
	if (geteuid() != 0 || open_device() < 0) {
		cannot = "needs root, and a tap device";
		return 0;
	}
	egress_tables_make(&plan, &conf);
	assert_int_equal(plan.tables.rules_count, RULES);
	if (egress_open(&e, &plan.tables) < 0) {
		/* Linux before 6.6 has no place for it. */
		assert_non_null(strstr(e.why, "TCX"));
		cannot = e.why;
		return 0;
	}
	while ((rc = egress_load(&e)) == -EINPROGRESS) {
		struct pollfd fd = { e.loader.line, POLLIN, 0 };

		poll(&fd, 1, -1);
	}
	if (rc < 0) {
		fail_msg("%s", e.why);
	}
	egress_tables_wipe(&plan);
	assert_int_equal(egress_attach(&e, names), 1);
	assert_string_equal(names[0], "out");
	assert_int_equal(egress_ports_refill(&pool, e.ports), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	egress_close(&e);
	egress_ports_close(&pool);
	if (device >= 0) {
		close(device);
	}
	return 0;
}

static void
need_egress(void)
{
	if (cannot) {
		print_message("egress: %s\n", cannot);
		skip();
	}
}

/* ---- SYNs */

struct syn {
	uint8_t bytes[FRAME_SIZE]; /* from Ethernet's header on */
	size_t len;
};

/* What a SYN is made of, beside its numbers. */
struct shape {
	bool ip6;
	size_t ip_options; /* IPv4; or bytes of extension headers */
	size_t options, data;
	uint8_t option; /* of TCP; 0: as Linux has them */
	uint8_t flags;
};

static void
put_options(uint8_t *at, const struct shape *shape)
{
	static const uint8_t usual[] = { 2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
					 3, 4, 0, 0,   0, 0, 1, 3,  3, 7 };

	memset(at, 1, shape->options);
	if (shape->option) {
		at[0] = shape->option;
		at[1] = shape->option == 19 ? 18 : 16;
	} else if (shape->options >= sizeof usual) {
		memcpy(at, usual, sizeof usual);
	}
}

static void
sum_ip4(uint8_t *ip, size_t header)
{
	uint32_t sum = 0;

	be16_store(ip + 10, 0);
	for (size_t i = 0; i < header; i += 2) {
		sum += be16_load(ip + i);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	be16_store(ip + 10, (uint16_t)~sum);
}

static uint8_t *
put_ip4(uint8_t *ip, const struct shape *shape, size_t tcp_len)
{
	const size_t header = 20 + shape->ip_options;

	ip[0] = (uint8_t)(0x40 | header / 4);
	be16_store(ip + 2, (uint16_t)(header + tcp_len));
	be16_store(ip + 4, (uint16_t)random_u32(&seed));
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	be32_store(ip + 12, 0xc0000202);
	be32_store(ip + 16, 0x0a000001);
	memset(ip + 20, 1, shape->ip_options);
	sum_ip4(ip, header);
	return ip + header;
}

static uint8_t *
put_ip6(uint8_t *ip, const struct shape *shape, size_t tcp_len)
{
	uint8_t *at = ip + 40;

	ip[0] = 0x60;
	be16_store(ip + 4, (uint16_t)(shape->ip_options + tcp_len));
	ip[6] = 6;
	ip[7] = 64;
	memcpy(ip + 8, addr6(1, 2).bytes, 16);
	memcpy(ip + 24, addr6(3, 4).bytes, 16);
	for (size_t left = shape->ip_options; left >= 8; left -= 8) {
		*(at == ip + 40 ? ip + 6 : at - 8) = 60;
		at[0] = 6;
		at[2] = 1; /* padding */
		at[3] = 4;
		at += 8;
	}
	return at;
}

static struct packet
parse(const struct syn *syn)
{
	struct packet p;

	assert_int_equal(packet_parse(&p, syn->bytes + ETHERNET,
				      syn->len - ETHERNET, syn->len - ETHERNET),
			 PACKET_OK);
	return p;
}

static struct syn
make(const struct shape *shape, uint16_t dport)
{
	const size_t tcp_len = 20 + shape->options + shape->data;
	struct syn syn = { { 0 }, 0 };
	uint8_t *ip = syn.bytes + ETHERNET;
	uint8_t *tcp = shape->ip6 ? put_ip6(ip, shape, tcp_len)
				  : put_ip4(ip, shape, tcp_len);
	struct packet p;

	be16_store(syn.bytes + 12, shape->ip6 ? 0x86dd : 0x0800);
	syn.len = (size_t)(tcp - syn.bytes) + tcp_len;
	be16_store(tcp, (uint16_t)random_u32(&seed));
	be16_store(tcp + 2, dport);
	be32_store(tcp + 4, random_u32(&seed));
	tcp[12] = (uint8_t)((20 + shape->options) / 4 << 4);
	tcp[13] = shape->flags ? shape->flags : PACKET_SYN;
	be16_store(tcp + 14, (uint16_t)random_u32(&seed));
	put_options(tcp + 20, shape);
	if (packet_parse(&p, ip, syn.len - ETHERNET, syn.len - ETHERNET) ==
	    PACKET_OK) {
		packet_rewrite(ip, &p, p.sport, p.seq, p.window);
	}
	return syn;
}

/* ---- the program */

/* The verdict; syn is then what it leaves of it. */
static int
run_with(struct syn *syn, uint32_t priority)
{
	struct __sk_buff context = { .priority = priority,
				     .ifindex = device_index };
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (uint32_t)e.program;
	attr.test.data_in = (uint64_t)(uintptr_t)syn->bytes;
	attr.test.data_size_in = (uint32_t)syn->len;
	attr.test.data_out = (uint64_t)(uintptr_t)syn->bytes;
	attr.test.data_size_out = (uint32_t)syn->len;
	attr.test.ctx_in = (uint64_t)(uintptr_t)&context;
	attr.test.ctx_size_in = sizeof context;
	attr.test.ctx_out = (uint64_t)(uintptr_t)&context;
	attr.test.ctx_size_out = sizeof context;
	attr.test.repeat = 1;
	assert_int_equal(
		syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof attr), 0);
	left_priority = context.priority;
	return (int)attr.test.retval;
}

static int
run(struct syn *syn)
{
	return run_with(syn, MARK);
}

/* The next frame of TCP that came out; false: there is none. */
static bool
next_frame(struct syn *frame)
{
	struct packet p;
	ssize_t len;

	while ((len = read(device, frame->bytes, sizeof frame->bytes)) > 0) {
		frame->len = (size_t)len;
		if (packet_parse(&p, frame->bytes + ETHERNET,
				 frame->len - ETHERNET,
				 frame->len - ETHERNET) == PACKET_OK) {
			return true;
		}
	}
	return false;
}

static uint64_t
counted(enum egress_what what)
{
	uint64_t counts[EGRESS_COUNTS];

	egress_counts(&e, counts);
	return counts[what];
}

/* The next event, or below 0. */
static int
event(void)
{
	const struct egress_event *next = egress_event(&e);
	int what = next ? next->what : -1;

	if (next) {
		egress_event_done(&e);
	}
	return what;
}

/* A SYN of ours may have a port of these, which none of the kernel's has. */
static void
check_port(uint16_t port)
{
	size_t found = 0;

	assert_int_not_equal(port, 0);
	for (size_t i = 0; i < EGRESS_PORTS; i++) {
		found += e.ports->port[i] == port;
	}
	assert_int_equal(found, 1);
}

/* The frames of a SYN, by what of them the sender can't know. */
static void
read_group(struct syn *frames, size_t others, uint32_t seq[FRAME_MAX],
	   uint16_t sports[FRAME_MAX], uint16_t *mark)
{
	for (size_t i = 0; i < others; i++) {
		const size_t role = frame_sent_at(i, others + 1);
		struct packet p;

		assert_true(next_frame(&frames[i]));
		p = parse(&frames[i]);
		seq[role] = p.seq;
		sports[role - 1] = p.sport;
		check_port(p.sport);
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(
				sports[frame_sent_at(k, others + 1) - 1],
				p.sport);
		}
		assert_true(i == 0 || p.window == *mark);
		*mark = p.window;
	}
	assert_false(next_frame(&frames[0] + others));
}

static void
expect_group(const struct syn *orig_syn, enum rules which)
{
	const struct packet orig = parse(orig_syn);
	const uint8_t *bytes = orig_syn->bytes + ETHERNET;
	const size_t others = 3 + rules[which].key.mac.extra;
	const uint64_t before = clock_instant();
	const uint64_t made = counted(EGRESS_AUTHENTICATED);
	struct syn syn0 = *orig_syn, frames[FRAME_MAX];
	uint8_t expected[FRAME_SIZE];
	struct sender_group group = { 0 };
	uint32_t seq[FRAME_MAX];
	uint16_t sports[FRAME_MAX], mark = 0;
	uint64_t instant;

	assert_int_equal(run(&syn0), INGRESS_TC_NEXT);
	read_group(frames, others, seq, sports, &mark);
	instant = frame_instant(seq[1], seq[2], before);
	assert_in_range(instant, before - 1, clock_instant() + 1);
	sender_sign(&group, &orig, &rules[which], instant, mark, sports);
	for (size_t i = 0; i < others; i++) {
		size_t len = sender_frame(expected, bytes, &orig, &group,
					  frame_sent_at(i, group.count));

		assert_int_equal(frames[i].len, ETHERNET + len);
		assert_memory_equal(frames[i].bytes + ETHERNET, expected, len);
	}
	memcpy(expected, bytes, orig_syn->len - ETHERNET);
	sender_syn0(expected, &orig, &group);
	assert_memory_equal(syn0.bytes + ETHERNET, expected,
			    orig_syn->len - ETHERNET);
	assert_int_equal(counted(EGRESS_AUTHENTICATED), made + 1);
	assert_int_equal(left_priority, 0);
}

/* It goes as it is, or not at all. */
static void
expect_no_group(const struct syn *orig, enum egress_what what, int verdict)
{
	const uint64_t before = counted(what), seen = counted(EGRESS_SEEN);
	struct syn syn = *orig, frame;

	assert_int_equal(run(&syn), verdict);
	assert_false(next_frame(&frame));
	assert_memory_equal(syn.bytes, orig->bytes, orig->len);
	assert_int_equal(counted(what), before + 1);
	assert_int_equal(counted(EGRESS_SEEN), seen + 1);
}

/* ---- tests */

static void
each_suite_makes_the_senders_frames(void **state)
{
	(void)state;
	need_egress();
	for (unsigned n = 0; n < 400; n++) {
		const enum rules which = n % 5;
		const struct shape shape = {
			.ip6 = n / 5 % 2,
			.options = random_below(&seed, 11) * 4,
			.ip_options = n % 3 ? 0 : 8 * random_below(&seed, 5),
		};
		const struct syn syn = make(&shape, (uint16_t)(PORT + which));

		expect_group(&syn, which);
		assert_int_equal(event(), -1);
	}
}

static void
rules_are_found_by_address_and_port(void **state)
{
	const struct shape ip4 = { .options = 20 };
	const struct shape ip6 = { .options = 20, .ip6 = true };
	struct syn syn;

	(void)state;
	need_egress();
	for (unsigned port = 1999; port <= 3000; port++) {
		syn = make(&ip4, (uint16_t)port);
		if (port >= 2000 && port < 3000) {
			expect_group(&syn, PORTS);
		} else {
			expect_no_group(&syn, EGRESS_NO_RULE, INGRESS_TC_NEXT);
		}
	}
	syn = make(&ip4, 1000);
	expect_group(&syn, PORTS);
	be32_store(syn.bytes + ETHERNET + 16, 0x0b000001);
	expect_no_group(&syn, EGRESS_NO_RULE, INGRESS_TC_NEXT);
	/* The last is IPv6's, for one network and one device. */
	syn = make(&ip6, 1000);
	expect_group(&syn, LAST);
	syn.bytes[ETHERNET + 15] ^= 1;
	expect_no_group(&syn, EGRESS_NO_RULE, INGRESS_TC_NEXT);
	syn.bytes[ETHERNET + 15] ^= 1;
	device_index = 1; /* loopback */
	expect_no_group(&syn, EGRESS_NO_RULE, INGRESS_TC_NEXT);
	device_index = if_nametoindex("out");
}

static void
what_makes_no_group_is_told_of(void **state)
{
	struct shape shape = { .options = 20, .data = 5 };
	struct syn syn = make(&shape, PORT);

	(void)state;
	need_egress();
	expect_no_group(&syn, EGRESS_DATA, INGRESS_TC_NEXT);
	assert_int_equal(event(), EGRESS_DATA);
	for (unsigned option = 19; option <= 29; option += 10) {
		shape.option = (uint8_t)option;
		syn = make(&shape, PORT);
		expect_no_group(&syn, EGRESS_SIGNATURE, INGRESS_TC_DROP);
		assert_int_equal(event(), EGRESS_SIGNATURE);
	}
	shape = (struct shape){ .options = 20 };
	syn = make(&shape, PORT + OLD);
	expect_no_group(&syn, EGRESS_KEY, INGRESS_TC_NEXT);
	assert_int_equal(event(), EGRESS_KEY);
	assert_int_equal(event(), -1);
}

static void
a_missing_port_makes_no_group(void **state)
{
	const struct shape shape = { .options = 20 };
	const struct syn syn = make(&shape, PORT);
	uint16_t ports[EGRESS_PORTS];

	(void)state;
	need_egress();
	memcpy(ports, e.ports->port, sizeof ports);
	for (size_t i = 0; i < EGRESS_PORTS; i += 2) {
		e.ports->port[i] = 0;
	}
	expect_no_group(&syn, EGRESS_PORT, INGRESS_TC_NEXT);
	assert_int_equal(event(), EGRESS_PORT);
	memcpy(e.ports->port, ports, sizeof ports);
	expect_group(&syn, MD5);
}

/* It is another client's, if any. */
static void
a_priority_without_a_rule_stays(void **state)
{
	const struct shape shape = { .options = 20 };
	const struct syn syn = make(&shape, PORT + RULES);
	(void)state;
	need_egress();
	expect_no_group(&syn, EGRESS_NO_RULE, INGRESS_TC_NEXT);
	assert_int_equal(left_priority, MARK);
}

static void
what_is_not_marked_passes(void **state)
{
	const struct shape shape = { .options = 20 };
	const struct syn orig = make(&shape, PORT);
	struct syn syn = orig, frame;
	const uint64_t seen = counted(EGRESS_SEEN);

	(void)state;
	need_egress();
	assert_int_equal(run_with(&syn, 0), INGRESS_TC_NEXT);
	assert_int_equal(run_with(&syn, ~MARK), INGRESS_TC_NEXT);
	assert_memory_equal(syn.bytes, orig.bytes, orig.len);
	assert_false(next_frame(&frame));
	/* It is told by all of its bits. */
	assert_int_equal(run_with(&syn, UINT32_MAX), INGRESS_TC_NEXT);
	assert_false(next_frame(&frame));
	assert_int_equal(counted(EGRESS_SEEN), seen);
	while (next_frame(&frame)) {
	}
}

/* What the outbound does with such a SYN. */
static enum egress_what
fate_of(const struct syn *syn, enum rules *which)
{
	const uint8_t *ip = syn->bytes + ETHERNET;
	const size_t len = syn->len - ETHERNET;
	const struct sender_rule *rule;
	struct packet p;
	const struct sender_packet about = { .packet = &p, .outdev = "out" };

	if (packet_parse(&p, ip, len, len) != PACKET_OK || !packet_is_syn(&p)) {
		return EGRESS_NO_RULE;
	}
	rule = sender_rule_for(rules, RULES, &about);
	if (!rule) {
		return EGRESS_NO_RULE;
	}
	*which = (enum rules)(rule - rules);
	switch (sender_judge(&p)) {
	case SENDER_SIGNATURE:
		return EGRESS_SIGNATURE;
	case SENDER_DATA:
		return EGRESS_DATA;
	default:
		return acl_key_valid_at(&rule->key, clock_instant())
			? EGRESS_AUTHENTICATED
			: EGRESS_KEY;
	}
}

static void
odd_syns_fare_as_with_the_escort(void **state)
{
	unsigned groups = 0;

	(void)state;
	need_egress();
	for (unsigned n = 0; n < ROUNDS; n++) {
		const struct shape shape = {
			.ip6 = random_below(&seed, 2),
			.options = random_below(&seed, 11) * 4,
			.ip_options = 8 * random_below(&seed, 5),
			.data = random_below(&seed, 4) ? 0 : 7,
		};
		struct syn syn = make(
			&shape, (uint16_t)(PORT + random_below(&seed, LAST)));
		const size_t from = ETHERNET + (shape.ip6 ? 40 : 20);
		enum egress_what what;
		enum rules which = MD5;

		/* Lengths and versions of IP are the kernel's own. */
		for (unsigned i = random_below(&seed, 4); i > 0; i--) {
			syn.bytes[from +
				  random_below(&seed,
					       (uint32_t)(syn.len - from))] =
				(uint8_t)random_u32(&seed);
		}
		if (!shape.ip6) {
			sum_ip4(syn.bytes + ETHERNET, 20 + shape.ip_options);
		}
		what = fate_of(&syn, &which);
		if (what == EGRESS_AUTHENTICATED) {
			const struct packet p = parse(&syn);

			packet_rewrite(syn.bytes + ETHERNET, &p, p.sport, p.seq,
				       p.window);
			expect_group(&syn, which);
			groups++;
		} else {
			expect_no_group(&syn, what,
					what == EGRESS_SIGNATURE
						? INGRESS_TC_DROP
						: INGRESS_TC_NEXT);
		}
		while (event() >= 0) {
		}
	}
	assert_true(groups > ROUNDS / 8);
}

/* A program that is verbose tells of each group, and of whose it is. */
static void
groups_are_told_of_where_wanted(void **state)
{
	const struct shape shape = { .options = 20, .ip6 = true };
	const struct syn syn = make(&shape, PORT + SHA60);
	const struct egress_event *said;
	const struct packet p = parse(&syn);

	(void)state;
	need_egress();
	e.config->verbose = 1;
	expect_group(&syn, SHA60);
	e.config->verbose = 0;
	said = egress_event(&e);
	assert_non_null(said);
	assert_int_equal(said->what, EGRESS_AUTHENTICATED);
	assert_int_equal(said->family, 6);
	assert_memory_equal(&said->src, p.src.bytes, 16);
	assert_memory_equal(&said->dst, p.dst.bytes, 16);
	assert_int_equal(said->seq, p.seq);
	assert_int_equal(said->sport, p.sport);
	assert_int_equal(said->dport, p.dport);
	assert_int_equal(said->key_no, rules[SHA60].key.no);
	egress_event_done(&e);
	assert_null(egress_event(&e));
}

/* What asks for more than the program can know is left to the queue. */
static void
the_plan_leaves_rules_to_the_queue(void **state)
{
	static struct egress_plan plan;
	struct sender_rule three[3] = { rules[SHA60], rules[SHA89],
					rules[SHA118] };
	struct client_conf some = { .rules = three, .rules_count = 3 };
	struct sender_rule *rule = &three[1];

	(void)state;
	egress_tables_make(&plan, &some);
	assert_int_equal(plan.tables.rules_count, 3);
	rule->has_user = true;
	rule->uid = 1000;
	egress_tables_make(&plan, &some);
	assert_int_equal(plan.tables.rules_count, 3);
	assert_int_equal(plan.rules[1].has_user, true);
	assert_int_equal(plan.rules[1].uid, 1000);
	/* Of other users' SYNs it can't say what a rule of the queue would. */
	strcpy(three[2].exe, "/bin/sh");
	assert_false(egress_tables_takes(&some, rule, 0));
	egress_tables_make(&plan, &some);
	assert_int_equal(plan.tables.rules_count, 1);
	assert_int_equal(plan.rules[0].key_no, three[0].key.no);
	three[2].exe[0] = '\0';
	/* Connections of others through this host are none of a user's here. */
	three[2].forwarded = true;
	assert_false(egress_tables_takes(&some, &three[2], 0));
	assert_true(egress_tables_takes(&some, rule, 0));
	three[2].forwarded = false;
	rule->has_user = false;
	/* A suite that it does not name is the client's own affair. */
	rule->key.mac.suite = MAC_SUITES;
	assert_false(egress_tables_takes(&some, rule, 0));
	rule->key.mac.suite = MAC_HMAC_SHA256;
	assert_true(egress_tables_takes(&some, rule, EGRESS_RULES_MAX - 1));
	assert_false(egress_tables_takes(&some, rule, EGRESS_RULES_MAX));
	strcpy(rule->exe, "/bin/sh");
	assert_false(egress_tables_takes(&some, rule, 0));
	rule->exe[0] = '\0';
	rule->ports_count = EGRESS_RANGES_MAX;
	assert_true(egress_tables_takes(&some, rule, 0));
	rule->ports_count = EGRESS_RANGES_MAX + 1;
	assert_false(egress_tables_takes(&some, rule, 0));
	egress_tables_wipe(&plan);
}

/* And the firewall's rules agree with it on which these are. */
static void
rules_are_marked_for_what_the_plan_takes(void **state)
{
	static struct sender_rule many[EGRESS_RULES_MAX + 2];
	struct acl_range port[EGRESS_RULES_MAX + 2];
	struct client_conf some = { .rules = many, .rules_count = COUNT(many) };
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < COUNT(many); i++) {
		port[i] = (struct acl_range){ (uint16_t)(2 * i + 1),
					      (uint16_t)(2 * i + 1) };
		many[i] = rules[SHA60];
		many[i].ports = &port[i];
	}
	strcpy(many[3].exe, "/bin/sh");
	assert_int_equal(plan_client(&plan, &some), 0);
	/* Before the third, up to the last that it takes, and what is left. */
	assert_int_equal(plan.fw.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(plan.matches[i].fast, i % 2 == 0);
	}
	assert_int_equal(plan.matches[0].ports_count, 3);
	assert_int_equal(plan.matches[1].ports_count, 1);
	assert_int_equal(plan.matches[2].ports_count, EGRESS_RULES_MAX - 3);
	plan_free(&plan);
}

static void
check_match(const struct fw_match *m, const char *outdev, bool marked,
	    uint16_t port)
{
	assert_string_equal(m->outdev, outdev);
	assert_int_equal(m->marked, marked);
	assert_int_equal(m->ports[0].low, port);
}

static void
rules_are_marked_by_device(void **state)
{
	static const char devices[][IF_NAMESIZE] = { "eth0", "eth1" };
	struct sender_rule three[3] = { rules[SHA30], rules[SHA60],
					rules[SHA89] };
	struct client_conf some = { .rules = three, .rules_count = 3 };
	struct plan plan;

	(void)state;
	strcpy(three[1].outdev, "eth1");
	strcpy(three[2].exe, "/bin/sh");
	assert_int_equal(plan_client(&plan, &some), 0);
	assert_int_equal(plan_mark(&plan, devices, 2), 0);
	assert_int_equal(plan.fw.count, 6);
	assert_ptr_equal(plan.fw.matches, plan.matches);
	check_match(&plan.matches[0], "eth0", true, PORT + SHA30);
	check_match(&plan.matches[1], "eth1", true, PORT + SHA30);
	check_match(&plan.matches[2], "", false, PORT + SHA30);
	check_match(&plan.matches[3], "eth1", true, PORT + SHA60);
	check_match(&plan.matches[4], "eth1", false, PORT + SHA60);
	check_match(&plan.matches[5], "", false, PORT + SHA89);
	plan_free(&plan);
}

/* Packets of a test have a socket of root's. */
static void
a_rule_may_name_the_user(void **state)
{
	const struct shape shape = { 0 };
	const uint32_t at = SHA60;
	const int map = e.map[EGRESS_MAP_RULES];
	struct egress_rule rule;

	(void)state;
	need_egress();
	assert_int_equal(bpf_map_get(map, &at, &rule), 0);
	rule.has_user = true;
	for (rule.uid = 0; rule.uid < 2; rule.uid++) {
		struct syn syn = make(&shape, PORT + SHA60), frame;
		size_t frames = 0;

		assert_int_equal(bpf_map_put(map, &at, &rule, BPF_ANY), 0);
		assert_int_equal(run(&syn), INGRESS_TC_NEXT);
		while (next_frame(&frame)) {
			frames++;
		}
		assert_int_equal(frames, rule.uid == 0 ? 4 : 0);
		assert_int_equal(left_priority, rule.uid == 0 ? 0 : MARK);
	}
	rule.has_user = false;
	assert_int_equal(bpf_map_put(map, &at, &rule, BPF_ANY), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_may_name_the_user),
		cmocka_unit_test(each_suite_makes_the_senders_frames),
		cmocka_unit_test(rules_are_found_by_address_and_port),
		cmocka_unit_test(what_makes_no_group_is_told_of),
		cmocka_unit_test(a_missing_port_makes_no_group),
		cmocka_unit_test(a_priority_without_a_rule_stays),
		cmocka_unit_test(what_is_not_marked_passes),
		cmocka_unit_test(odd_syns_fare_as_with_the_escort),
		cmocka_unit_test(groups_are_told_of_where_wanted),
		cmocka_unit_test(the_plan_leaves_rules_to_the_queue),
		cmocka_unit_test(rules_are_marked_for_what_the_plan_takes),
		cmocka_unit_test(rules_are_marked_by_device),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
