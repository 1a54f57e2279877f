/*
 * The door's program, run by the kernel, against the receiver's access list:
 * what that calls a packet to a protected service finds a listener only if
 * it was accepted, everything else always.  Wants root.
 */
#include "fastpath/door.c"

#include "fastpath/door_tables.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit/support.h"

#define RULES 12
#define ENTRIES 6
#define PORTS 12u /* from 1 on */
#define DEVICES 4u

/* By index; the last one came a moment ago, and has no number yet. */
static const char *const devices[DEVICES + 1] = { NULL, "lo", "eth0", "eth1",
						  NULL };

struct scene {
	struct acl acl, named; /* all rules; those that name a device */
	struct acl_rule rules[RULES], named_rules[RULES];
	struct acl_range ports[RULES][2];
	struct acl_entry entries[ENTRIES];
	struct acl_range keys[ENTRIES];
	bool loopback_open;
	struct door door;
	int program;
	uint64_t seed;
};

static struct scene s;
static const char *cannot;

struct lookup {
	struct packet p;
	uint32_t device;
};

/*
 * Such a run has no device, that is number 0: the lookup's is put in its
 * place.
 */
static void
set_device(uint32_t device)
{
	static const uint32_t none;
	uint32_t number;

	if (bpf_map_get(s.door.now.devices, &device, &number) == 0) {
		bpf_map_put(s.door.now.devices, &none, &number, BPF_ANY);
	} else {
		bpf_map_remove(s.door.now.devices, &none);
	}
}

/* The socket that the last run chose, or 0. */
static uint64_t chosen;

/* -errno where it can't be run; SK_PASS or SK_DROP. */
static int
run(int program, const struct lookup *l, int protocol)
{
	struct bpf_sk_lookup ctx = { .protocol = (uint32_t)protocol };
	union bpf_attr attr = { 0 };

	ctx.family = l->p.src.family == 4 ? AF_INET : AF_INET6;
	if (l->p.src.family == 4) {
		memcpy(&ctx.remote_ip4, l->p.src.bytes, 4);
		memcpy(&ctx.local_ip4, l->p.dst.bytes, 4);
	} else {
		memcpy(ctx.remote_ip6, l->p.src.bytes, 16);
		memcpy(ctx.local_ip6, l->p.dst.bytes, 16);
	}
	ctx.remote_port = htons(l->p.sport);
	ctx.local_port = l->p.dport;
	set_device(l->device);
	attr.test.prog_fd = (uint32_t)program;
	attr.test.ctx_in = (uint64_t)(uintptr_t)&ctx;
	attr.test.ctx_size_in = sizeof ctx;
	attr.test.ctx_out = (uint64_t)(uintptr_t)&ctx;
	attr.test.ctx_size_out = sizeof ctx;
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof attr) < 0) {
		return -errno;
	}
	chosen = ctx.cookie;
	return (int)attr.test.retval;
}

static uint32_t
below(uint32_t n)
{
	return random_below(&s.seed, n);
}

/* Few addresses, so that rules meet: of 10.0.0.0/8 and 2001:db8::/32. */
static struct packet_addr
some_addr(unsigned family)
{
	return family == 4 ? addr4(0x0a000000u | below(4) << 16 | below(4))
			   : addr6(below(4), below(4));
}

static void
some_net(struct acl_net *net)
{
	*net = (struct acl_net){ 0 };
	if (below(2)) {
		const unsigned family = below(2) ? 4 : 6;
		const unsigned bits = below(family == 4 ? 33 : 129);

		net->addr = some_addr(family);
		for (unsigned i = 0; i < bits; i++) {
			net->mask[i / 8] |= (uint8_t)(128 >> i % 8);
		}
		for (unsigned i = 0; i < 16; i++) {
			net->addr.bytes[i] &= net->mask[i];
		}
	}
}

static void
some_rule(size_t i)
{
	struct acl_rule *rule = &s.rules[i];

	*rule = (struct acl_rule){ .ports = s.ports[i] };
	rule->ports_count = below(8) ? 1 + below(2) : 0;
	for (size_t k = 0; k < rule->ports_count; k++) {
		rule->ports[k].low = (uint16_t)(1 + below(PORTS));
		rule->ports[k].high = (uint16_t)(rule->ports[k].low + below(4));
	}
	some_net(&rule->src);
	some_net(&rule->dst);
	rule->type = below(4) ? ACL_LOCAL : 1 + below(2);
	if (below(3) == 0) {
		const uint32_t device = 1 + below(DEVICES - 1);

		snprintf(rule->indev, sizeof rule->indev, "%s",
			 devices[device]);
	}
	if (below(10) == 0) {
		strcpy(rule->outdev, "eth0");
	}
}

