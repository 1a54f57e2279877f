#include "unit/files_support.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/signals.h"

static sigset_t mask;

static int
setup(void **state)
{
	(void)state;
	return sigprocmask(SIG_SETMASK, NULL, &mask);
}

static int
teardown(void **state)
{
	(void)state;
	return sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void
takes_signals_as_a_descriptor(void **state)
{
	static const struct {
		int number;
		enum daemon_signal meaning;
	} signals[] = {
		{ SIGHUP, DAEMON_RELOAD },
		{ SIGCHLD, DAEMON_NOTHING },
		{ SIGTERM, DAEMON_STOP },
		{ SIGINT, DAEMON_STOP },
	};
	int fd = daemon_signals();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(daemon_signal(fd, NULL), DAEMON_NOTHING);
	for (size_t i = 0; i < LENGTH(signals); i++) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		kill(getpid(), signals[i].number);
		assert_int_equal(poll(&poll_fd, 1, 20000), 1);
		assert_int_equal(daemon_signal(fd, NULL), signals[i].meaning);
		assert_int_equal(daemon_signal(fd, NULL), DAEMON_NOTHING);
	}
	close(fd);
}

/* As some supervisors leave it to their children. */
static void
hears_of_children_though_ignored(void **state)
{
	struct pollfd poll_fd = { .events = POLLIN };
	int status;
	pid_t pid;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	poll_fd.fd = daemon_signals();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(7);
	}
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	close(poll_fd.fd);
}

/* Those that come together: what matters most, and nothing twice. */
static void
loses_no_signal(void **state)
{
	int fd = daemon_signals();

	(void)state;
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGHUP);
	/* The end goes first; whether a reload follows matters no more. */
	assert_int_equal(daemon_signal(fd, NULL), DAEMON_STOP);
	daemon_signal(fd, NULL);
	assert_int_equal(daemon_signal(fd, NULL), DAEMON_NOTHING);
	for (int i = 0; i < 3; i++) {
		kill(getpid(), SIGHUP);
		kill(getpid(), SIGCHLD);
	}
	assert_int_equal(daemon_signal(fd, NULL), DAEMON_RELOAD);
	assert_int_equal(daemon_signal(fd, NULL), DAEMON_NOTHING);
	close(fd);
}

/* The signal that asks for it, whatever else came along. */
static void
tells_which_signal(void **state)
{
	int fd = daemon_signals();
	int number = -1;

	(void)state;
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGCHLD);
	assert_int_equal(daemon_signal(fd, &number), DAEMON_RELOAD);
	assert_int_equal(number, SIGHUP);
	kill(getpid(), SIGTERM);
	assert_int_equal(daemon_signal(fd, &number), DAEMON_STOP);
	assert_int_equal(number, SIGTERM);
	close(fd);
}

/* Even one that was ignored by whoever started us. */
static void
takes_ignored_signals(void **state)
{
	struct pollfd poll_fd = { .events = POLLIN };
	int fd;

	(void)state;
	signal(SIGINT, SIG_IGN);
	fd = daemon_signals();
	poll_fd.fd = fd;
	kill(getpid(), SIGTERM);
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	assert_int_equal(daemon_signal(fd, NULL), DAEMON_STOP);
	signal(SIGINT, SIG_DFL);
	close(fd);
}

static bool
answer(void *context, enum control_request request,
       const struct control_peer *peer, struct text *t)
{
	(void)peer;
	++*(int *)context;
	if (request == CONTROL_STATUS_TEXT || request == CONTROL_STATUS_JSON) {
		text_put(t, request == CONTROL_STATUS_JSON ? "{}" : "text");
	}
	return true;
}

#define NAME "tap-test-daemon"
#define WAIT_MS 20000u

static void
answers_requests(void **state)
{
	int fd = control_listen(NAME);
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN } };
	int asked = 0;
	int end[2];
	int status;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pipe(end), 0);
	pid = fork();
	if (pid == 0) {
		static char reply[CONTROL_REPLY_MAX];

		if (control_ask(NAME, CONTROL_STATUS_TEXT, WAIT_MS, reply) <
			    0 ||
		    strcmp(reply, "text") != 0 ||
		    control_ask(NAME, CONTROL_STATUS_JSON, WAIT_MS, reply) <
			    0 ||
		    strcmp(reply, "{}") != 0 ||
		    /* One it does not know gets an empty answer. */
		    control_ask(NAME, (enum control_request)'?', WAIT_MS,
				reply) < 0 ||
		    strcmp(reply, "") != 0) {
			_exit(1);
		}
		_exit(0);
	}
	/* Its end is closed when the child is gone. */
	close(end[1]);
	fds[1].fd = end[0];
	while (!fds[1].revents) {
		assert_true(poll(fds, 2, 20000) > 0);
		daemon_answer(fd, answer, &asked);
	}
	close(end[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(asked, 3);
	control_close(fd);
}

static struct daemon_reload reloading;

static bool
answer_reload(void *context, enum control_request request,
	      const struct control_peer *peer, struct text *t)
{
	++*(int *)context;
	assert_int_equal(request, CONTROL_RELOAD);
	return daemon_reload_begin(&reloading, peer, t);
}

static pid_t
ask_for_reload(const char *wanted)
{
	pid_t pid = fork();

	if (pid == 0) {
		static char reply[CONTROL_REPLY_MAX];

		_exit(control_ask(NAME, CONTROL_RELOAD, WAIT_MS, reply) ==
					      getppid() &&
				      strcmp(reply, wanted) == 0
			      ? 0
			      : 1);
	}
	assert_true(pid > 0);
	return pid;
}

static void
await_child(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Who asks for a reload hears what came of it, when it is done. */
static void
answers_at_the_end_of_a_reload(void **state)
{
	int fd = control_listen(NAME);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int signals = daemon_signals();
	int asked = 0;
	pid_t first, second;

	(void)state;
	assert_true(fd >= 0);
	first = ask_for_reload("0reloaded\n");
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	daemon_answer(fd, answer_reload, &asked);
	assert_int_equal(daemon_signal(signals, NULL), DAEMON_RELOAD);
	second = ask_for_reload("1a reload is under way\n");
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	daemon_answer(fd, answer_reload, &asked);
	assert_int_equal(asked, 2);
	await_child(second);
	/* What ends had read its files before anybody asked. */
	daemon_reload_refuse(&reloading, fd, "f:1: wrong");
	assert_string_equal(reloading.refused, "f:1: wrong");
	assert_true(reloading.awaited);
	daemon_reload_start(&reloading);
	daemon_reload_done(&reloading, fd, "reloaded");
	await_child(first);
	assert_false(reloading.awaited);
	assert_string_equal(reloading.refused, "");
	/* Nobody waits any more. */
	daemon_reload_done(&reloading, fd, "reloaded");
	/* The children's end asks for nothing. */
	assert_int_equal(daemon_signal(signals, NULL), DAEMON_NOTHING);
	close(signals);
	control_close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_signals_as_a_descriptor,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			hears_of_children_though_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(loses_no_signal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tells_which_signal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(takes_ignored_signals, setup,
						teardown),
		cmocka_unit_test(answers_requests),
		cmocka_unit_test_setup_teardown(answers_at_the_end_of_a_reload,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
