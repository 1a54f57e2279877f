/* Queues that others have, or that one may not open. */
#include "unit/files_support.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/open_queue.h"
#include "tap.h"

#define QUEUE 7
#define LENGTH_MAX 64
#define NOBODY 65534

static struct nfq first;

/* A queue that somebody has. */
static void
begin(void)
{
	int rc;

	require_namespace();
	rc = nfq_open(&first, QUEUE, LENGTH_MAX, false);
	if (rc == -ENOSYS) {
		print_message("skipped: this kernel has no NFQUEUE\n");
		skip();
	}
	assert_int_equal(rc, 0);
}

static void
says_who_has_it(void **state)
{
	static struct nfq other;
	struct nfq second;
	unsigned queue, process;
	const char *said;

	(void)state;
	begin();
	/* The port id is the number of a process only where nobody has it. */
	nfq_close(&first);
	assert_int_equal(nfq_open(&other, QUEUE + 9, LENGTH_MAX, false), 0);
	assert_int_equal(nfq_open(&first, QUEUE, LENGTH_MAX, false), 0);
	nfq_close(&other);
	capture_begin();
	assert_int_equal(queue_open(&second, QUEUE, LENGTH_MAX, false),
			 TAP_SYSTEM);
	said = capture_end();
	assert_int_equal(sscanf(strstr(said, "queue "),
				"queue %u: in use by process %u", &queue,
				&process),
			 2);
	assert_int_equal(queue, QUEUE);
	assert_int_equal(process, getpid());
	assert_int_not_equal(process, nfq_owner(QUEUE));
	assert_non_null(strstr(said, "choose another (queue= or --queue)\n"));
	nfq_close(&first);
}

/* A daemon that answers to a name, in a child; it lives until killed. */
static pid_t
start_daemon(const char *name)
{
	int fd = control_listen(name);
	pid_t pid;

	assert_true(fd >= 0);
	pid = fork();
	while (pid == 0) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		struct control_peer peer;

		alarm(60);
		poll(&poll_fd, 1, -1);
		if (control_receive(fd, &peer) > 0) {
			control_reply(fd, &peer, "", 0);
		}
	}
	assert_true(pid > 0);
	return pid;
}

/* Another tap's queue, or the last of its queues. */
static void
says_which_tap_has_it(void **state)
{
	static const struct {
		const char *side, *name;
	} taps[] = {
		{ "server", "tap-server-7" },
		{ "server", "tap-server-4" },
		{ "client", "tap-client-7" },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < LENGTH(taps); i++) {
		pid_t pid = start_daemon(taps[i].name);
		char wanted[128];
		struct nfq second;
		const char *said;

		capture_begin();
		assert_int_equal(queue_open(&second, QUEUE, LENGTH_MAX, false),
				 TAP_SYSTEM);
		said = capture_end();
		snprintf(wanted, sizeof wanted,
			 "queue 7: tap %s, process %d, runs with it: "
			 "'tap %s --reload'",
			 taps[i].side, (int)pid, taps[i].side);
		assert_non_null(strstr(said, wanted));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		/* What it has left goes. */
		control_close(control_listen(taps[i].name));
	}
	nfq_close(&first);
}

static void
takes_the_next_free_one(void **state)
{
	struct nfq second, third;

	(void)state;
	begin();
	assert_int_equal(queue_open_free(&second, QUEUE, LENGTH_MAX, false),
			 TAP_OK);
	assert_int_equal(queue_open_free(&third, QUEUE, LENGTH_MAX, false),
			 TAP_OK);
	assert_int_not_equal(nfq_owner(QUEUE + 1), 0);
	assert_int_not_equal(nfq_owner(QUEUE + 2), 0);
	assert_int_equal(nfq_owner(QUEUE + 3), 0);
	nfq_close(&second);
	nfq_close(&third);
	nfq_close(&first);
}

static int
open_one(void *context)
{
	struct nfq nfq;

	(void)context;
	return queue_open(&nfq, QUEUE + 1, LENGTH_MAX, false);
}

static void
says_what_is_missing(void **state)
{
	(void)state;
	begin();
	capture_begin();
	assert_int_equal(as_user(NOBODY, open_one, NULL), TAP_SYSTEM);
	assert_non_null(strstr(capture_end(),
			       "queue 8: not permitted; run as root, or with "
			       "CAP_NET_ADMIN\n"));
	nfq_close(&first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who_has_it),
		cmocka_unit_test(says_which_tap_has_it),
		cmocka_unit_test(takes_the_next_free_one),
		cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