static void
some_acl(void)
{
	s.acl = (struct acl){ .rules = s.rules, .entries = s.entries };
	s.named = (struct acl){ .rules = s.named_rules };
	s.acl.rules_count = below(RULES + 1);
	for (size_t i = 0; i < s.acl.rules_count; i++) {
		some_rule(i);
		if (s.rules[i].indev[0]) {
			s.named_rules[s.named.rules_count++] = s.rules[i];
		}
	}
	s.acl.entries_count = below(ENTRIES + 1);
	for (size_t i = 0; i < s.acl.entries_count; i++) {
		/* Two that have the same keys are soon there. */
		s.keys[i] = (struct acl_range){ 10, (uint16_t)(10 + below(3)) };
		s.entries[i] = (struct acl_entry){
			.ports = { (uint16_t)(1 + 2 * i),
				   (uint16_t)(2 + 2 * i) },
			.keys = &s.keys[i],
			.keys_count = below(8) != 0,
		};
	}
	acl_index(&s.acl);
	acl_index(&s.named);
	s.loopback_open = below(2);
}

/* The number that the program knows a device's name by. */
static uint32_t
number_of(const char *name)
{
	const struct door_version *v = &s.door.now;

	for (size_t i = 0; i < v->names_count; i++) {
		if (strcmp(v->names[i], name) == 0) {
			return (uint32_t)i + 1;
		}
	}
	return DOOR_DEVICE_OTHER;
}

static void
load(void)
{
	const struct door_conf conf = { &s.acl, s.loopback_open, 1, false };

	door_version_free(&s.door.now);
	assert_int_equal(door_load(&s.door.now, &s.door.maps, &conf), 0);
	assert_true(s.door.now.by_device);
	s.program = s.door.now.program;
	for (uint32_t i = 1; i < DEVICES; i++) {
		const uint32_t number = number_of(devices[i]);

		bpf_map_put(s.door.now.devices, &i, &number, BPF_ANY);
	}
}

static struct lookup
some_lookup(void)
{
	const unsigned family = below(2) ? 4 : 6;
	struct lookup l = { .device = 1 + below(DEVICES) };

	l.p.src = some_addr(family);
	l.p.dst = some_addr(family);
	l.p.sport = (uint16_t)(0x1200 + below(3));
	l.p.dport = (uint16_t)below(PORTS + 6);
	return l;
}

static bool
is_own(const struct packet_addr *addr)
{
	struct door_own own = { .family = addr->family };
	uint8_t value;

	memcpy(own.addr, addr->bytes, sizeof own.addr);
	return bpf_map_get(s.door.maps.own, &own, &value) == 0;
}

/* A new device may be any that a rule names. */
static bool
is_protected(const struct lookup *l)
{
	const struct acl *acl =
		s.loopback_open && is_own(&l->p.src) ? &s.named : &s.acl;

	for (uint32_t i = 1; l->device == DEVICES && i < DEVICES; i++) {
		if (acl_rule_for(acl, &l->p, false, devices[i], NULL)) {
			return true;
		}
	}
	return acl_rule_for(acl, &l->p, false, devices[l->device], NULL) !=
		NULL;
}

static const struct acl_entry *
entry_of(uint16_t port)
{
	const uint16_t at = s.acl.entry_at[port];

	return at ? &s.acl.entries[at - 1] : NULL;
}

/* Whether the same keys may use both; nobody may use a port without entry. */
static bool
same_keys(uint16_t a, uint16_t b)
{
	const struct acl_entry *x = entry_of(a), *y = entry_of(b);

	return x == y ||
		(x && y && x->keys_count == y->keys_count &&
		 (x->keys_count == 0 ||
		  memcmp(x->keys, y->keys, sizeof *x->keys) == 0));
}

