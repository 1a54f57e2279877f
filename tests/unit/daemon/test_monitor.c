/* When the monitor takes its worker for stuck, and what follows a death. */
#include "unit/support.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define PROCESS 1234 /* of nobody: it is never reached */

static uint64_t slept_ms, awake_us;
static int killed;
static bool is_gone;
static bool ends_when_told;
static int ended_with; /* as waitpid() tells it */

static uint64_t
faked_ms(void)
{
	return slept_ms + awake_us / 1000;
}

static uint64_t
faked_us(void)
{
	return awake_us;
}

static int
faked_kill(pid_t process, int number)
{
	assert_int_equal(process, PROCESS);
	killed += number == SIGKILL;
	is_gone |= ends_when_told;
	return 0;
}

static unsigned waits, waits_last; /* it is gone with this one */

static pid_t
faked_waitpid(pid_t process, int *status, int options)
{
	(void)options;
	assert_int_equal(process, PROCESS);
	is_gone |= ++waits == waits_last;
	if (status) {
		*status = ended_with;
	}
	return is_gone ? process : 0;
}

/* The next one is as good as this. */
static pid_t
faked_fork(void)
{
	return PROCESS;
}

#define clock_ms faked_ms
#define clock_us faked_us
#define kill faked_kill
#define waitpid faked_waitpid
#define fork faked_fork
#include "daemon/monitor.c"
#undef fork
#undef waitpid
#undef kill
#undef clock_us
#undef clock_ms

static struct monitor_shared shared;
static char calls[128];
static uint32_t told;
static uint8_t asked_for[MONITOR_QUESTION_MAX];
static size_t asked_len;
static bool load_works;

static void
note(const char *call)
{
	assert_true(strlen(calls) + strlen(call) + 1 < sizeof calls);
	strcat(calls, call);
	strcat(calls, " ");
}

static bool
note_load(void *context)
{
	(void)context;
	note("load");
	return load_works;
}

static void
note_pause(void *context)
{
	(void)context;
	note("pause");
}

static void
note_prepare(void *context)
{
	(void)context;
	note("prepare");
}

static void
note_change(void *context)
{
	(void)context;
	note("change");
}

static void
note_recover(void *context, bool sound)
{
	(void)context;
	note(sound ? "recover" : "distrust");
}

static void
note_ready(void *context, uint32_t value)
{
	(void)context;
	note("ready");
	told = value;
}

static size_t
note_question(void *context, const void *question, size_t len, void *answer,
	      int fds[MONITOR_FDS])
{
	(void)context;
	(void)fds;
	note("question");
	assert_true(len <= sizeof asked_for);
	memcpy(asked_for, question, len);
	asked_len = len;
	memset(answer, 'a', MONITOR_QUESTION_MAX);
	return MONITOR_QUESTION_MAX;
}

static const struct monitor_job job = {
	.shared = &shared,
	.load = note_load,
	.pause = note_pause,
	.prepare = note_prepare,
	.change = note_change,
	.recover = note_recover,
	.ready = note_ready,
	.question = note_question,
	.control = -1,
};
static struct monitor m;
static int ends[2];

static int
setup(void **state)
{
	(void)state;
	memset(&shared, 0, sizeof shared);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	m = (struct monitor){
		.job = &job,
		.worker = PROCESS,
		.line = ends[0],
		.ready = true,
		.signals = -1,
	};
	slept_ms = 0;
	killed = 0;
	is_gone = false;
	load_works = true;
	ends_when_told = false;
	calls[0] = '\0';
	awake_us = 1000;
	shared.beats = 7;
	check_worker(&m);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (m.line >= 0) {
		close(m.line);
	}
	close(ends[1]);
	spawn_set_watch(NULL);
	return 0;
}

static void
kills_a_worker_that_is_stuck(void **state)
{
	(void)state;
	awake_us += MONITOR_STUCK_MS * UINT64_C(1000);
	check_worker(&m);
	assert_int_equal(killed, 0);
	awake_us += 1000;
	check_worker(&m);
	assert_int_equal(killed, 1);
	/* And once more only after as long. */
	awake_us += MONITOR_STUCK_MS * UINT64_C(1000);
	check_worker(&m);
	assert_int_equal(killed, 1);
}

static void
leaves_one_that_does_its_work(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		awake_us += MONITOR_STUCK_MS * UINT64_C(1000);
		shared.beats++;
		check_worker(&m);
	}
	assert_int_equal(killed, 0);
}

/* It may have much to read first; that it beats does not say it works. */
static void
gives_one_that_starts_its_time(void **state)
{
	(void)state;
	m.ready = false;
	awake_us += MONITOR_START_MS * UINT64_C(1000);
	shared.beats++;
	check_worker(&m);
	assert_int_equal(killed, 0);
	awake_us += 1000;
	check_worker(&m);
	assert_int_equal(killed, 1);
}

