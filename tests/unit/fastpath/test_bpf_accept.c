/*
 * Groups that the ingress program's program accepts by itself: never one that
 * the receiver refuses (ingress_support.h asks it each time), and in order just
 * those that it accepts; through replays, clocks that are set, restarts, full
 * memories, and races.
 */
#include "unit/ingress_support.h"

#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "server/worker_fastpath.h"
#include "fastpath/ingress_load.h"
#include "fastpath/ingress_locals.h"
#include "fastpath/ingress_replays.h"
#include "fastpath/ingress_tables.h"

#define HISTORY 64
#define RACES 2000u
#define HALF 128 /* of a second, as an instant */

static struct group history[HISTORY];
static size_t history_count;
static size_t among_given, among_accepted;

static void
remember(const struct group *g)
{
	history[history_count++ % HISTORY] = *g;
}

static void
give_group(const struct group *g, bool in_order)
{
	size_t order[FRAME_MAX];

	group_order(g, order);
	if (!in_order) {
		order_shuffle(order, g->frames, &bed.seed);
	}
	for (size_t i = 0; i < g->frames; i++) {
		bed_give_role(g, order[i]);
	}
}

/* In order, among frames of others: of one role no more than there is room. */
static void
give_forged(void)
{
	const struct group g =
		bed_group(KEY_60 + random_below(&bed.seed, KEYS - 1 - KEY_60));
	const size_t before = bed.all->accepted;
	unsigned left = INGRESS_LAYERS - 1;
	size_t order[FRAME_MAX];

	group_order(&g, order);
	for (size_t i = 0; i < g.frames; i++) {
		while (left > 0 && random_below(&bed.seed, 2)) {
			const struct packet p =
				bed_forge(&g, 1 + random_below(&bed.seed, 6));

			bed_give(&p);
			left--;
		}
		bed_give_role(&g, order[i]);
	}
	among_given++;
	among_accepted += bed.all->accepted > before;
}

static bool
is_in(const struct group *g)
{
	size_t before = bed.all->accepted;

	give_group(g, true);
	return bed.all->accepted > before;
}

/* ---- at random */

/*
 * Never within a quarter of a second of what is just acceptable: the
 * kernel's clock does not stand still.
 */
static uint64_t
some_instant(void)
{
	uint64_t now = bed.all->now.instant;

	if (random_below(&bed.seed, 3) > 0) {
		return now;
	}
	return now - 45 * 256 + random_below(&bed.seed, 180) * HALF + HALF / 2;
}

static void
give_fresh(bool in_order)
{
	struct group g;

	const bool through = random_below(&bed.seed, 3) == 0;

	group_make(&g, &bed.all->keys[random_below(&bed.seed, KEYS)],
		   through ? PORT_THROUGH : PORT, some_instant(),
		   random_u32(&bed.seed), &bed.seed);
	if (through) {
		g.dst = addr_beyond();
	}
	give_group(&g, in_order);
	remember(&g);
}

/* As it was, or by other ports, with another mark, from elsewhere. */
static void
give_again(void)
{
	struct group g;

	if (history_count == 0) {
		return;
	}
	g = history[random_below(
		&bed.seed,
		history_count < HISTORY ? (uint32_t)history_count : HISTORY)];
	if (random_below(&bed.seed, 2)) {
		g.window[0] = (uint16_t)random_u32(&bed.seed);
		for (size_t i = 0; i < FRAME_MAX; i++) {
			g.window[i] = g.window[0];
			g.sport[i]++;
		}
	}
	if (random_below(&bed.seed, 4) == 0) {
		g.src = addr4(random_u32(&bed.seed));
	}
	give_group(&g, random_below(&bed.seed, 4) > 0);
}

static void
step_clock(void)
{
	int64_t half = (int64_t)random_below(&bed.seed, 240) - 120;

	/* What was timely when it came would not be when all have. */
	bed_settle();
	if (random_below(&bed.seed, 8) == 0) {
		half *= 60;
	}
	bed.all->now.instant += (uint64_t)(half * HALF);
	bed.by_ingress->now.instant = bed.all->now.instant;
}

static void
restart(void)
{
	bed_settle();
	bench_restart(bed.all);
	bench_restart(bed.by_ingress);
	worker_fastpath_remember(&bed.worker);
}

