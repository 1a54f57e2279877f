/*
 * The sieve's program, run by the kernel on frames of ours, against the
 * gate: one gate gets all packets, another one what the sieve lets through
 * and hands over.  Wants root; there are no devices where it runs.
 */
#include "support.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf.h"
#include "bytes.h"
#include "clock.h"
#include "guard_sieve.h"
#include "sieve_image.h"
#include "sieve_plan.h"

#define PORT 22
#define PORT_NET 23   /* protected from 10.0.0.0/8, and only there */
#define PORT_OPEN 24  /* not protected */
#define PORT_LOOSE 25 /* not the sieve's */
#define KEYS 6
#define NEVER (1u << 30) /* SYNs a second: no flood */
/* Of each random test; TAP_EPISODES in the environment says how many else. */
#define EPISODES 1500u

static struct bench *all, *sieved;
static struct conf_server conf;
static struct guard guard; /* its sieve alone */
static uint64_t seed;
static unsigned episodes_max = EPISODES;
static enum sieve_way way;
static const char *cannot; /* be tested here; why */

static void
make_bench(struct bench **b)
{
	struct acl_rule *rule;

	*b = bench_new();
	bench_rule(*b, PORT, false);
	rule = bench_rule(*b, PORT_NET, false);
	rule->src.addr = addr4(0x0a000000);
	rule->src.mask[0] = 0xff;
	bench_rule(*b, PORT_LOOSE, true);
	bench_key(*b, 10, MAC_HMAC_MD5, 0);
	bench_key(*b, 11, MAC_HMAC_SHA256, 0);
	bench_key(*b, 12, MAC_HMAC_SHA256, 1);
	bench_key(*b, 13, MAC_HMAC_SHA256, 2);
	bench_key(*b, 14, MAC_HMAC_SHA256, 3);
	bench_key(*b, 200, MAC_HMAC_SHA256, 1); /* not allowed */
	bench_allow(*b, PORT, 10, 14);
	bench_allow(*b, PORT_NET, 12, 12);
	bench_allow(*b, PORT_LOOSE, 10, 14);
	(*b)->limits.flood_per_second = NEVER;
	bench_start(*b);
}

static void
add_local(const struct packet_addr *addr)
{
	struct sieve_local local = { .family = addr->family };
	const uint8_t here = 1;

	memcpy(&local.addr, addr->bytes, sizeof local.addr);
	assert_int_equal(bpf_map_put(guard.sieve.map[SIEVE_MAP_LOCALS], &local,
				     &here, BPF_ANY),
			 0);
}

/* The kernel's clock, as far as the sieve is told, is the bench's. */
static void
set_clock(void)
{
	const uint64_t utc = (all->now.instant >> 8) * 1000000000 +
			     (all->now.instant & 255) * 1000000000 / 256;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	guard.sieve.config->utc_offset = utc -
		(uint64_t)now.tv_sec * 1000000000 - (uint64_t)now.tv_nsec;
}

static int
setup(void **state)
{
	struct packet_addr v4 = addr4(0xc6336401);
	struct packet_addr v6 = addr6(1, 1);
	struct sieve_plan plan;

	(void)state;
	seed = 20261121;
	make_bench(&all);
	make_bench(&sieved);
	conf.acl = all->acl;
	conf.limits = all->limits;
	sieve_init(&guard.sieve);
	if (sieve_image_size == 0) {
		cannot = "built without clang";
		return 0;
	}
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		cannot = "needs root";
		return 0;
	}
	assert_int_equal(sieve_plan_make(&plan, &conf), 0);
	sieve_open(&guard.sieve, &plan.tables,
		   way == SIEVE_XDP ? FASTPATH_NATIVE : FASTPATH_GENERIC);
	sieve_plan_free(&plan);
	sieve_tick(&guard.sieve, 0);
	if (guard.sieve.program[way] < 0) {
		cannot = guard.sieve.why;
		return 0;
	}
	add_local(&v4);
	add_local(&v6);
	set_clock();
	/* However slow the machine is. */
	guard.sieve.config->assembly = UINT64_MAX >> 2;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_free(all);
	bench_free(sieved);
	sieve_close(&guard.sieve);
	return 0;
}

static void
need_sieve(void)
{
	if (cannot) {
		print_message("sieve: %s\n", cannot);
		skip();
	}
}

static uint64_t
counted(enum sieve_count what)
{
	uint64_t counts[SIEVE_COUNTS];

	sieve_counts(&guard.sieve, counts);
	return counts[what];
}

