#include "files_support.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"

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
		{ SIGTERM, DAEMON_STOP },
		{ SIGINT, DAEMON_STOP },
	};
	int fd = daemon_signals();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(daemon_signal(fd), DAEMON_NOTHING);
	for (size_t i = 0; i < LENGTH(signals); i++) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		kill(getpid(), signals[i].number);
		assert_int_equal(poll(&poll_fd, 1, 20000), 1);
		assert_int_equal(daemon_signal(fd), signals[i].meaning);
		assert_int_equal(daemon_signal(fd), DAEMON_NOTHING);
	}
	close(fd);
}

/* Those that come together are all there, each once. */
static void
loses_no_signal(void **state)
{
	int fd = daemon_signals();
	enum daemon_signal first, second;

	(void)state;
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGHUP);
	first = daemon_signal(fd);
	second = daemon_signal(fd);
	assert_true((first == DAEMON_STOP && second == DAEMON_RELOAD) ||
		    (first == DAEMON_RELOAD && second == DAEMON_STOP));
	assert_int_equal(daemon_signal(fd), DAEMON_NOTHING);
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
	assert_int_equal(daemon_signal(fd), DAEMON_STOP);
	signal(SIGINT, SIG_DFL);
	close(fd);
}

static void
write_status(void *context, bool json, struct text *t)
{
	++*(int *)context;
	text_put(t, json ? "{}" : "text");
}

#define NAME "tap-test-daemon"

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

		if (control_ask(NAME, CONTROL_STATUS_TEXT, reply) != 0 ||
		    strcmp(reply, "text") != 0 ||
		    control_ask(NAME, CONTROL_STATUS_JSON, reply) != 0 ||
		    strcmp(reply, "{}") != 0 ||
		    /* One it does not know gets an empty answer. */
		    control_ask(NAME, (enum control_request)'?', reply) != 0 ||
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
		daemon_answer(fd, write_status, &asked);
	}
	close(end[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(asked, 2);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_signals_as_a_descriptor,
						setup, teardown),
		cmocka_unit_test_setup_teardown(loses_no_signal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(takes_ignored_signals, setup,
						teardown),
		cmocka_unit_test(answers_requests),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