static void
switch_over(void)
{
	if (random_below(&bed.seed, 4) == 0) {
		ingress_accept_none(&bed.worker.ingress);
	} else {
		ingress_accept(&bed.worker.ingress, BED_MARK);
	}
}

static void
one_step(void)
{
	switch (random_below(&bed.seed, 64)) {
	case 0:
		step_clock();
		break;
	case 1:
		restart();
		break;
	case 2:
		switch_over();
		break;
	case 25:
	case 26:
	case 27:
	case 28:
		give_forged();
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		give_fresh(false);
		break;
	case 9:
	case 10:
	case 11:
	case 12:
	case 13:
	case 14:
	case 15:
	case 16:
	case 17:
	case 18:
	case 19:
	case 20:
	case 21:
	case 22:
	case 23:
	case 24:
		give_again();
		break;
	default:
		give_fresh(true);
		break;
	}
}

/* As many as the receiver, in any order: each of them once. */
static void
receiver_and_kernel_agree(void **state)
{
	const unsigned long steps = property_steps(60000) / 10;
	const uint64_t before = bed_counted(INGRESS_ACCEPTED);
	uint64_t begin;

	(void)state;
	bed_need();
	begin = bed.all->now.instant;
	bed_set_flood(false);
	for (unsigned long n = 0; n < steps; n++) {
		one_step();
		assert_int_equal(bed.all->accepted, bed.by_ingress->accepted);
		if (n % 8 == 7) {
			bed_settle();
		}
		/* Time and again from where it began, with an empty memory. */
		if (n % 4096 == 4095) {
			bed.all->now.instant = begin;
			bed.by_ingress->now.instant = begin;
			bed_forget();
		}
	}
	print_message("%lu steps, %zu accepted, %llu of them in the kernel\n",
		      steps, bed.all->accepted,
		      (unsigned long long)bed_counted(INGRESS_ACCEPTED));
	assert_true(bed_counted(INGRESS_ACCEPTED) - before > steps / 20);
	print_message("%zu of %zu among frames of others\n", among_accepted,
		      among_given);
	/* But for those that the clock, or a memory, was against. */
	assert_true(among_accepted > among_given / 2);
	assert_true(bed.all->accepted >
		    bed_counted(INGRESS_ACCEPTED) - before + steps / 20);
	ingress_accept(&bed.worker.ingress, BED_MARK);
	bed_settle();
	bed_forget();
}

/* ---- one by one */

/* All frames of a new group but SYN0, to the kernel alone. */
static struct packet
run_up_to_syn0(void)
{
	struct group g = bed_group(KEY_60);
	size_t order[FRAME_MAX];

	group_order(&g, order);
	for (size_t i = 0; i + 1 < g.frames; i++) {
		const struct packet p = group_packet(&g, order[i]);

		assert_int_equal(bed_run(&p), XDP_DROP);
	}
	return group_packet(&g, FRAME_SYN0);
}

static size_t
count_records(void)
{
	struct packet syns[FRAME_MAX];
	struct receiver_accepted accepted;
	size_t count = 0;

	while (worker_fastpath_take(&bed.worker, syns, &accepted) > 0) {
		count += accepted.count > 0;
		worker_fastpath_taken(&bed.worker);
	}
	assert_true(ingress_records_end(&bed.worker.ingress));
	return count;
}

static void
what_is_refused_for_its_key(void **state)
{
	struct group g;

	(void)state;
	bed_need();
	bed_set_flood(false);
	/* 30 bits, and who may not. */
	for (size_t key = 0; key < KEYS; key++) {
		g = bed_group(key);
		assert_int_equal(is_in(&g), key < KEYS - 1);
		assert_int_equal(bed.accepted, key >= KEY_60 && key < KEYS - 1);
	}
	bed_settle();
}

/*
 * A check that the receiver makes and the program does not know: whatever its
 * bit, the receiver gets all groups, and lets in those that it is content
 * with.
 */
