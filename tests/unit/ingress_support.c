/* The ingress program's program, and the receivers it is held against, of
 * ingress_support.h. */
#include "ingress_support.h"

#include <linux/bpf.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "server/worker_fastpath.h"
#include "fastpath/ingress_image.h"
#include "fastpath/ingress_replays.h"
#include "fastpath/ingress_status.h"
#include "fastpath/ingress_tables.h"

#define NEVER (1u << 30) /* SYNs a second: no flood */

struct bed bed;
static struct server_conf conf;

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
	memcpy(bench_rule(*b, PORT_LO, false)->indev, "lo", sizeof "lo");
	memcpy(bench_rule(*b, PORT_NONE, false)->indev, "none0",
	       sizeof "none0");
	bench_rule(*b, PORT_THROUGH, false)->type = ACL_ROUTER;
	bench_key(*b, 10, MAC_HMAC_MD5, 0);
	bench_key(*b, 11, MAC_HMAC_SHA256, 0);
	bench_key(*b, 12, MAC_HMAC_SHA256, 1);
	bench_key(*b, 13, MAC_HMAC_SHA256, 2);
	bench_key(*b, 14, MAC_HMAC_SHA256, 3);
	bench_key(*b, 200, MAC_HMAC_SHA256, 1); /* not allowed */
	bench_allow(*b, PORT, 10, 14);
	bench_allow(*b, PORT_NET, 12, 12);
	bench_allow(*b, PORT_LOOSE, 10, 14);
	bench_allow(*b, PORT_LO, 10, 14);
	bench_allow(*b, PORT_NONE, 10, 14);
	bench_allow(*b, PORT_THROUGH, 10, 14);
	(*b)->limits.flood_per_second = NEVER;
	bench_start(*b);
}

void
bed_set_local(const struct packet_addr *addr, bool is_local)
{
	const int map = bed.worker.ingress.map[INGRESS_MAP_LOCALS];
	struct ingress_local local = { .family = addr->family };
	const uint8_t here = 1;

	memcpy(&local.addr, addr->bytes, sizeof local.addr);
	if (is_local) {
		assert_int_equal(bpf_map_put(map, &local, &here, BPF_ANY), 0);
	} else {
		assert_int_equal(bpf_map_remove(map, &local), 0);
		bed.worker.ingress.config->locals_turn++;
	}
}

void
bed_set_locals(void)
{
	const struct packet_addr v4 = addr4(0xc6336401);
	const struct packet_addr v6 = addr6(1, 1);

	bed_set_local(&v4, true);
	bed_set_local(&v6, true);
}

void
bed_set_clock(void)
{
	const uint64_t utc = (bed.all->now.instant >> 8) * 1000000000 +
		(bed.all->now.instant & 255) * 1000000000 / 256;
	const struct clock_tai tai = clock_tai();
	struct ingress_config *config = bed.worker.ingress.config;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	config->utc_offset =
		utc - (uint64_t)now.tv_sec * 1000000000 - (uint64_t)now.tv_nsec;
	config->tai_monotonic = tai.monotonic;
	/* A little into the instant, which is rounded down. */
	clock_gettime(CLOCK_TAI, &now);
	config->tai_utc = (uint64_t)now.tv_sec * 1000000000 +
		(uint64_t)now.tv_nsec - utc - 1000000;
}

static void
settle(void)
{
	do {
		ingress_tick(&bed.worker.ingress, 0);
		if (loader_is_at_work(&bed.worker.ingress.loader)) {
			struct pollfd fd = { bed.worker.ingress.loader.line,
					     POLLIN, 0 };

			poll(&fd, 1, -1);
		}
	} while (!ingress_is_settled(&bed.worker.ingress));
}

int
bed_setup(void **state)
{
	struct ingress_plan plan;

	(void)state;
	bed.seed = property_seed() + 20261121;
	bed.cannot = NULL;
	make_bench(&bed.all);
	make_bench(&bed.by_ingress);
	make_bench(&bed.alone);
	conf.acl = bed.all->acl;
	conf.limits = bed.all->limits;
	conf.settings.mark = BED_STRANGERS;
	ingress_init(&bed.worker.ingress);
	if (ingress_image_size == 0) {
		bed.cannot = "built without clang";
		return 0;
	}
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		bed.cannot = "needs root";
		return 0;
	}
	assert_int_equal(ingress_tables_make(&plan, &conf), 0);
	ingress_open(&bed.worker.ingress, &plan.tables,
		     bed.way == INGRESS_XDP ? FASTPATH_NATIVE
					    : FASTPATH_GENERIC);
	ingress_tables_free(&plan);
	/* As if a device that wants it were there. */
	bed.worker.ingress.bare = bed.way == INGRESS_TC_BARE;
	settle();
	if (bed.worker.ingress.program[bed.way] < 0) {
		bed.cannot = bed.worker.ingress.why;
		return 0;
	}
	bed_set_locals();
	bed_set_clock();
	/* However slow the machine is. */
	bed.worker.ingress.config->assembly = BED_ASSEMBLY;
	bed.worker.receiver = &bed.by_ingress->receiver;
	worker_fastpath_remember(&bed.worker);
	if (bed.accepts) {
		ingress_accept(&bed.worker.ingress, BED_MARK);
	}
	return 0;
}