static void
set_flood(bool flood)
{
	struct sieve_rate rate = { 0 };
	struct timespec now;
	uint32_t zero = 0;

	/* A second that began in a far future does not end. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	rate.since = (uint64_t)now.tv_sec * 1000000000 + (1ull << 50);
	rate.before = flood;
	guard.sieve.config->flood = flood ? 0 : UINT64_MAX;
	assert_int_equal(bpf_map_put(guard.sieve.map[SIEVE_MAP_RATE], &zero,
				     &rate, BPF_ANY),
			 0);
}

/* ---- packets */

static size_t
make_frame(uint8_t frame[128], const struct packet *p, size_t options)
{
	const bool ip6 = p->src.family == 6;
	const size_t addr_len = ip6 ? 16 : 4;
	uint8_t *ip = frame + 14;
	uint8_t *tcp = ip + (ip6 ? 40 : 20);
	const size_t tcp_len = 20 + options + p->data_len;
	struct packet read;

	memset(frame, 0, 128);
	be16_store(frame + 12, ip6 ? 0x86dd : 0x0800);
	ip[0] = ip6 ? 0x60 : 0x45;
	ip[ip6 ? 6 : 9] = 6;
	ip[ip6 ? 7 : 8] = 64;
	be16_store(ip + (ip6 ? 4 : 2),
		   (uint16_t)(tcp_len + (ip6 ? 0 : 20)));
	memcpy(ip + (ip6 ? 8 : 12), p->src.bytes, addr_len);
	memcpy(ip + (ip6 ? 24 : 16), p->dst.bytes, addr_len);
	be16_store(tcp, p->sport);
	be16_store(tcp + 2, p->dport);
	be32_store(tcp + 4, p->seq);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = p->flags;
	be16_store(tcp + 14, p->window);
	if (packet_parse(&read, ip, 114, 114) == PACKET_OK) {
		be16_store(tcp + 16, packet_tcp_checksum(ip, &read));
	}
	return (size_t)(tcp - frame) + tcp_len;
}

/* The verdict, in the words of XDP. */
static int
run_frame(uint8_t *frame, size_t len)
{
	int verdict;

	assert_int_equal(bpf_program_run(guard.sieve.program[way], frame, len,
					 &verdict),
			 0);
	if (way == SIEVE_TC) {
		assert_true(verdict == SIEVE_TC_NEXT ||
			    verdict == SIEVE_TC_DROP);
		return verdict == SIEVE_TC_DROP ? XDP_DROP : XDP_PASS;
	}
	assert_true(verdict == XDP_PASS || verdict == XDP_DROP);
	return verdict;
}

/* out: what passes, which may be another frame of the group. */
static int
run_into(const struct packet *p, struct packet *out)
{
	uint8_t frame[128];
	size_t len = make_frame(frame, p, 12);
	int verdict = run_frame(frame, len);

	assert_int_equal(packet_parse(out, frame + 14, len - 14, len - 14),
			 PACKET_OK);
	assert_int_equal(be16_load(frame + 14 + out->tcp_at + 16),
			 packet_tcp_checksum(frame + 14, out));
	return verdict;
}

static int
run(const struct packet *p)
{
	struct packet out;

	return run_into(p, &out);
}

/* What the guard does with what the sieve took. */
static void
hand_over(void)
{
	struct packet syns[FRAME_MAX];
	size_t count;

	while ((count = guard_sieve_take(&guard, syns)) > 0) {
		for (size_t i = 0; i < count; i++) {
			bench_witness(sieved, &syns[i]);
		}
	}
}

/* To both; returns the sieve's verdict. */
static int
give(const struct packet *p)
{
	struct packet out;
	int verdict = run_into(p, &out);

	hand_over();
	bench_packet(all, p, NULL, NULL);
	if (verdict == XDP_PASS) {
		bench_packet(sieved, &out, NULL, NULL);
	}
	return verdict;
}

static int
give_role(const struct group *g, size_t role)
{
	const struct packet p = group_packet(g, role);

	return give(&p);
}

static void
settle(void)
{
	bench_drain(all);
	bench_drain(sieved);
	set_clock();
}

static void
forget(void)
{
	bench_forget(all);
	bench_forget(sieved);
}

static struct group
make(size_t key)
{
	struct group g;

	group_make(&g, &all->keys[key], PORT, all->now.instant,
		   random_u32(&seed), &seed);
	return g;
}

/* ---- tests */

static void
each_suite_is_verified(void **state)
{
	(void)state;
	need_sieve();
	for (int flood = 0; flood < 2; flood++) {
		for (size_t key = 0; key < KEYS - 1; key++) {
			size_t before = sieved->accepted;
			uint64_t verified = counted(SIEVE_VERIFIED);
			struct group g = make(key);
			size_t order[FRAME_MAX];

			set_flood(flood);
			group_order(&g, order);
			for (size_t i = 0; i + 1 < g.frames; i++) {
				assert_int_equal(give_role(&g, order[i]),
						 XDP_DROP);
			}
			assert_int_equal(give_role(&g, FRAME_SYN0), XDP_PASS);
			assert_int_equal(sieved->accepted, before + 1);
			assert_true(group_is_accepted(sieved, &g));
			assert_int_equal(counted(SIEVE_VERIFIED),
					 verified + 1);
			settle();
		}
	}
	assert_int_equal(all->accepted, sieved->accepted);
}

/* One bit wrong, wherever: dropped under flood, the gate's affair else. */
static void
each_wrong_bit_is_seen(void **state)
{
	(void)state;
	need_sieve();
	for (size_t key = 0; key < KEYS - 1; key++) {
		const struct group right = make(key);
		const size_t before = sieved->accepted;

		for (unsigned bit = 0; bit < right.frames * 32; bit++) {
			struct group g = right;
			size_t order[FRAME_MAX];

			set_flood(bit % 2);
			g.seq[bit / 32] ^= 1u << bit % 32;
			g.window[0] = (uint16_t)bit;
			for (size_t i = 0; i < g.frames; i++) {
				g.window[i] = g.window[0];
			}
			group_order(&g, order);
			for (size_t i = 0; i < g.frames; i++) {
				int verdict = give_role(&g, order[i]);

				if (bit % 2) {
					assert_int_equal(verdict, XDP_DROP);
				}
			}
			assert_int_equal(all->accepted, sieved->accepted);
		}
		assert_int_equal(sieved->accepted, before);
		settle();
	}
}

static void
what_is_not_sieved_passes(void **state)
{
	struct packet p;
	struct group g;

	(void)state;
	need_sieve();
	set_flood(true);
	g = make(2);
	p = group_packet(&g, FRAME_SYN0);
	assert_int_equal(run(&p), XDP_DROP);
	p.dport = PORT_OPEN;
	assert_int_equal(run(&p), XDP_PASS);
	p.dport = PORT_LOOSE;
	assert_int_equal(run(&p), XDP_PASS);
	p.dport = PORT_NET;
	p.src = addr4(0x0b000001);
	assert_int_equal(run(&p), XDP_PASS);
	p.src = addr4(0x0a000001);
	assert_int_equal(run(&p), XDP_DROP);
	p.src = addr6(7, 7);
	p.dst = addr6(1, 1);
	assert_int_equal(run(&p), XDP_PASS);
	p.dport = PORT;
	assert_int_equal(run(&p), XDP_DROP);
	p.dst = addr6(1, 2); /* somebody else's */
	assert_int_equal(run(&p), XDP_PASS);
	p = group_packet(&g, FRAME_SYN0);
	for (unsigned flags = 0; flags < 256; flags++) {
		p.flags = (uint8_t)flags;
		assert_int_equal(run(&p), packet_is_syn(&p) ? XDP_DROP :
							      XDP_PASS);
	}
	settle();
}

/* Whatever the frame is: no crash, and what packet.c can't read passes. */
static void
odd_frames_pass(void **state)
{
	(void)state;
	need_sieve();
	set_flood(true);
	for (unsigned n = 0; n < episodes_max; n++) {
		struct group g = make(2);
		struct packet p = group_packet(&g, FRAME_SYN0);
		struct packet read;
		uint8_t frame[128];
		size_t len;
		int error, verdict;

		p.data_len = random_below(&seed, 4) ? 0 : 4;
		if (random_below(&seed, 2)) {
			p.src = addr6(3, 3);
			p.dst = addr6(1, 1);
		}
		len = make_frame(frame, &p, 4 * random_below(&seed, 4));
		for (unsigned i = random_below(&seed, 4); i > 0; i--) {
			frame[12 + random_below(&seed, 60)] =
				(uint8_t)random_u32(&seed);
		}
		/* The kernel wants a header of Ethernet and of IP. */
		len -= random_below(&seed, 3) ? 0 : random_below(&seed, 20);
		verdict = run_frame(frame, len);
		error = packet_parse(&read, frame + 14, len - 14, len - 14);
		/* Options are not looked at. */
		if (verdict == XDP_DROP) {
			assert_true(error == PACKET_OK ||
				    error == PACKET_OPTION);
			assert_true(packet_is_syn(&read));
			assert_int_equal(read.dport, PORT);
		}
	}
	settle();
}

/* Groups, some of them broken, mixed frame by frame. */
#define MIXED 4

struct mixed {
	struct group group;
	size_t order[FRAME_MAX];
	size_t next;
	/* Others of its mark may lend it a SYN1 or SYN2, alike if made at once. */
	bool sound;
};

enum {
	IN_ORDER = 1,
	SAME_MARK = 2, /* some have one mark and one source */
	FLOOD = 4,
};

/* Under an ISN of the test's choice. */
static void
set_isn(struct group *g, uint32_t isn)
{
	const struct acl_key *key =
		acl_key_by_no(&all->acl, frame_key_no(g->seq[FRAME_SYN1]));

	g->seq[FRAME_SYN0] = isn;
	mac_sign(&key->mac, g->dport, g->seq, NULL);
}

static void
make_mixed(struct mixed *m, unsigned how)
{
	size_t role;

	m->group = make(random_below(&seed, KEYS));
	m->next = 0;
	m->sound = true;
	group_order(&m->group, m->order);
	if (!(how & IN_ORDER) && random_below(&seed, 2)) {
		order_shuffle(m->order, m->group.frames, &seed);
	}
	role = random_below(&seed, (uint32_t)m->group.frames);
	switch (random_below(&seed, 12)) {
	case 0:
	case 1:
		m->group.seq[role] ^= 1u << random_below(&seed, 32);
		m->sound = role == FRAME_SYN1 || role == FRAME_SYN2;
		break;
	case 2: /* the last is lost */
		m->group.frames--;
		break;
	case 3: /* old, but not by much */
		m->group.seq[FRAME_SYN2] -= 20 + random_below(&seed, 30);
		set_isn(&m->group, m->group.seq[FRAME_SYN0]);
		break;
	default:
		break;
	}
}

/* All frames of some groups, mixed. */
static void
send_mixed(struct mixed *m, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		left += m[i].group.frames;
	}
	while (left > 0) {
		struct mixed *one = &m[random_below(&seed, (uint32_t)count)];
		size_t role;

		if (one->next == one->group.frames) {
			continue;
		}
		role = one->order[one->next++];
		left--;
		give_role(&one->group, role);
		/* The network makes copies. */
		if (random_below(&seed, 16) == 0) {
			give_role(&one->group, role);
		}
	}
}