static void
what_another_check_is_to_be_made_of(void **state)
{
	const int map =
		bed.cannot ? -1 : bed.worker.ingress.map[INGRESS_MAP_RULES];
	const uint32_t first = 0;
	struct ingress_rule before, rule;

	(void)state;
	bed_need();
	bed_set_flood(false);
	assert_int_equal(bpf_map_get(map, &first, &before), 0);
	/* All that this server makes, and so each that is added. */
	assert_int_equal(before.checks,
			 REASON_CHECKS & ~REASON_BIT(VERIFY_SHARE));
	for (unsigned other = VERIFY_SHARE; other <= 32; other++) {
		struct group g = bed_group(KEY_60);

		rule = before;
		rule.checks |= other < 32 ? REASON_BIT(other) : 0;
		assert_int_equal(bpf_map_put(map, &first, &rule, BPF_ANY), 0);
		assert_true(is_in(&g));
		assert_int_equal(bed.accepted,
				 other == VERIFY_MALFORMED || other == 32);
	}
	bed_settle();
	bed_forget();
}

/* It was taken up by rules that are no longer those. */
static void
what_a_reload_forbids(void **state)
{
	struct packet p;

	(void)state;
	bed_need();
	bed_set_flood(false);
	for (uint16_t most = 11; most <= 14; most += 3) {
		bed_set_clock();
		p = run_up_to_syn0();
		bed.all->entry_keys[0].high = most;
		bed_change();
		assert_int_equal(bed_run(&p), XDP_PASS);
		assert_int_equal(!!(bed.mark & BED_MARK), most == 14);
		count_records();
		bed.all->entry_keys[0].high = 14;
		bed_change();
	}
	bed_forget();
}

static void
set_times(uint64_t not_before, uint64_t not_after)
{
	struct bench *const benches[] = { bed.all, bed.by_ingress, bed.alone };

	for (size_t i = 0; i < COUNT(benches); i++) {
		benches[i]->keys[KEY_60].not_before = not_before;
		benches[i]->keys[KEY_60].not_after = not_after;
	}
	bed_change();
}

/* To the second on the safe side of both ends. */
static void
a_key_has_its_time(void **state)
{
	static const struct {
		int64_t from, to; /* units of an instant, of now */
		bool accepted, in_kernel;
	} times[] = {
		{ -512, 512, true, true },  { 0, 512, true, false },
		{ 256, 512, false, false }, { -512, 100, true, false },
		{ -512, 0, false, false },
	};

	(void)state;
	bed_need();
	/* The middle of a second. */
	bed_settle();
	bed.all->now.instant |= 128;
	bed.all->now.instant &= ~127ull;
	bed.by_ingress->now = bed.all->now;
	for (size_t i = 0; i < COUNT(times); i++) {
		uint64_t now = bed.all->now.instant;
		struct group g;

		set_times(now + (uint64_t)times[i].from,
			  now + (uint64_t)times[i].to);
		g = bed_group(KEY_60);
		assert_int_equal(is_in(&g), times[i].accepted);
		assert_int_equal(bed.accepted, times[i].in_kernel);
	}
	set_times(0, UINT64_MAX);
	bed_settle();
	bed_forget();
}

/* By each way after each. */
static void
a_group_gets_in_once(void **state)
{
	(void)state;
	bed_need();
	for (unsigned ways = 0; ways < 4; ways++) {
		struct group g = bed_group(KEY_60);
		size_t before = bed.all->accepted;

		give_group(&g, ways & 1);
		assert_int_equal(bed.all->accepted, before + 1);
		for (size_t i = 0; i < FRAME_MAX; i++) {
			g.window[i]++;
		}
		give_group(&g, ways & 2);
		assert_int_equal(bed.all->accepted, before + 1);
		assert_int_equal(bed.by_ingress->accepted, bed.all->accepted);
		bed_settle();
	}
}

/* The clock was set, and tap has not seen it yet: nothing is accepted. */
static void
a_clock_just_set_is_the_gates(void **state)
{
	struct ingress_config *config = bed.worker.ingress.config;
	struct group g;
	struct packet p;

	(void)state;
	bed_need();
	for (int step = -1; step <= 1; step++) {
		g = bed_group(KEY_60);
		for (size_t role = 1; role < g.frames; role++) {
			bed_give_role(&g, role);
		}
		bed_set_clock();
		config->tai_monotonic += (uint64_t)(step * 1000000000ll);
		p = group_packet(&g, FRAME_SYN0);
		assert_int_equal(bed_run(&p), XDP_PASS);
		assert_int_equal(!!(bed.mark & BED_MARK), step == 0);
		bed_hand_over();
		bed_settle();
	}
	bed_forget();
}

