/* When the monitor takes its worker for stuck, and what follows a death. */
#include "unit/support.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define PROCESS 1234 /* of nobody: it is never reached */

static uint64_t slept_ms, awake_us;
static int killed;
static bool is_gone;
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
	return 0;
}

static pid_t
faked_waitpid(pid_t process, int *status, int options)
{
	(void)options;
	assert_int_equal(process, PROCESS);
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
static char calls[64];

static void
note_reload(void *context)
{
	(void)context;
	strcat(calls, "reload ");
}

static void
note_recover(void *context)
{
	(void)context;
	strcat(calls, "recover ");
}

static const struct monitor_job job = {
	.shared = &shared,
	.reload = note_reload,
	.recover = note_recover,
};
static struct monitor m;

static int
setup(void **state)
{
	(void)state;
	memset(&shared, 0, sizeof shared);
	m = (struct monitor){ .job = &job, .worker = PROCESS, .line = -1 };
	slept_ms = 0;
	killed = 0;
	is_gone = false;
	calls[0] = '\0';
	awake_us = 1000;
	shared.beats = 7;
	assert_int_equal(check_worker(&m), 0);
	return 0;
}

static void
kills_a_worker_that_is_stuck(void **state)
{
	(void)state;
	awake_us += MONITOR_STUCK_MS * UINT64_C(1000);
	assert_int_equal(check_worker(&m), 0);
	assert_int_equal(killed, 0);
	awake_us += 1000;
	assert_int_equal(check_worker(&m), 0);
	assert_int_equal(killed, 1);
	/* And once more only after as long. */
	awake_us += MONITOR_STUCK_MS * UINT64_C(1000);
	assert_int_equal(check_worker(&m), 0);
	assert_int_equal(killed, 1);
}

static void
leaves_one_that_does_its_work(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		awake_us += MONITOR_STUCK_MS * UINT64_C(1000);
		shared.beats++;
		assert_int_equal(check_worker(&m), 0);
	}
	assert_int_equal(killed, 0);
}

/* Nobody has done anything then. */
static void
counts_no_sleep_of_the_machine(void **state)
{
	(void)state;
	slept_ms += 8 * 3600 * UINT64_C(1000);
	awake_us += 1000;
	assert_int_equal(check_worker(&m), 0);
	assert_int_equal(killed, 0);
}

/*
 * What a worker leaves that ended as it was told is whole; one that was
 * killed, by whomever, may have left anything.
 */
static void
recovers_what_a_killed_worker_left(void **state)
{
	(void)state;
	is_gone = true;
	ended_with = TAP_OK;
	assert_int_equal(reload(&m), 0);
	assert_string_equal(calls, "reload ");
	close(m.line);
	calls[0] = '\0';
	ended_with = SIGKILL;
	assert_int_equal(reload(&m), 0);
	assert_string_equal(calls, "reload recover ");
	close(m.line);
	calls[0] = '\0';
	ended_with = TAP_SYSTEM << 8;
	assert_int_equal(reload(&m), 0);
	assert_string_equal(calls, "reload recover ");
	close(m.line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kills_a_worker_that_is_stuck, setup),
		cmocka_unit_test_setup(leaves_one_that_does_its_work, setup),
		cmocka_unit_test_setup(counts_no_sleep_of_the_machine, setup),
		cmocka_unit_test_setup(recovers_what_a_killed_worker_left,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