/* Is the port without a door for having too many rules? */
static bool
is_without(uint16_t port)
{
	size_t count = 0;

	for (size_t i = 0; i < s.acl.rules_count; i++) {
		count += s.rules[i].type == ACL_LOCAL &&
			acl_ports_have(s.rules[i].ports, s.rules[i].ports_count,
				       port);
	}
	return count > DOOR_RULES_MAX;
}

static void
check_lookup(const struct lookup *l, const struct lookup *accepted)
{
	const bool in = packet_addr_equal(&l->p.src, &accepted->p.src) &&
		l->p.sport == accepted->p.sport &&
		same_keys(l->p.dport, accepted->p.dport);
	const int verdict = run(s.program, l, IPPROTO_TCP);

	assert_int_equal(run(s.program, l, IPPROTO_UDP), SK_PASS);
	if (is_without(l->p.dport)) {
		assert_true(verdict == SK_PASS || (is_protected(l) && !in));
	} else {
		assert_int_equal(verdict,
				 is_protected(l) && !in ? SK_DROP : SK_PASS);
	}
}

static void
forget(const struct lookup *l)
{
	struct door_key key;

	(void)l;
	while (bpf_map_next(s.door.maps.accepted, &(struct door_key){ 0 },
			    &key) == 0) {
		bpf_map_remove(s.door.maps.accepted, &key);
	}
}

static void
it_is_as_strict_as_the_receiver(void **state)
{
	const unsigned long steps = property_steps(40000) / 100;
	uint64_t before[DOOR_COUNTS], after[DOOR_COUNTS];
	unsigned long drops;

	(void)state;
	if (cannot) {
		skip();
	}
	door_counts(&s.door, before);
	s.seed = property_seed();
	for (unsigned long step = 0; step < steps; step++) {
		struct lookup accepted = some_lookup();

		some_acl();
		load();
		assert_int_equal(door_admit(&s.door, &s.acl, &accepted.p.src,
					    accepted.p.sport, accepted.p.dport,
					    false),
				 0);
		for (int i = 0; i < 100; i++) {
			struct lookup l = below(4) ? some_lookup() : accepted;

			if (below(4) == 0) {
				l.p.dport = (uint16_t)below(PORTS + 6);
			}
			check_lookup(&l, &accepted);
		}
		forget(&accepted);
	}
	door_counts(&s.door, after);
	drops = after[DOOR_REFUSED] - before[DOOR_REFUSED];
	assert_true(drops > steps);
	assert_int_equal(drops + after[DOOR_PASSED] - before[DOOR_PASSED],
			 steps * 100);
}

/* Port 22, protected from all. */
static void
one_port(void)
{
	s.acl = (struct acl){ .rules = s.rules,
			      .rules_count = 1,
			      .entries = s.entries,
			      .entries_count = 1 };
	s.rules[0] = (struct acl_rule){ 0 };
	s.keys[0] = (struct acl_range){ 10, 10 };
	s.entries[0] = (struct acl_entry){ .ports = { 22, 22 },
					   .keys = s.keys,
					   .keys_count = 1 };
	acl_index(&s.acl);
	load();
}

static void
what_was_accepted_expires(void **state)
{
	struct lookup l = { .device = 2 };
	struct door_key key = { 0 }, found;
	uint64_t expires = 0;

	(void)state;
	if (cannot) {
		skip();
	}
	one_port();
	l.p.src = l.p.dst = addr4(0x0a000001);
	l.p.sport = 0x1234;
	l.p.dport = 22;
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_DROP);
	door_admit(&s.door, &s.acl, &l.p.src, l.p.sport, l.p.dport, false);
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_PASS);
	assert_int_equal(bpf_map_next(s.door.maps.accepted, &key, &found), 0);
	bpf_map_get(s.door.maps.accepted, &found, &expires);
	/* Two minutes are what a SYN cookie lives. */
	assert_true(expires > clock_us() * 1000 + 120 * 1000000000ull);
	expires = clock_us() * 1000;
	bpf_map_put(s.door.maps.accepted, &found, &expires, BPF_ANY);
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_DROP);
	forget(&l);
}

static int
listen_on_loopback(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any),
			 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Its listener is the carrier's, and none where that is away. */