static void
what_is_from_before_is_the_gates(void **state)
{
	struct ingress_config *config = bed.worker.ingress.config;
	struct group g;
	struct timespec now;
	uint64_t ms;

	(void)state;
	bed_need();
	clock_gettime(CLOCK_BOOTTIME, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	config->begin_ms = ms - 10000;
	for (uint64_t seconds = 0; seconds < 20; seconds += 4) {
		group_make(&g, &bed.all->keys[KEY_60], PORT,
			   bed.all->now.instant - seconds * 256,
			   random_u32(&bed.seed), &bed.seed);
		assert_true(is_in(&g));
		assert_int_equal(bed.accepted, seconds < 10);
		/* Its clock moves on with each. */
		bed.all->now.instant += 1;
		bed.by_ingress->now.instant += 1;
	}
	/* A moment that has not come. */
	config->begin_ms = ms + 100000;
	g = bed_group(KEY_60);
	assert_true(is_in(&g));
	assert_false(bed.accepted);
	config->begin_ms = 0;
	bed_settle();
}

/* Later than what is refused where nobody has read of it. */
static void
what_is_far_ahead_is_the_gates(void **state)
{
	static const uint64_t ahead[] = { 0, INGRESS_AHEAD / 2,
					  16 * INGRESS_AHEAD };
	struct group g;

	(void)state;
	bed_need();
	for (size_t i = 0; i < COUNT(ahead); i++) {
		group_make(&g, &bed.all->keys[KEY_60], PORT,
			   bed.all->now.instant + ahead[i],
			   random_u32(&bed.seed), &bed.seed);
		assert_true(is_in(&g));
		assert_int_equal(bed.accepted, ahead[i] < INGRESS_AHEAD);
	}
	bed_settle();
	bed_forget();
}

static void
what_is_not_above_the_floor_is_the_gates(void **state)
{
	struct group g = bed_group(KEY_60);

	(void)state;
	bed_need();
	ingress_raise_floor(&bed.worker.ingress, bed.all->now.instant - 1);
	assert_true(is_in(&g));
	assert_true(bed.accepted);
	ingress_raise_floor(&bed.worker.ingress, bed.all->now.instant);
	g = bed_group(KEY_60);
	assert_true(is_in(&g));
	assert_false(bed.accepted);
	bed_settle();
	bed_forget();
}

/* Then the floor rises instead, and the receiver has its own memory. */
static void
a_full_memory_refuses(void **state)
{
	struct ingress *s = &bed.worker.ingress;
	uint64_t tag = 0;
	struct group g;

	(void)state;
	bed_need();
	while (s->config->floor < 7) {
		assert_true(ingress_remember(s, tag++, 7));
	}
	assert_true(tag >= bed.all->limits.replays + INGRESS_RECORDS_MAX);
	for (int i = 0; i < 3; i++) {
		g = bed_group(KEY_60);
		assert_true(is_in(&g));
		assert_false(bed.accepted);
		assert_int_equal(s->config->floor, bed.all->now.instant);
		assert_false(is_in(&g));
		bed_settle();
	}
	bed_forget();
	g = bed_group(KEY_60);
	assert_true(is_in(&g));
	assert_true(bed.accepted);
}

/* Nothing gets in that could not be told of. */
static void
all_that_gets_in_is_told(void **state)
{
	const uint64_t before = bed_counted(INGRESS_ACCEPTED);
	struct packet p;
	size_t told = 0;

	(void)state;
	bed_need();
	bed_set_clock();
	do {
		p = run_up_to_syn0();
		assert_int_equal(bed_run(&p), XDP_PASS);
		told += (bed.mark & BED_MARK) != 0;
	} while (bed.mark & BED_MARK);
	assert_true(told > INGRESS_RECORDS_MAX / FRAME_MAX);
	assert_int_equal(bed_counted(INGRESS_ACCEPTED), before + told);
	assert_int_equal(count_records(), told);
	/* Where there is room again, it goes on. */
	p = run_up_to_syn0();
	assert_int_equal(bed_run(&p), XDP_PASS);
	assert_true(bed.mark & BED_MARK);
	assert_int_equal(count_records(), 1);
	bed_forget();
}

static size_t
count_replays(void)
{
	const int map = bed.worker.ingress.map[INGRESS_MAP_REPLAYS];
	uint64_t key = 0; /* no tag of these tests: what follows is the first */
	uint64_t next = 0;
	size_t count = 0;
	int more = bpf_map_next(map, &key, &next);

	for (; more == 0; count++) {
		key = next;
		more = bpf_map_next(map, &key, &next);
	}
	assert_int_equal(more, -ENOENT);
	return count;
}

/* By parts: more than one call of the kernel has, and those of before gone. */
static void
the_memory_is_filled_and_emptied(void **state)
{
	struct ingress *s = &bed.worker.ingress;
	uint64_t tags[3 * INGRESS_FORGOTTEN], instants[COUNT(tags)];

	(void)state;
	bed_need();
	for (size_t i = 0; i < COUNT(tags); i++) {
		tags[i] = i + 1;
		instants[i] = 1000 + i;
	}
	ingress_begin(s, 0);
	ingress_remember_many(s, tags, instants, COUNT(tags));
	assert_int_equal(count_replays(), COUNT(tags));
	assert_false(ingress_remember(s, tags[0], instants[0]));
	/* One of them is not there any more. */
	assert_int_equal(bpf_map_remove(s->map[INGRESS_MAP_REPLAYS], &tags[7]),
			 0);
	ingress_raise_floor(s, instants[INGRESS_FORGOTTEN]);
	for (size_t i = 0; i <= INGRESS_FORGOTTEN; i++) {
		ingress_forget(s, tags[i]);
	}
	assert_int_equal(count_replays(), COUNT(tags) - INGRESS_FORGOTTEN);
	assert_false(ingress_remember(s, tags[COUNT(tags) - 1], 2000));
	ingress_begin(s, 0);
	assert_int_equal(count_replays(), 0);
	assert_true(ingress_remember(s, tags[0], instants[0]));
	bed_forget();
}

/* ---- races */

struct racer {
	pthread_barrier_t *start;
	const struct packet *syn0;
	uint64_t
		tag; /* not 0: claim it as the receiver does, and run nothing */
	uint64_t instant;
	unsigned processor;
	bool got_in;
};

static void *
race(void *context)
{
	struct racer *r = context;
	uint8_t frame[128];
	size_t len = bed_frame(frame, r->syn0, 12);
	uint32_t mark = 0;
	cpu_set_t set;
	int verdict;

	CPU_ZERO(&set);
	CPU_SET(r->processor, &set);
	sched_setaffinity(0, sizeof set, &set);
	pthread_barrier_wait(r->start);
	if (r->tag != 0) {
		r->got_in = ingress_remember(&bed.worker.ingress, r->tag,
					     r->instant);
		return NULL;
	}
	if (bpf_program_run_marked(bed.worker.ingress.program[bed.way],
				   frame + bed_link(), len - bed_link(), &mark,
				   &verdict) == 0) {
		r->got_in = mark & BED_MARK;
	}
	return NULL;
}

/* Two copies of a SYN0, or one and the receiver with the same group. */
static unsigned
run_race(bool with_gate)
{
	struct group g = bed_group(KEY_60);
	struct packet p = group_packet(&g, FRAME_SYN0);
	struct racer racers[2] = { { .syn0 = &p },
				   { .syn0 = &p, .processor = 1 } };
	size_t order[FRAME_MAX];
	uint32_t seq[FRAME_MAX];
	pthread_barrier_t start;
	pthread_t other;

	memcpy(seq, g.seq, sizeof seq);
	group_order(&g, order);
	for (size_t i = 0; i + 1 < g.frames; i++) {
		const struct packet frame = group_packet(&g, order[i]);

		assert_int_equal(bed_run(&frame), XDP_DROP);
	}
	racers[0].start = racers[1].start = &start;
	if (with_gate) {
		mac_sign(&bed.all->keys[KEY_60].mac, PORT, seq, &racers[1].tag);
		racers[1].instant = bed.all->now.instant;
	}
	pthread_barrier_init(&start, NULL, 2);
	assert_int_equal(pthread_create(&other, NULL, race, &racers[1]), 0);
	race(&racers[0]);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&start);
	return (unsigned)racers[0].got_in + racers[1].got_in;
}