/* Nobody has done anything then. */
static void
counts_no_sleep_of_the_machine(void **state)
{
	(void)state;
	slept_ms += 8 * 3600 * UINT64_C(1000);
	awake_us += 1000;
	check_worker(&m);
	assert_int_equal(killed, 0);
}

/*
 * What a worker leaves that ended as it was told is whole; one that was
 * killed, by whomever, may have left anything.  That is made sound before
 * anything else is done with it.
 */
static void
recovers_what_a_killed_worker_left(void **state)
{
	static const int ends_with[] = { SIGKILL, TAP_SYSTEM << 8 };

	(void)state;
	ends_when_told = true;
	ended_with = TAP_OK;
	reload(&m);
	assert_string_equal(calls, "load pause change prepare ");
	/* One that somebody else had told so had not heard of it all. */
	ends_when_told = false;
	is_gone = true;
	calls[0] = '\0';
	reload(&m);
	assert_string_equal(calls, "load pause recover change prepare ");
	for (size_t i = 0; i < sizeof ends_with / sizeof ends_with[0]; i++) {
		calls[0] = '\0';
		ended_with = ends_with[i];
		reload(&m);
		assert_string_equal(calls,
				    "load pause recover change prepare ");
	}
	/* One that died of a fault just before is told from these. */
	ended_with = SIGSEGV;
	calls[0] = '\0';
	reload(&m);
	assert_string_equal(calls, "load pause distrust change prepare ");
	/* Nor is there one while it waits for its turn. */
	forget_worker(&m);
	calls[0] = '\0';
	reload(&m);
	assert_string_equal(calls, "load pause recover change prepare ");
	assert_int_equal(m.worker, PROCESS);
}

static void
lets_it_work_while_files_are_wrong(void **state)
{
	(void)state;
	load_works = false;
	reload(&m);
	assert_string_equal(calls, "load ");
	assert_int_equal(m.worker, PROCESS);
	assert_true(m.ready);
}

/* How long until the next one, which dies, too. */
static uint64_t
pause_after_death(void)
{
	const uint64_t now = faked_ms();

	is_gone = true;
	check_worker(&m);
	return m.worker ? 0 : m.due_ms - now;
}

static void
restarts_without_end(void **state)
{
	uint64_t expected = MONITOR_PAUSE_MS;
	char alarm[MONITOR_ALARM_MAX];

	(void)state;
	ended_with = SIGKILL;
	assert_int_equal(pause_after_death(), 0);
	assert_string_equal(calls, "recover prepare ");
	monitor_alarm(&m, alarm);
	assert_string_equal(alarm, "");
	for (unsigned n = 2; n < 1000; n++) {
		uint64_t pause = pause_after_death();

		calls[0] = '\0';
		assert_int_equal(pause, expected);
		assert_string_equal(monitor_state(&m), "down");
		assert_in_range(wait_ms(&m), 1, MONITOR_TICK_MS);
		awake_us += (pause - 1) * 1000;
		check_worker(&m);
		assert_int_equal(m.worker, 0);
		awake_us += 1000;
		is_gone = false;
		check_worker(&m);
		assert_int_equal(m.worker, PROCESS);
		assert_string_equal(calls, "prepare ");
		assert_int_equal(m.restarts, n);
		expected = 2 * expected < MONITOR_PAUSE_MAX_MS
			? 2 * expected
			: MONITOR_PAUSE_MAX_MS;
	}
	monitor_alarm(&m, alarm);
	assert_string_equal(alarm, "the worker died 999 times in a row");
	/* One that lives makes up for it. */
	m.ready = true;
	awake_us += MONITOR_LIVED_MS * UINT64_C(1000);
	shared.beats++;
	check_worker(&m);
	monitor_alarm(&m, alarm);
	assert_string_equal(alarm, "");
	assert_int_equal(pause_after_death(), 0);
}

static unsigned looks;

/* A millisecond has passed each time. */
static bool
never_done(void *context)
{
	(void)context;
	looks++;
	awake_us += 1000;
	return false;
}

/* While something is awaited, too: it is asked for no more often then. */
static void
restarts_while_it_awaits(void **state)
{
	(void)state;
	looks = 0;
	ended_with = SIGKILL;
	ends_when_told = true;
	close(ends[1]);
	ends[1] = -1;
	monitor_await(&m, never_done, NULL, 20);
	assert_int_equal(looks, 20);
	/* The next one hung up as well; another has to wait. */
	assert_int_equal(killed, 2);
	assert_int_equal(m.restarts, 2);
	assert_string_equal(calls, "recover prepare recover ");
	assert_string_equal(monitor_state(&m), "down");
}

static long
real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What only tick() serves, which is not called then, is no reason to look. */
static void
awaits_without_haste(void **state)
{
	const long begun = real_ms();
	struct monitor_job watching = job;
	int tables[2];

	(void)state;
	assert_int_equal(pipe(tables), 0);
	assert_int_equal(write(tables[1], "x", 1), 1);
	watching.watch = &tables[0];
	m.job = &watching;
	looks = 0;
	monitor_await(&m, never_done, NULL, 5);
	assert_int_equal(looks, 5);
	assert_true(real_ms() - begun >= 4 * AWAIT_MS);
	close(tables[0]);
	close(tables[1]);
}

