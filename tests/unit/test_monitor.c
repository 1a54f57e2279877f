/* When the monitor takes its worker for stuck. */
#include "support.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define PROCESS 1234 /* of nobody: it is never reached */

static uint64_t slept_ms, awake_us;
static int killed;

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
	assert_int_equal(number, SIGKILL);
	killed++;
	return 0;
}

/* It lives. */
static pid_t
faked_waitpid(pid_t process, int *status, int options)
{
	*status = 0;
	(void)options;
	assert_int_equal(process, PROCESS);
	return 0;
}

#define clock_ms faked_ms
#define clock_us faked_us
#define kill faked_kill
#define waitpid faked_waitpid
#include "monitor.c"
#undef waitpid
#undef kill
#undef clock_us
#undef clock_ms

static struct monitor_shared shared;
static const struct monitor_job job = { .shared = &shared };
static struct monitor m;

static int
setup(void **state)
{
	(void)state;
	memset(&shared, 0, sizeof shared);
	m = (struct monitor){ .job = &job, .worker = PROCESS };
	slept_ms = 0;
	killed = 0;
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kills_a_worker_that_is_stuck, setup),
		cmocka_unit_test_setup(leaves_one_that_does_its_work, setup),
		cmocka_unit_test_setup(counts_no_sleep_of_the_machine, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
