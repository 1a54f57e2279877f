/*
 * The worker is not trusted: whatever it leaves in shared memory, the monitor
 * lives, the next worker begins, nobody gets in twice, and who comes next
 * gets in.  Each round a worker that is done with writes there at random.
 */
#include "unit/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/stats.h"
#include "server/worker_stats.h"

static uint64_t now_ms = 1000000;
#define NOW_INSTANT (((uint64_t)1795000000 << 8) + now_ms * 256 / 1000)

static uint64_t
faked_ms(void)
{
	return now_ms;
}

static struct receiver_now
faked_now(void)
{
	return (struct receiver_now){ NOW_INSTANT, now_ms };
}

/* Both are one process here, and the file's header stays mapped. */
static void
faked_leave(struct replay_file *file)
{
	(void)file;
}

#undef fail
/* Thousands of lines. */
#define log_say(level, ...) ((void)sizeof printf(__VA_ARGS__))
#define clock_ms faked_ms
#define worker_now faked_now
#define replay_file_leave faked_leave
#include "server/worker_state.c"
#undef replay_file_leave
#undef log_say
#undef worker_now
#undef clock_ms

#define PORT 22
#define ROUNDS 10000
#define KEPT 24u /* groups of before, that are sent again */
#define REPLAYS 64u
#define GUESSES 64u

static struct bench *b;
static struct server_conf conf;
static struct worker monitor, worker;
static struct group kept[KEPT];
static size_t kept_count;
static uint64_t seed;
static char path[] = "/tmp/tap-test-replays.XXXXXX";

static void
clear(void)
{
	memset(monitor.receiver, 0, sizeof *monitor.receiver);
	memset(monitor.receiver_memory, 0, receiver_size(&conf.limits));
}

/* As after a fork: what is the monitor's own is a copy. */
static void
start_worker(void)
{
	uint32_t damaged;

	clear();
	worker_state_prepare(&monitor);
	worker = monitor;
	damaged = worker_state_begin(&worker);
	worker_state_publish(&worker);
	worker_state_ready(&monitor, damaged);
}

static void
open_monitor(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	monitor = (struct worker){
		.conf = &conf, .diag.fd = -1, .drops = -1, .store.fd = -1
	};
	ingress_init(&monitor.ingress);
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		monitor.queues[queue].nl.fd = -1;
	}
	/* One that takes verdicts, and tells nothing. */
	assert_true(null >= 0);
	monitor.queues[FW_QUEUE_SYN].nl.fd = null;
	assert_int_equal(worker_state_open(&monitor), TAP_OK);
}

static void
close_monitor(void)
{
	close(monitor.queues[FW_QUEUE_SYN].nl.fd);
	replay_file_close(&monitor.store);
	munmap(monitor.shared, sizeof *monitor.shared);
	munmap(monitor.handed,
	       sizeof *monitor.handed * conf.limits.reassembly.frames);
	munmap(monitor.receiver, sizeof *monitor.receiver);
	munmap(monitor.receiver_memory, receiver_size(&conf.limits));
	munmap(monitor.guesses, guess_size(GUESSES));
}

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	log_quiet();
	seed = property_seed();
	b = bench_new();
	bench_rule(b, PORT, false);
	bench_key(b, 11, MAC_HMAC_SHA256, 1);
	bench_allow(b, PORT, 10, 14);
	bench_start(b);
	conf.acl = b->acl;
	conf.limits = b->limits;
	conf.limits.replays = REPLAYS;
	conf.limits.guesses = GUESSES;
	snprintf(conf.replay_file, sizeof conf.replay_file, "%s", path);
	open_monitor();
	start_worker();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_monitor();
	bench_free(b);
	unlink(path);
	return 0;
}

/* How many of its frames the worker accepts. */
static unsigned
send_group(const struct group *g)
{
	size_t order[FRAME_MAX];
	unsigned accepted = 0;

	group_order(g, order);
	for (size_t i = 0; i < g->frames; i++) {
		const struct packet p = group_packet(g, order[i]);
		const struct receiver_now now = faked_now();
		const struct receiver_packet in = {
			.packet = &p,
			.options = g->options,
			.id = random_u32(&seed),
		};
		struct receiver_result result;

		receiver_input(worker.receiver, &now, &in, &result);
		accepted += result.verdict == RECEIVER_ACCEPT;
		for (size_t n = 0; n < result.releases_count; n++) {
			accepted +=
				result.releases[n].verdict == RECEIVER_ACCEPT;
		}
	}
	worker_state_publish(&worker);
	return accepted;
}