static void
of_two_at_once_one_gets_in(void **state)
{
	cpu_set_t before;

	(void)state;
	bed_need();
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	for (unsigned n = 0; n < RACES; n++) {
		bed_set_clock();
		assert_int_equal(run_race(n % 2), 1);
		count_records();
	}
	sched_setaffinity(0, sizeof before, &before);
	bed_forget();
}

/* Another door has another map of the accepted: one that it does not read. */
static void
a_reload_finds_another_door(void **state)
{
	const struct bpf_map map = {
		.type = BPF_MAP_TYPE_HASH, .key = 4, .value = 4, .entries = 1
	};
	const int first = bpf_map_make(&map), second = bpf_map_make(&map);
	struct ingress s = bed.worker.ingress;
	const struct ingress_port ports[1] = { { 0 } };
	struct ingress_tables none = {
		.admitted = second,
		.ports = ports,
		.ports_count = 1,
	};

	(void)state;
	bed_need();
	assert_true(first >= 0 && second >= 0);
	s.has_door = true;
	s.room[INGRESS_MAP_PORTS] = 1;
	s.map[INGRESS_MAP_ADMITTED] = first;
	assert_int_equal(ingress_load_again(&s, &none), -E2BIG);
	none.admitted = first;
	/* Then it goes on, to tables that these are not. */
	s.map[INGRESS_MAP_PORTS] = -1;
	assert_int_equal(ingress_load_again(&s, &none), -EBADF);
	close(first);
	close(second);
}