void
bed_change(void)
{
	struct ingress_plan plan;

	conf.acl = bed.all->acl;
	assert_int_equal(ingress_tables_make(&plan, &conf), 0);
	/* In place, or with another program. */
	if (random_below(&bed.seed, 2) == 0 ||
	    !ingress_rewrite(&bed.worker.ingress, &plan.tables)) {
		ingress_change(&bed.worker.ingress, &plan.tables);
	}
	ingress_tables_free(&plan);
	settle();
	assert_true(bed.worker.ingress.program[bed.way] >= 0);
	bed.worker.ingress.config->assembly = BED_ASSEMBLY;
	bed_set_locals();
	bed_set_clock();
}

int
bed_teardown(void **state)
{
	(void)state;
	bench_free(bed.all);
	bench_free(bed.by_ingress);
	bench_free(bed.alone);
	ingress_close(&bed.worker.ingress);
	return 0;
}

void
bed_need(void)
{
	if (bed.cannot) {
		print_message("ingress: %s\n", bed.cannot);
		skip();
	}
}

uint64_t
bed_counted(enum ingress_count what)
{
	uint64_t counts[INGRESS_COUNTS];

	ingress_counts(&bed.worker.ingress, counts);
	return counts[what];
}

void
bed_set_flood(bool flood)
{
	struct ingress_rate rate = { 0 };
	struct timespec now;

	/* A second that began in a far future does not end. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	rate.since = (uint64_t)now.tv_sec * 1000000000 + (1ull << 50);
	rate.before = flood;
	bed.worker.ingress.config->flood = flood ? 0 : INT64_MAX;
	for (uint32_t other = 0; other < 2; other++) {
		assert_int_equal(
			bpf_map_put(bed.worker.ingress.map[INGRESS_MAP_RATES],
				    &other, &rate, BPF_ANY),
			0);
	}
}

/* ---- packets */

/*
 * The kernel takes two bytes of what it is given for the protocol, as if it
 * were a frame of Ethernet: without a link header, two of the source.
 */
static struct packet
from_here(const struct packet *p)
{
	static const uint8_t protocol[] = { 0x08, 0x00, 0x86, 0xdd };
	const bool ip6 = p->src.family == 6;
	struct packet from = *p;

	if (bed.way == INGRESS_TC_BARE) {
		memcpy(from.src.bytes + (ip6 ? 4 : 0), protocol + (ip6 ? 2 : 0),
		       2);
	}
	return from;
}

size_t
bed_frame(uint8_t frame[128], const struct packet *packet, size_t options)
{
	const struct packet from = from_here(packet), *p = &from;
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
	be16_store(ip + (ip6 ? 4 : 2), (uint16_t)(tcp_len + (ip6 ? 0 : 20)));
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

size_t
bed_link(void)
{
	return bed.way == INGRESS_TC_BARE ? 14 : 0;
}

int
bed_run_frame(uint8_t *frame, size_t len)
{
	const int program = bed.worker.ingress.program[bed.way];
	int verdict;

	bed.mark = 0;
	if (bed.way == INGRESS_XDP) {
		assert_int_equal(bpf_program_run(program, frame, len, &verdict),
				 0);
		assert_true(verdict == XDP_PASS || verdict == XDP_DROP);
		return verdict;
	}
	/* What comes with the mark has it from somebody else. */
	bed.mark = BED_MARK | 5;
	assert_int_equal(bpf_program_run_marked(program, frame + bed_link(),
						len - bed_link(), &bed.mark,
						&verdict),
			 0);
	assert_true(verdict == INGRESS_TC_NEXT || verdict == INGRESS_TC_DROP);
	assert_int_equal(bed.mark & ~(BED_MARK | BED_STRANGERS), 5);
	/* What goes on as a stranger's, the rules drop. */
	return verdict == INGRESS_TC_DROP ||
			(bed.mark & BED_STRANGERS &&
			 !(bed.accepts && bed.mark & BED_MARK))
		? XDP_DROP
		: XDP_PASS;
}

int
bed_run_into(const struct packet *p, struct packet *out)
{
	uint8_t frame[128];
	size_t len = bed_frame(frame, p, 12);
	int verdict = bed_run_frame(frame, len);

	assert_int_equal(packet_parse(out, frame + 14, len - 14, len - 14),
			 PACKET_OK);
	assert_int_equal(be16_load(frame + 14 + out->tcp_at + 16),
			 packet_tcp_checksum(frame + 14, out));
	return verdict;
}

int
bed_run(const struct packet *p)
{
	struct packet out;

	return bed_run_into(p, &out);
}

static void
ask_alone(const struct receiver_accepted *a)
{
	static const size_t begin[] = { FRAME_SYN2, FRAME_SYN1 };
	enum receiver_verdict verdict = RECEIVER_DROP;

	bench_forget(bed.alone);
	bed.alone->now = bed.all->now;
	/* SYN2, SYN1, SYN3, ..., SYN0 */
	for (size_t i = 0; i < a->count; i++) {
		size_t role = i < 2 ? begin[i] : (i + 1) % a->count;

		verdict = bench_packet(bed.alone, &a->frames[role], NULL, NULL);
	}
	assert_int_equal(verdict, RECEIVER_ACCEPT);
	assert_int_equal(bed.alone->receiver.reassembly.groups_used, 0);
}

/* Not known to the other, whose memory is told of it now. */
static void
take_accepted(const struct receiver_accepted *a)
{
	const size_t before = bed.by_ingress->accepted;

	assert_true(a->instant >
		    replay_floor(&bed.by_ingress->receiver.replay));
	bench_learn(bed.by_ingress, a);
	assert_int_equal(bed.by_ingress->accepted, before + 1);
	ask_alone(a);
}

/* What the worker does with what the ingress program took. */
void
bed_hand_over(void)
{
	struct packet syns[FRAME_MAX];
	struct receiver_accepted accepted;
	size_t count;

	while ((count = worker_fastpath_take(&bed.worker, syns, &accepted)) >
	       0) {
		if (accepted.count > 0) {
			take_accepted(&accepted);
			count = 0;
		}
		for (size_t i = 0; i < count; i++) {
			bench_witness(bed.by_ingress, &syns[i]);
		}
		worker_fastpath_taken(&bed.worker);
	}
}

/* The mark of other packets than those of accepted in the kernel ports stays.
 */
static bool
is_accepted(const struct packet *p, int verdict)
{
	const struct packet_addr beyond = addr_beyond();
	const bool through = packet_addr_equal(&p->dst, &beyond);

	/* What no rule is about goes on as it came. */
	if (!bed.accepts || verdict != XDP_PASS || !(bed.mark & BED_MARK) ||
	    p->dport != (through ? PORT_THROUGH : PORT) ||
	    (through && bed.way != INGRESS_TC)) {
		return false;
	}
	assert_int_equal(!!(bed.mark & BED_STRANGERS), through);
	return true;
}

int
bed_give(const struct packet *packet)
{
	const struct packet from = from_here(packet), *p = &from;
	const uint64_t before = bed_counted(INGRESS_ACCEPTED);
	struct packet out;
	enum receiver_verdict all;
	int verdict;

	if (bed.accepts) {
		bed_set_clock();
	}
	verdict = bed_run_into(p, &out);
	bed.accepted = is_accepted(p, verdict);
	bed_hand_over();
	all = bench_packet(bed.all, p, NULL, NULL);
	assert_int_equal(bed_counted(INGRESS_ACCEPTED), before + bed.accepted);
	if (bed.accepted) {
		assert_true(bed.entangled || all == RECEIVER_ACCEPT);
	} else if (verdict == XDP_PASS) {
		bench_packet(bed.by_ingress, &out, NULL, NULL);
	}
	return verdict;
}

int
bed_give_role(const struct group *g, size_t role)
{
	const struct packet p = group_packet(g, role);

	return bed_give(&p);
}

/*
 * The way from an entry to the next is short, that to the first, which
 * comes after one that is not there, is long.
 */
static void
empty_map(enum ingress_map which)
{
	const int map = bed.worker.ingress.map[which];
	uint8_t key[sizeof(struct ingress_group_key)], next[sizeof key];
	int more;

	memset(next, 0xff, sizeof next);
	for (more = bpf_map_next(map, next, key); more == 0;) {
		more = bpf_map_next(map, key, next);
		assert_int_equal(bpf_map_remove(map, key), 0);
		memcpy(key, next, sizeof key);
	}
}

void
bed_settle(void)
{
	bench_drain(bed.all);
	bench_drain(bed.by_ingress);
	/* Its groups don't end by themselves here. */
	if (bed.worker.ingress.config) {
		empty_map(INGRESS_MAP_GROUPS);
	}
	bed_set_clock();
}

void
bed_forget(void)
{
	bench_forget(bed.all);
	bench_forget(bed.by_ingress);
	if (bed.worker.ingress.config) {
		bed.worker.ingress.config->floor = 0;
		empty_map(INGRESS_MAP_REPLAYS);
		worker_fastpath_remember(&bed.worker);
	}
}

struct group
bed_group(size_t key)
{
	struct group g;

	group_make(&g, &bed.all->keys[key], PORT, bed.all->now.instant,
		   random_u32(&bed.seed), &bed.seed);
	return g;
}

struct packet
bed_forge(const struct group *g, uint32_t role)
{
	return group_forge(g, role, &bed.seed);
}