static void
pass_time(uint64_t ms)
{
	struct receiver_result result;
	struct receiver_now now;

	now_ms += ms;
	now = faked_now();
	while (receiver_expire(worker.receiver, &now, &result)) {
	}
}

static void
send_new(void)
{
	struct group *g = &kept[kept_count++ % KEPT];

	/* Later than what may be refused. */
	pass_time(20);
	group_make(g, &b->keys[0], PORT, NOW_INSTANT, random_u32(&seed), &seed);
	assert_int_equal(send_group(g), 1);
}

/* ---- what a hostile worker writes */

static uint64_t
hostile_word(void)
{
	static const uint64_t words[] = {
		0,
		UINT64_MAX,
		1,
		INT64_MAX,
		0x4141414141414141,
		UINT32_MAX,
		(uint64_t)UINT32_MAX << 32,
		0x8000000000000000,
	};

	switch (random_below(&seed, 3)) {
	case 0:
		return words[random_below(&seed, COUNT(words))];
	case 1:
		/* Some place of ours. */
		return (uint64_t)(uintptr_t)monitor.shared +
			random_below(&seed, 4096);
	default:
		return random_u64(&seed);
	}
}

/* How much of it: all, or one word in so many. */
static void
scribble(void *memory, size_t size, uint32_t one_in)
{
	uint64_t *word = memory;

	for (size_t i = 0; i < size / sizeof *word; i++) {
		if (random_below(&seed, one_in) == 0) {
			word[i] = hostile_word();
		}
	}
}

static void
scribble_all(void)
{
	static const uint32_t rates[] = { 1, 2, 10, 100, 1000 };
	const uint32_t one_in = rates[random_below(&seed, COUNT(rates))];
	const unsigned where = 1 + random_below(&seed, 31);

	if (where & 1) {
		scribble(monitor.shared, sizeof *monitor.shared, one_in);
	}
	if (where & 2) {
		scribble(monitor.handed,
			 sizeof *monitor.handed * conf.limits.reassembly.frames,
			 one_in);
	}
	if (where & 4) {
		/* The header is not there for a worker. */
		scribble(monitor.store.replay, replay_store_size(REPLAYS),
			 one_in);
	}
	if (where & 8) {
		/* The first of it: nothing in it is read here. */
		scribble(monitor.store.connections, 4096, one_in);
	}
	if (where & 16) {
		scribble(monitor.guesses, guess_size(GUESSES), one_in);
	}
}

/* ---- what the monitor does meanwhile and then */

static void
ask_status(void)
{
	static char room[65536];
	static struct stats stats;
	struct text t = text_over(room, sizeof room);

	stats.count = stats.texts_len = 0;
	worker_stats(&monitor, &stats);
	stat_write(&t, &stats, random_below(&seed, 2) == 0);
	assert_true(t.len > 0 && !t.full);
}

static void
restart_all(void)
{
	close_monitor();
	now_ms += 1;
	open_monitor();
}

static void
go_on(void)
{
	switch (random_below(&seed, 4)) {
	case 0: /* it ended as it was told, and says that it hands over */
		if (random_below(&seed, 2) == 0) {
			worker_state_leave(&worker);
		}
		break;
	case 1:
		worker_state_recover(&monitor, true);
		break;
	case 2:
		worker_state_recover(&monitor, false);
		break;
	default:
		restart_all();
		break;
	}
	ask_status();
	start_worker();
}

static void
check_replays(void)
{
	const size_t count = kept_count < KEPT ? kept_count : KEPT;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(send_group(&kept[i]), 0);
	}
}

static void
outlives_what_a_worker_writes(void **state)
{
	const unsigned long rounds = property_steps(ROUNDS);

	(void)state;
	for (unsigned long round = 0; round < rounds; round++) {
		send_new();
		scribble_all();
		ask_status();
		go_on();
		check_replays();
		/* Now nothing of it is left that could be in the way. */
		pass_time(conf.limits.assembly_ms + 100);
		send_new();
	}
	print_message("%lu rounds\n", rounds);
}