static void
who_is_carried_meets_the_carrier(void **state)
{
	struct lookup l = { .device = 1 };
	int listeners[2] = { -1, -1 };
	uint64_t cookie = 0;

	(void)state;
	if (cannot || s.door.maps.carrier < 0) {
		skip();
	}
	one_port();
	l.p.src = l.p.dst = addr4(0x0a000001);
	l.p.sport = 0x1234;
	l.p.dport = 22;
	door_admit(&s.door, &s.acl, &l.p.src, l.p.sport, l.p.dport, true);
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_DROP);
	listeners[0] = listen_on_loopback();
	assert_int_equal(door_lead(&s.door, listeners), 0);
	assert_int_equal(getsockopt(listeners[0], SOL_SOCKET, SO_COOKIE,
				    &cookie, &(socklen_t){ sizeof cookie }),
			 0);
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_PASS);
	assert_int_equal(chosen, cookie);
	/* Nobody else does. */
	l.p.sport++;
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_DROP);
	door_admit(&s.door, &s.acl, &l.p.src, l.p.sport, l.p.dport, false);
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_PASS);
	assert_int_equal(chosen, 0);
	/* Nor what no rule protects any more. */
	l.p.sport--;
	s.rules[0].src = (struct acl_net){ addr4(0x0b000000), { 255 } };
	load();
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_PASS);
	assert_int_equal(chosen, 0);
	one_port();
	close(listeners[0]);
	assert_int_equal(run(s.program, &l, IPPROTO_TCP), SK_DROP);
	forget(&l);
}

/* Eight for a port, and one that all those are part of. */
static void
a_port_has_so_many_rules(void **state)
{
	struct door_tables t;

	(void)state;
	s.acl = (struct acl){ .rules = s.rules };
	for (size_t i = 0; i <= DOOR_RULES_MAX; i++) {
		s.rules[i] = (struct acl_rule){
			.ports = s.ports[0],
			.ports_count = 1,
			.src = { .addr = addr4((uint32_t)i),
				 .mask = { 255, 255, 255, 255 } },
		};
	}
	s.ports[0][0] = (struct acl_range){ 80, 81 };
	s.acl.rules_count = DOOR_RULES_MAX;
	acl_index(&s.acl);
	assert_int_equal(door_tables_make(&t, &s.acl, false, true), 0);
	assert_int_equal(t.without, 0);
	assert_int_equal(t.rules_most, DOOR_RULES_MAX);
	assert_int_not_equal(t.ports[80].list, 0);
	assert_int_equal(t.ports[82].list, 0);
	door_tables_free(&t);

	s.acl.rules_count++;
	acl_index(&s.acl);
	assert_int_equal(door_tables_make(&t, &s.acl, false, true), 0);
	assert_int_equal(t.without, 2);
	assert_int_equal(t.without_port, 80);
	assert_string_equal(t.without_why, "too many rules");
	for (uint32_t port = 0; port < 65536; port++) {
		const bool is_bare = t.bare[port / 8] & 1u << port % 8;

		assert_int_equal(is_bare, is_without((uint16_t)port));
	}
	assert_int_equal(t.ports[80].list, 0);
	door_tables_free(&t);

	s.rules[4].src = (struct acl_net){ 0 };
	assert_int_equal(door_tables_make(&t, &s.acl, false, true), 0);
	assert_int_equal(t.without, 0);
	assert_int_equal(t.rules_most, 1);
	door_tables_free(&t);

	/* A kernel that does not tell the device. */
	s.acl.rules_count = 1;
	strcpy(s.rules[0].indev, "eth0");
	assert_int_equal(door_tables_make(&t, &s.acl, false, false), 0);
	assert_int_equal(t.without, 2);
	door_tables_free(&t);
}

/* Another program for the same place, which lets everything go on. */
static int
load_other(const char *name)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = SK_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int program =
		bpf_insns_load(insns, COUNT(insns), BPF_PROG_TYPE_SK_LOOKUP,
			       BPF_SK_LOOKUP, name);

	assert_true(program >= 0);
	return program;
}

static int
attach_other(const char *name)
{
	int program = load_other(name);
	int link = bpf_netns_link(program, BPF_SK_LOOKUP);

	assert_true(link >= 0);
	close(program);
	return link;
}