/* Whether a group that comes to a port gets in; by what its rule names. */
static bool
gets_in(uint16_t port, const char *name)
{
	struct packet syns[FRAME_MAX];
	struct receiver_accepted accepted;
	size_t order[FRAME_MAX], taken = 0, told = 0;
	struct group g;

	bed_set_clock();
	group_make(&g, &bed.all->keys[KEY_60], port, bed.all->now.instant,
		   random_u32(&bed.seed), &bed.seed);
	group_order(&g, order);
	for (size_t i = 0; i < g.frames; i++) {
		const struct packet p = group_packet(&g, order[i]);

		taken += bed_run(&p) == XDP_DROP;
	}
	while (worker_fastpath_take(&bed.worker, syns, &accepted) > 0) {
		assert_string_equal(accepted.indev, name);
		told += accepted.count > 0;
		worker_fastpath_taken(&bed.worker);
	}
	/* What is not its rule's goes on as it came. */
	assert_int_equal(taken, told ? g.frames - 1 : 0);
	assert_int_equal(bed.mark, BED_MARK | 5);
	return told;
}

/*
 * Give a group for that port of a host; the marks of its SYN0, or 0 where the
 * program has not accepted it.
 */
static uint32_t
marks_at(const struct packet_addr *dst, uint16_t port, uint8_t device_addr)
{
	uint8_t frame[128];
	size_t order[FRAME_MAX], len, told = 0;
	struct packet syns[FRAME_MAX];
	struct receiver_accepted accepted;
	struct group g;

	bed_set_clock();
	group_make(&g, &bed.all->keys[KEY_60], port, bed.all->now.instant,
		   random_u32(&bed.seed), &bed.seed);
	g.dst = *dst;
	group_order(&g, order);
	for (size_t i = 0; i < g.frames; i++) {
		const struct packet p = group_packet(&g, order[i]);

		len = bed_frame(frame, &p, 12);
		frame[0] = device_addr;
		bed_run_frame(frame, len);
	}
	while (worker_fastpath_take(&bed.worker, syns, &accepted) > 0) {
		told += accepted.count > 0;
		assert_int_equal(accepted.forwarded, port == PORT_THROUGH);
		worker_fastpath_taken(&bed.worker);
	}
	return told ? bed.mark : 0;
}

/*
 * A rule for what goes through this host is about nothing else, and the other
 * way round; and others' frames are left alone.
 */