/* A worker that does as it should loses nothing, and neither does one killed.
 */
static void
goes_on_where_another_stopped(void **state)
{
	struct group g;
	size_t order[FRAME_MAX];
	uint64_t begin;

	(void)state;
	restart_all();
	start_worker();
	send_new();
	begin = monitor.begin_ms;
	for (int i = 0; i < 3; i++) {
		struct group whole;
		unsigned accepted = 0;

		group_make(&g, &b->keys[0], PORT, NOW_INSTANT,
			   random_u32(&seed), &seed);
		group_order(&g, order);
		/* Half a group, another worker, and the rest of it. */
		whole = g;
		for (size_t n = 0; n < whole.frames; n++) {
			const struct packet p = group_packet(&whole, order[n]);
			const struct receiver_now now = faked_now();
			const struct receiver_packet in = {
				.packet = &p,
				.options = g.options,
				.id = n,
			};
			struct receiver_result result;

			if (n == 2) {
				worker_state_leave(&worker);
				start_worker();
			}
			receiver_input(worker.receiver, &now, &in, &result);
			accepted += result.verdict == RECEIVER_ACCEPT;
		}
		assert_int_equal(accepted, 1);
		assert_int_equal(worker.receiver->reassembly.held_used, 0);
	}
	worker_state_recover(&monitor, true);
	start_worker();
	check_replays();
	assert_int_equal(send_group(&g), 0);
	/* So whose clock is late gets in still. */
	assert_int_equal(monitor.begin_ms, begin);
	worker_state_recover(&monitor, false);
	assert_true(monitor.begin_ms >= now_ms + INGRESS_AHEAD_MS);
}

/* Whoever makes workers end, or knows of a reload, has no more guesses. */
static void
remembers_guesses(void **state)
{
	const struct packet_addr addr = { 4, { 192, 0, 2, 1 } };
	const struct packet_addr other = { 4, { 192, 0, 2, 2 } };

	(void)state;
	restart_all();
	start_worker();
	guess_charge(&worker.receiver->guess, &addr, now_ms, GUESS_BURST);
	for (int i = 0; i < 3; i++) {
		if (i == 1) {
			worker_state_leave(&worker);
		} else if (i == 2) {
			worker_state_recover(&monitor, false);
		}
		assert_false(guess_allows(&worker.receiver->guess, &addr,
					  now_ms, 1));
		assert_true(guess_allows(&worker.receiver->guess, &other,
					 now_ms, GUESS_BURST));
		start_worker();
	}
	assert_true(guess_allows(&worker.receiver->guess, &addr,
				 now_ms + GUESS_BURST * GUESS_REFILL_MS,
				 GUESS_BURST));
}

/* What is held stays so, by its name, unless it has none that may be. */
static void
hands_over_what_is_held(void **state)
{
	struct handed_frame *handed = monitor.handed;
	struct receiver_result result;
	struct receiver_now now;
	unsigned dropped = 0;

	(void)state;
	start_worker();
	pass_time(10000);
	for (unsigned i = 0; i < 4; i++) {
		handed[i] = (struct handed_frame){
			.family = i == 2 ? 5 : 4,
			.held = 0xff,
			.seq = i,
			.arrived = now_ms,
			.id = i == 3 ? (uint64_t)FW_QUEUES << 32 : 100 + i,
		};
	}
	monitor.shared->handed = 4;
	start_worker();
	assert_int_equal(worker.receiver->reassembly.held_used, 2);
	assert_int_equal(monitor.shared->handed, 0);
	now_ms += 10000;
	now = faked_now();
	while (receiver_expire(worker.receiver, &now, &result)) {
		for (size_t i = 0; i < result.releases_count; i++) {
			assert_in_range(result.releases[i].id, 100, 101);
			dropped += result.releases[i].verdict == RECEIVER_DROP;
		}
	}
	assert_int_equal(dropped, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outlives_what_a_worker_writes),
		cmocka_unit_test(goes_on_where_another_stopped),
		cmocka_unit_test(remembers_guesses),
		cmocka_unit_test(hands_over_what_is_held),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