static struct door_conf
conf_of_one_port(void)
{
	s.acl = (struct acl){ .rules = s.rules,
			      .rules_count = 1,
			      .entries = s.entries,
			      .entries_count = 1 };
	s.rules[0] = (struct acl_rule){ .ports = s.ports[0], .ports_count = 1 };
	s.ports[0][0] = (struct acl_range){ 22, 22 };
	s.keys[0] = (struct acl_range){ 10, 10 };
	s.entries[0] = (struct acl_entry){ .ports = { 22, 22 },
					   .keys = s.keys,
					   .keys_count = 1 };
	acl_index(&s.acl);
	return (struct door_conf){ &s.acl, false, 7, false };
}

static int
programs(void)
{
	uint32_t ids[BPF_NETNS_PROGRAMS_MAX];

	return bpf_netns_programs(BPF_SK_LOOKUP, ids);
}

static void
others_are_named(void **state)
{
	const struct door_conf conf = conf_of_one_port();
	char names[128];
	struct door d;
	int other, door;

	(void)state;
	if (cannot) {
		skip();
	}
	door_open(&d, &conf);
	assert_true(d.on);
	assert_int_equal(door_others(&d, names, sizeof names), 0);
	assert_string_equal(names, "");
	other = attach_other("steering");
	door = attach_other(DOOR_NAME);
	assert_int_equal(door_others(&d, names, sizeof names), 1);
	assert_string_equal(names, "steering, " DOOR_NAME);
	assert_int_equal(door_others(&d, names, 1), 1);
	assert_string_equal(names, "");
	close(other);
	close(door);
	assert_int_equal(door_others(&d, names, sizeof names), 0);
	assert_int_equal(door_end(&d, conf.queue), 0);
	assert_int_equal(programs(), 0);
}

static void
open_kept(struct door *d, const struct door_conf *conf)
{
	door_open(d, conf);
	door_keep(d);
}

/* The next one has the same link, and knows who was accepted. */
static void
it_is_pinned_and_taken_over(void **state)
{
	const struct door_conf conf = conf_of_one_port();
	const struct packet_addr src = addr4(0x0a000001);
	struct door_key key = { 0 }, found;
	struct door d;
	uint16_t queues[4];
	uint32_t before;

	(void)state;
	if (cannot) {
		skip();
	}
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", "", MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), 0);
	open_kept(&d, &conf);
	assert_true(d.on && d.is_pinned && !d.taken_over);
	assert_int_equal(door_admit(&d, &s.acl, &src, 1, 22, false), 0);
	before = bpf_link_program(d.link);
	door_close(&d);
	assert_int_equal(programs(), 1);

	open_kept(&d, &conf);
	assert_true(d.on && d.is_pinned && d.taken_over);
	assert_int_equal(programs(), 1);
	assert_int_not_equal(bpf_link_program(d.link), before);
	assert_int_equal(bpf_map_next(d.maps.accepted, &key, &found), 0);

	/* Another configuration, thrown away and taken up. */
	before = bpf_link_program(d.link);
	assert_int_equal(door_prepare(&d, &conf), 0);
	door_abandon(&d);
	assert_int_equal(door_commit(&d), 0);
	assert_int_equal(bpf_link_program(d.link), before);
	assert_int_equal(door_prepare(&d, &conf), 0);
	assert_int_equal(door_commit(&d), 0);
	assert_int_not_equal(bpf_link_program(d.link), before);
	assert_int_equal(programs(), 1);

	/* It is gone for who still holds it, too. */
	assert_int_equal(door_pinned(queues, 4), 1);
	assert_int_equal(queues[0], conf.queue);
	assert_int_equal(door_remove(conf.queue), 0);
	assert_int_equal(programs(), 0);
	assert_int_equal(door_pinned(queues, 4), 0);
	assert_int_equal(door_remove(conf.queue), -ENOENT);
	door_close(&d);

	/* A link of a network namespace that is no more is of no use. */
	open_kept(&d, &conf);
	assert_int_equal(bpf_link_end(d.link), 0);
	door_close(&d);
	open_kept(&d, &conf);
	assert_true(d.on && d.is_pinned && !d.taken_over);
	assert_int_equal(programs(), 1);
	assert_int_equal(door_end(&d, conf.queue), 0);
	assert_int_equal(programs(), 0);
	umount("/sys/fs/bpf");
}