static void
episode(unsigned how)
{
	const size_t before = sieved->accepted;
	const size_t before_all = all->accepted;
	size_t sound = 0;
	struct mixed m[MIXED];

	for (size_t i = 0; i < MIXED; i++) {
		make_mixed(&m[i], how);
		sound += m[i].sound;
	}
	if (how & SAME_MARK) {
		m[1].group.src = m[0].group.src;
		memcpy(m[1].group.window, m[0].group.window,
		       sizeof m[1].group.window);
	}
	send_mixed(m, MIXED);
	assert_true(sieved->accepted - before <= sound);
	if (!(how & (SAME_MARK | FLOOD))) {
		assert_int_equal(sieved->accepted - before,
				 all->accepted - before_all);
	}
}

static void
episodes(unsigned how)
{
	const uint64_t lost = counted(SIEVE_LOST);
	const size_t before = sieved->accepted;

	set_flood(how & FLOOD);
	for (unsigned n = 0; n < episodes_max; n++) {
		episode(how);
		/* Before the small tables of the benches are full. */
		if (n % 8 == 0) {
			settle();
		}
		if (n % 64 == 0) {
			forget();
		}
	}
	settle();
	forget();
	assert_int_equal(counted(SIEVE_LOST), lost);
	/* Not in vain: under flood many a reordered one is lost. */
	assert_true(sieved->accepted - before > episodes_max / 4);
}