/* It may hang up long before it ends: that is awaited without haste. */
static void
stops_one_that_hung_up(void **state)
{
	const long begun = real_ms();
	bool sound;

	(void)state;
	close(ends[1]);
	ends[1] = -1;
	waits = 0;
	waits_last = 50;
	stop(&m, &sound);
	waits_last = 0;
	assert_int_equal(waits, 50);
	assert_true(real_ms() - begun >= 45);
}

/* What tells of a fault of its own, and what does not. */
static void
tells_faults_from_other_ends(void **state)
{
	static const int faults[] = { SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
				      SIGABRT, SIGTRAP, SIGSYS };
	static const int others[] = { SIGKILL, SIGTERM, SIGPIPE,
				      TAP_SYSTEM << 8, 1 << 8 };

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		assert_false(is_sound(faults[i]));
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_true(is_sound(others[i]));
	}
	ended_with = SIGSYS;
	pause_after_death();
	assert_string_equal(calls, "distrust prepare ");
}

static void
say(const void *message, size_t len)
{
	assert_int_equal(send(ends[1], message, len, 0), len);
	take_message(&m);
}

static void
hears_when_it_works(void **state)
{
	(void)state;
	m.ready = false;
	monitor_ready(ends[1], 0x12345678);
	take_message(&m);
	assert_string_equal(calls, "ready ");
	assert_int_equal(told, 0x12345678);
	assert_true(m.ready);
	/* It says so once. */
	monitor_ready(ends[1], 9);
	take_message(&m);
	assert_int_equal(told, 0x12345678);
}

/* Answers that came too late for others, and its own among them. */
static void
takes_its_own_answer(void **state)
{
	uint8_t answer[MONITOR_QUESTION_MAX], message[8];

	(void)state;
	for (int number = 63; number >= 0; number--) {
		const uint8_t late[] = { (uint8_t)number, (uint8_t)number };

		assert_int_equal(send(ends[0], late, sizeof late, 0), 2);
	}
	assert_int_equal(monitor_ask(ends[1], "?", 1, answer, NULL), 1);
	assert_int_equal(recv(ends[0], message, sizeof message, 0), 3);
	assert_int_equal(message[0], MONITOR_IS_ASKED);
	assert_int_equal(answer[0], message[1]);
}

/* It may say anything. */
static void
believes_no_message(void **state)
{
	uint8_t message[4 * MONITOR_QUESTION_MAX];
	uint8_t answer[2 * MONITOR_QUESTION_MAX];

	(void)state;
	m.ready = false;
	for (int kind = 0; kind < 256; kind++) {
		for (size_t len = 1; len < 8; len++) {
			memset(message, 0xff, sizeof message);
			message[0] = (uint8_t)kind;
			if (kind != MONITOR_IS_ASKED &&
			    (kind != MONITOR_IS_READY || len != 5)) {
				say(message, len);
			}
		}
	}
	assert_string_equal(calls, "");
	assert_false(m.ready);
	/* A question is cut, and its answer is no longer than may be. */
	message[0] = MONITOR_IS_ASKED;
	say(message, sizeof message);
	assert_string_equal(calls, "question ");
	assert_int_equal(asked_len, MONITOR_QUESTION_MAX);
	assert_int_equal(recv(ends[1], answer, sizeof answer, MSG_DONTWAIT),
			 1 + MONITOR_QUESTION_MAX);
	assert_int_equal(answer[0], message[1]);
	calls[0] = '\0';
	say(message, 2);
	assert_string_equal(calls, "question ");
	assert_int_equal(asked_len, 0);
	/* One without a number gets no answer. */
	calls[0] = '\0';
	say(message, 1);
	assert_string_equal(calls, "");
	/* Who reads no answers holds nobody up. */
	for (int i = 0; i < 10000; i++) {
		calls[0] = '\0';
		if (send(ends[1], message, 8, MSG_DONTWAIT) == 8) {
			take_message(&m);
		}
	}
	/* And who hangs up, nobody either. */
	close(ends[1]);
	ends[1] = -1;
	calls[0] = '\0';
	for (int i = 0; i < 3; i++) {
		take_message(&m);
	}
	assert_string_equal(calls, "");
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(kills_a_worker_that_is_stuck),
		TEST(leaves_one_that_does_its_work),
		TEST(gives_one_that_starts_its_time),
		TEST(counts_no_sleep_of_the_machine),
		TEST(recovers_what_a_killed_worker_left),
		TEST(lets_it_work_while_files_are_wrong),
		TEST(restarts_without_end),
		TEST(restarts_while_it_awaits),
		TEST(awaits_without_haste),
		TEST(stops_one_that_hung_up),
		TEST(tells_faults_from_other_ends),
		TEST(hears_when_it_works),
		TEST(takes_its_own_answer),
		TEST(believes_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