/* Another program takes it away: it is put back, and pinned as it was. */
static void
it_is_put_back(void **state)
{
	const struct door_conf conf = conf_of_one_port();
	struct door d;
	char pin[DOOR_PATH_MAX + 16];
	int other;

	(void)state;
	if (cannot) {
		skip();
	}
	assert_int_equal(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), 0);
	open_kept(&d, &conf);
	assert_int_equal(door_tick(&d), DOOR_AS_BEFORE);
	assert_int_equal(bpf_link_end(d.link), 0);
	assert_int_equal(programs(), 0);
	assert_int_equal(door_tick(&d), DOOR_PUT_BACK);
	assert_int_equal(programs(), 1);
	assert_int_equal(d.restored, 1);
	assert_int_equal(door_tick(&d), DOOR_AS_BEFORE);
	/* Another one's program at our link. */
	other = load_other("steering");
	assert_int_equal(bpf_link_replace(d.link, other), 0);
	close(other);
	assert_int_equal(door_tick(&d), DOOR_PUT_BACK);
	assert_int_equal(bpf_link_program(d.link),
			 bpf_program_id(d.now.program));
	/* A reload succeeds where that had not. */
	d.lost = true;
	d.seen_ms -= 1000;
	d.missing_ms = 0;
	snprintf(d.why, sizeof d.why, "taken away");
	assert_int_equal(door_prepare(&d, &conf), 0);
	assert_int_equal(door_commit(&d), 0);
	assert_false(d.lost);
	assert_string_equal(d.why, "");
	assert_true(d.missing_ms >= 1000);
	/* Its name alone. */
	snprintf(pin, sizeof pin, "%s/" DOOR_PIN_LINK, d.path);
	assert_int_equal(unlink(pin), 0);
	assert_int_equal(door_tick(&d), DOOR_AS_BEFORE);
	door_close(&d);
	assert_int_equal(programs(), 1);
	open_kept(&d, &conf);
	assert_true(d.taken_over);
	assert_int_equal(door_end(&d, conf.queue), 0);
	assert_int_equal(programs(), 0);
	umount("/sys/fs/bpf");
}

/* Everybody may write in bpffs: what is there may be another one's. */
static void
another_ones_pins_are_not_taken(void **state)
{
	const struct door_conf conf = conf_of_one_port();
	char path[DOOR_PATH_MAX];
	struct door d;

	(void)state;
	if (cannot) {
		skip();
	}
	assert_int_equal(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), 0);
	open_kept(&d, &conf);
	assert_true(d.is_pinned);
	door_pin_path(path, conf.queue);
	assert_int_equal(chown(path, 65534, 65534), 0);
	door_close(&d);

	open_kept(&d, &conf);
	assert_true(d.on && !d.is_pinned && !d.taken_over);
	assert_non_null(strstr(d.why, "not permitted"));
	door_close(&d);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 0722), 0);
	open_kept(&d, &conf);
	assert_true(d.on && !d.is_pinned && !d.taken_over);
	assert_int_equal(door_end(&d, conf.queue), 0);
	umount("/sys/fs/bpf");
}

static int
setup(void **state)
{
	struct lookup l = { .device = 1 };
	struct door_own own = { .family = 4 };
	const uint8_t here = 1;

	(void)state;
	door_init(&s.door);
	if (unshare(CLONE_NEWNET) < 0 || open_maps(&s.door) < 0) {
		cannot = "no maps";
		return 0;
	}
	s.door.on = true;
	own.addr[0] = 10; /* 10.0.0.0 */
	bpf_map_put(s.door.maps.own, &own, &here, BPF_ANY);
	own.family = 6;
	memcpy(own.addr, (uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8 }, 4);
	bpf_map_put(s.door.maps.own, &own, &here, BPF_ANY);
	acl_index(&s.acl);
	load();
	l.p.src.family = l.p.dst.family = 4;
	/* Linux 5.14 */
	if (run(s.program, &l, IPPROTO_TCP) < 0) {
		cannot = "the kernel runs none for a test";
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	door_close(&s.door);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_as_strict_as_the_receiver),
		cmocka_unit_test(what_was_accepted_expires),
		cmocka_unit_test(who_is_carried_meets_the_carrier),
		cmocka_unit_test(a_port_has_so_many_rules),
		cmocka_unit_test(others_are_named),
		cmocka_unit_test(it_is_pinned_and_taken_over),
		cmocka_unit_test(it_is_put_back),
		cmocka_unit_test(another_ones_pins_are_not_taken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