static void
groups_in_order_are_judged_alike(void **state)
{
	(void)state;
	need_sieve();
	episodes(IN_ORDER);
}

/* Also under flood: it insists on an order, and this is it. */
static void
groups_in_order_pass_a_flood(void **state)
{
	const size_t before = sieved->accepted;
	const size_t before_all = all->accepted;

	(void)state;
	need_sieve();
	episodes(IN_ORDER | FLOOD);
	assert_int_equal(sieved->accepted - before,
			 all->accepted - before_all);
}

/* Without a flood nothing is lost that came in another order. */
static void
groups_in_any_order_are_judged_alike(void **state)
{
	(void)state;
	need_sieve();
	episodes(0);
}

static void
nothing_false_is_accepted(void **state)
{
	(void)state;
	need_sieve();
	episodes(SAME_MARK);
	episodes(SAME_MARK | FLOOD);
	episodes(SAME_MARK | IN_ORDER | FLOOD);
}

int
main(void)
{
	int failed = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_suite_is_verified),
		cmocka_unit_test(each_wrong_bit_is_seen),
		cmocka_unit_test(what_is_not_sieved_passes),
		cmocka_unit_test(odd_frames_pass),
		cmocka_unit_test(groups_in_order_are_judged_alike),
		cmocka_unit_test(groups_in_order_pass_a_flood),
		cmocka_unit_test(groups_in_any_order_are_judged_alike),
		cmocka_unit_test(nothing_false_is_accepted),
	};

	if (getenv("TAP_EPISODES")) {
		episodes_max = (unsigned)atoi(getenv("TAP_EPISODES"));
	}
	for (way = 0; way < SIEVE_WAYS; way++) {
		failed += cmocka_run_group_tests_name(
			way == SIEVE_XDP ? "XDP" : "tc", tests, setup,
			teardown);
	}
	return failed;
}