static void
what_goes_through(void **state)
{
	const struct packet_addr beyond = addr_beyond();
	const struct packet_addr here = addr4(0xc6336401);

	(void)state;
	bed_need();
	bed_set_flood(false);
	/* To the kernel such frames here are others'. */
	if (bed.way == INGRESS_TC_BARE) {
		return;
	}
	for (int flood = 0; flood < 2; flood++) {
		bed_set_flood(flood);
		assert_int_equal(marks_at(&beyond, PORT_THROUGH, 0),
				 BED_MARK | BED_STRANGERS | 5);
		assert_int_equal(marks_at(&beyond, PORT, 0), 0);
		assert_int_equal(marks_at(&here, PORT_THROUGH, 0), 0);
		assert_int_equal(marks_at(&beyond, PORT_THROUGH, 2), 0);
		assert_int_equal(marks_at(&here, PORT, 0), BED_MARK | 5);
	}
	bed_set_flood(false);
	bed_settle();
	bed_forget();
}

static void
rename_device(const char *from, const char *to)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, IFNAMSIZ, "%s", from);
	snprintf(request.ifr_newname, IFNAMSIZ, "%s", to);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFNAME, &request), 0);
	close(fd);
	ingress_tick(&bed.worker.ingress, 0);
	bed_set_locals();
}

/* Whatever device has the name at the time. */
static void
a_rule_may_name_its_device(void **state)
{
	(void)state;
	bed_need();
	bed_set_flood(false);
	assert_true(gets_in(PORT_LO, "lo"));
	assert_false(gets_in(PORT_NONE, "none0"));
	rename_device("lo", "none0");
	assert_false(gets_in(PORT_LO, "lo"));
	assert_true(gets_in(PORT_NONE, "none0"));
	bed_change();
	assert_true(gets_in(PORT_NONE, "none0"));
	rename_device("none0", "lo");
	assert_true(gets_in(PORT_LO, "lo"));
}

/* Where nothing says which device it is, no rule may be taken for another. */
static void
devices_that_are_not_known(void **state)
{
	static const char names[1][IF_NAMESIZE] = { "none1" };
	const struct ingress_tables other = {
		.admitted = -1,
		.devices = names,
		.devices_count = 1,
	};
	struct ingress s = bed.worker.ingress;
	struct rlimit before, none;

	(void)state;
	bed_need();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ingress_locals_update(&s), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	bed_set_locals();
	/* As long as keys are there, those of the rules that are. */
	s.has_door = false;
	s.room[INGRESS_MAP_PORTS] = 0;
	s.map[INGRESS_MAP_KEYS] = -1;
	assert_int_equal(ingress_load_again(&s, &other), -EBADF);
	assert_string_equal(s.devices[0], "lo");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receiver_and_kernel_agree),
		cmocka_unit_test(what_is_refused_for_its_key),
		cmocka_unit_test(what_another_check_is_to_be_made_of),
		cmocka_unit_test(what_a_reload_forbids),
		cmocka_unit_test(a_key_has_its_time),
		cmocka_unit_test(a_group_gets_in_once),
		cmocka_unit_test(a_clock_just_set_is_the_gates),
		cmocka_unit_test(what_is_from_before_is_the_gates),
		cmocka_unit_test(what_is_far_ahead_is_the_gates),
		cmocka_unit_test(what_is_not_above_the_floor_is_the_gates),
		cmocka_unit_test(a_full_memory_refuses),
		cmocka_unit_test(all_that_gets_in_is_told),
		cmocka_unit_test(the_memory_is_filled_and_emptied),
		cmocka_unit_test(of_two_at_once_one_gets_in),
		cmocka_unit_test(a_rule_may_name_its_device),
		cmocka_unit_test(what_goes_through),
		cmocka_unit_test(devices_that_are_not_known),
		cmocka_unit_test(a_reload_finds_another_door),
	};

	int failed = 0;

	bed.accepts = true;
	for (bed.way = INGRESS_TC; bed.way <= INGRESS_TC_BARE; bed.way++) {
		history_count = among_given = among_accepted = 0;
		failed +=
			cmocka_run_group_tests(tests, bed_setup, bed_teardown);
	}
	return failed;
}
