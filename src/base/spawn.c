#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
find_and_exec(const char *const *argv)
{
	static const char *const places[] = {
		"/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin",
	};
	static const char *const environment[] = {
		"PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin",
		"LC_ALL=C",
		NULL,
	};
	char path[256];

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", places[i], argv[0]);
		execve(path, (char *const *)argv, (char *const *)environment);
	}
}

static void
child(const char *const *argv, int in, int out, int err, bool attached)
{
	sigset_t none;

	/* Where we lack standard descriptors, the pipes took their places. */
	in = fcntl(in, F_DUPFD_CLOEXEC, 3);
	out = fcntl(out, F_DUPFD_CLOEXEC, 3);
	err = fcntl(err, F_DUPFD_CLOEXEC, 3);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
		_exit(126);
	}
	if (attached) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	} else {
		/*
		 * An interrupt at the terminal ends tap, which then needs
		 * the child.
		 */
		setpgid(0, 0);
	}
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	find_and_exec(argv);
	_exit(RUN_NOT_FOUND);
}

struct stream {
	int fd;
	char *text;
	size_t size, len;
};

static void
stream_read(struct stream *s)
{
	char waste[4096];
	size_t room =
		s->text && s->size > s->len + 1 ? s->size - s->len - 1 : 0;
	ssize_t got = read(s->fd, room ? s->text + s->len : waste,
			   room ? room : sizeof waste);

	if (got > 0) {
		s->len += room ? (size_t)got : 0;
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		close(s->fd);
		s->fd = -1;
	}
}

/* A program that ends early does not read its input: no harm. */
static void
feed(int *fd, const char **input)
{
	ssize_t put = write(*fd, *input, strlen(*input));

	if (put > 0) {
		*input += put;
	} else if (put < 0 && errno != EINTR && errno != EAGAIN) {
		*input = "";
	}
	if (**input == '\0') {
		close(*fd);
		*fd = -1;
	}
}

static void
converse(int in, const char *input, struct stream streams[2])
{
	const char *left = input ? input : "";

	if (*left == '\0') {
		close(in);
		in = -1;
	} else {
		fcntl(in, F_SETFL, O_NONBLOCK);
	}
	while (in >= 0 || streams[0].fd >= 0 || streams[1].fd >= 0) {
		struct pollfd fds[3] = {
			{ .fd = in, .events = POLLOUT },
			{ .fd = streams[0].fd, .events = POLLIN },
			{ .fd = streams[1].fd, .events = POLLIN },
		};

		if (poll(fds, 3, -1) < 0) {
			continue;
		}
		if (fds[0].revents) {
			feed(&in, &left);
		}
		for (int i = 0; i < 2; i++) {
			if (fds[i + 1].revents) {
				stream_read(&streams[i]);
			}
		}
	}
	for (int i = 0; i < 2; i++) {
		if (streams[i].text) {
			streams[i].text[streams[i].len] = '\0';
		}
	}
}

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
run(const char *const *argv, const char *input, char *output,
    size_t output_size, char *errors, size_t errors_size, bool attached)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct stream streams[2];
	void (*on_pipe)(int), (*on_child)(int);
	pid_t pid;
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++) {
		rc = pipe2(pipes[i], O_CLOEXEC) < 0 ? -errno : 0;
	}
	/* Ignored, as whoever started us may have it, it loses the status. */
	on_child = signal(SIGCHLD, SIG_DFL);
	pid = rc == 0 ? fork() : -1;
	if (pid == 0) {
		child(argv, pipes[0][0], pipes[1][1], pipes[2][1], attached);
	}
	if (pid < 0) {
		rc = rc ? rc : -errno;
		signal(SIGCHLD, on_child);
		for (int i = 0; i < 6; i++) {
			if (pipes[i / 2][i % 2] >= 0) {
				close(pipes[i / 2][i % 2]);
			}
		}
		return rc;
	}
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	streams[0] = (struct stream){ pipes[1][0], output, output_size, 0 };
	streams[1] = (struct stream){ pipes[2][0], errors, errors_size, 0 };
	on_pipe = signal(SIGPIPE, SIG_IGN);
	converse(pipes[0][1], input, streams);
	signal(SIGPIPE, on_pipe);
	rc = wait_for(pid);
	signal(SIGCHLD, on_child);
	return rc;
}

int
run_program(const char *const *argv, const char *input, char *output,
	    size_t output_size, char *errors, size_t errors_size)
{
	return run(argv, input, output, output_size, errors, errors_size,
		   false);
}

int
run_attached(const char *const *argv, const char *input, char *output,
	     size_t output_size, char *errors, size_t errors_size)
{
	return run(argv, input, output, output_size, errors, errors_size, true);
}
