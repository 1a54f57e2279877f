#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* After SIGKILL: do not wait longer for one that is stuck in the kernel. */
#define GONE_MS 1000u
/* How long to wait, at first and at last, between looks at one that ends. */
#define LOOK_MS 1
#define LOOK_MAX_MS 50

/* Where programs are looked for, in this order; and in PATH at last. */
#define SYSTEM_PLACES "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin"
static char chosen[SPAWN_PLACES_MAX]; /* before them */
/* What is served while a program runs. */
static struct spawn_watch watched = { .serve = NULL };
/* Whoever was served wanted one to end: the next ones don't begin. */
static bool cancelled;
/* The last program timed out: the next one gets less time. */
static bool hung;
/* One that was killed and is not gone yet, or 0. */
static pid_t left_behind;

/* In each of these places, as PATH has them, that is no matter of ours. */
static void
exec_in(const char *places, const char *const *argv, char *const *environment)
{
	char file[512];

	for (; *places; places += *places == ':') {
		const size_t len = strcspn(places, ":");

		if (*places == '/' && len < sizeof file / 2) {
			snprintf(file, sizeof file, "%.*s/%s", (int)len, places,
				 argv[0]);
			execve(file, (char *const *)argv, environment);
		}
		places += len;
	}
}

/* PATH comes last, and to no program: it may be of anybody's making. */
static void
find_and_exec(const char *const *argv)
{
	char variable[sizeof "PATH=" SYSTEM_PLACES + SPAWN_PLACES_MAX];
	char *const environment[] = { variable, (char *)"LC_ALL=C", NULL };
	const char *path = secure_getenv("PATH");

	snprintf(variable, sizeof variable, "PATH=%s%s" SYSTEM_PLACES, chosen,
		 chosen[0] ? ":" : "");
	if (argv[0][0] == '/') {
		execve(argv[0], (char *const *)argv, environment);
		return;
	}
	exec_in(variable + strlen("PATH="), argv, environment);
	exec_in(path ? path : "", argv, environment);
}

void
spawn_set_places(const char *places)
{
	snprintf(chosen, sizeof chosen, "%s", places);
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
	signal(SIGXFSZ, SIG_DFL);
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

struct run {
	pid_t pid;
	bool attached;
	uint64_t until;   /* ms; UINT64_MAX: it has all the time */
	int in;           /* or below 0 */
	const char *left; /* of its input */
	struct stream streams[2];
	int ended; /* -ETIME or -ECANCELED: it was not to go on; or 0 */
};

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

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

/* EPIPE: the program ended without reading all of its input. */
static void
feed(struct run *r)
{
	ssize_t put = write(r->in, r->left, strlen(r->left));

	if (put > 0) {
		r->left += put;
	} else if (put < 0 && errno != EINTR && errno != EAGAIN) {
		r->left = "";
	}
	if (*r->left == '\0') {
		close(r->in);
		r->in = -1;
	}
}

/* The program, and what it has started. */
static void
put_an_end(struct run *r, int why)
{
	if (r->ended == 0) {
		r->ended = why;
		kill(r->attached ? r->pid : -r->pid, SIGKILL);
		r->until = now_ms() + GONE_MS;
	}
}

enum { AT_INPUT, AT_OUTPUT, AT_ERRORS, AT_WATCHED };
#define FDS (AT_WATCHED + SPAWN_WATCHED)

static void
serve_watched(struct run *r, const struct pollfd *fds)
{
	struct spawn_watch serving = watched;
	bool some = false;

	for (size_t i = 0; i < SPAWN_WATCHED; i++) {
		some |= fds[i].fd >= 0 && fds[i].revents;
	}
	if (!some || !serving.serve) {
		return;
	}
	/*
	 * No recursion: programs that are run by what is served do not serve.
	 */
	watched.serve = NULL;
	if (!serving.serve(serving.context)) {
		put_an_end(r, -ECANCELED);
		cancelled = true;
	}
	for (size_t i = 0; i < SPAWN_WATCHED; i++) {
		/* Who hung up would be heard again and again. */
		if (fds[i].revents & POLLHUP) {
			serving.fd[i] = -1;
		}
	}
	watched = serving;
}

/* Wait for what is to be done, `most` at the most, and do it. */
static void
turn(struct run *r, int most)
{
	struct pollfd fds[FDS] = {
		[AT_INPUT] = { .fd = r->in, .events = POLLOUT },
		[AT_OUTPUT] = { .fd = r->streams[0].fd, .events = POLLIN },
		[AT_ERRORS] = { .fd = r->streams[1].fd, .events = POLLIN },
	};

	for (size_t i = 0; i < SPAWN_WATCHED; i++) {
		fds[AT_WATCHED + i] = (struct pollfd){
			.fd = watched.serve ? watched.fd[i] : -1,
			.events = POLLIN,
		};
	}
	if (poll(fds, FDS, most) <= 0) {
		return;
	}
	if (fds[AT_INPUT].revents) {
		feed(r);
	}
	for (int i = 0; i < 2; i++) {
		if (fds[AT_OUTPUT + i].revents) {
			stream_read(&r->streams[i]);
		}
	}
	serve_watched(r, fds + AT_WATCHED);
}

/* How long until its time is up, `most` at the most; it ends then. */
static int
time_left(struct run *r, int most)
{
	const uint64_t now = now_ms();

	if (r->until == UINT64_MAX) {
		return most;
	}
	if (now >= r->until) {
		put_an_end(r, -ETIME);
		return 0;
	}
	return most < 0 || r->until - now < (uint64_t)most
		? (int)(r->until - now)
		: most;
}

static void
converse(struct run *r)
{
	if (*r->left == '\0') {
		close(r->in);
		r->in = -1;
	} else {
		fcntl(r->in, F_SETFL, O_NONBLOCK);
	}
	while (r->ended == 0 &&
	       (r->in >= 0 || r->streams[0].fd >= 0 || r->streams[1].fd >= 0)) {
		const int most = time_left(r, -1);

		if (r->ended == 0) {
			turn(r, most);
		}
	}
	if (r->in >= 0) {
		close(r->in);
		r->in = -1;
	}
	for (int i = 0; i < 2; i++) {
		struct stream *s = &r->streams[i];

		/*
		 * A child that left the process group may still hold the pipe.
		 */
		if (s->fd >= 0) {
			close(s->fd);
			s->fd = -1;
		}
		if (s->text) {
			s->text[s->len] = '\0';
		}
	}
}

/* Its exit status, or why there is none. */
static int
wait_for(struct run *r)
{
	int look = LOOK_MS;
	int status;
	pid_t gone;

	while ((gone = waitpid(r->pid, &status, WNOHANG)) == 0 ||
	       (gone < 0 && errno == EINTR)) {
		const bool killed = r->ended != 0;

		if (killed && now_ms() >= r->until) {
			left_behind = r->pid;
			return r->ended;
		}
		turn(r, time_left(r, look));
		look = look < LOOK_MAX_MS ? 2 * look : LOOK_MAX_MS;
	}
	if (gone < 0) {
		return -errno;
	}
	if (r->ended != 0) {
		return r->ended;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
close_pipes(int pipes[3][2])
{
	for (int i = 0; i < 6; i++) {
		if (pipes[i / 2][i % 2] >= 0) {
			close(pipes[i / 2][i % 2]);
		}
	}
}

/* Everything except the caller's signals. */
static int
run_to_its_end(struct run *r, const char *const *argv)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };

	for (int i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0) {
			const int rc = -errno;

			close_pipes(pipes);
			return rc;
		}
	}
	r->pid = fork();
	if (r->pid == 0) {
		child(argv, pipes[0][0], pipes[1][1], pipes[2][1], r->attached);
	}
	if (r->pid < 0) {
		const int rc = -errno;

		close_pipes(pipes);
		return rc;
	}
	if (!r->attached) {
		/*
		 * Parent and child both call setpgid(2): either may be first.
		 */
		setpgid(r->pid, r->pid);
	}
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	r->in = pipes[0][1];
	r->streams[0].fd = pipes[1][0];
	r->streams[1].fd = pipes[2][0];
	converse(r);
	return wait_for(r);
}

static int
run(struct run *r, const char *const *argv)
{
	void (*on_pipe)(int), (*on_child)(int);
	int rc;

	if (cancelled) {
		return -ECANCELED;
	}
	if (left_behind != 0 && waitpid(left_behind, NULL, WNOHANG) != 0) {
		left_behind = 0;
	}
	/* If our parent ignored SIGCHLD, the exit status would be lost. */
	on_child = signal(SIGCHLD, SIG_DFL);
	on_pipe = signal(SIGPIPE, SIG_IGN);
	rc = run_to_its_end(r, argv);
	signal(SIGPIPE, on_pipe);
	signal(SIGCHLD, on_child);
	return rc;
}

void
spawn_set_watch(const struct spawn_watch *watch)
{
	watched = watch ? *watch : (struct spawn_watch){ .serve = NULL };
	cancelled = false;
}

int
run_program(const char *const *argv, const char *input, char *output,
	    size_t output_size, char *errors, size_t errors_size)
{
	struct run r = {
		.until = now_ms() +
			(hung ? SPAWN_LIMIT_AGAIN_MS : SPAWN_LIMIT_MS),
		.left = input ? input : "",
		.streams = { { -1, output, output_size, 0 },
			     { -1, errors, errors_size, 0 } },
	};
	const int rc = run(&r, argv);

	hung = rc == -ETIME;
	return rc;
}

int
run_attached(const char *const *argv, const char *input, char *output,
	     size_t output_size, char *errors, size_t errors_size)
{
	struct run r = {
		.attached = true,
		.until = UINT64_MAX,
		.left = input ? input : "",
		.streams = { { -1, output, output_size, 0 },
			     { -1, errors, errors_size, 0 } },
	};

	return run(&r, argv);
}

/* The lowest descriptor from this one on that is kept, or UINT_MAX. */
static unsigned
next_kept(const int *kept, size_t count, unsigned from)
{
	unsigned next = UINT_MAX;

	for (size_t i = 0; i < count; i++) {
		if (kept[i] >= 0 && (unsigned)kept[i] >= from &&
		    (unsigned)kept[i] < next) {
			next = (unsigned)kept[i];
		}
	}
	return next;
}

static void
close_range_of(unsigned first, unsigned last)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, last, 0u) == 0) {
		return;
	}
#endif
	for (unsigned fd = first, most = (unsigned)sysconf(_SC_OPEN_MAX);
	     fd < most && fd <= last; fd++) {
		close((int)fd);
	}
}

void
spawn_close_others(const int *kept, size_t count)
{
	unsigned from = STDERR_FILENO + 1;
	unsigned next;

	while ((next = next_kept(kept, count, from)) != UINT_MAX) {
		if (next > from) {
			close_range_of(from, next - 1);
		}
		from = next + 1;
	}
	close_range_of(from, UINT_MAX);
}

pid_t
spawn_function(int (*function)(void *context), void *context)
{
	return spawn_function_with(function, context, NULL, 0);
}

pid_t
spawn_function_with(int (*function)(void *context), void *context,
		    const int *kept, size_t count)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	if (child != 0) {
		return child < 0 ? -errno : child;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    getppid() != parent) {
		_exit(RUN_NOT_FOUND);
	}
	/* What is stuck must not keep a queue, or a lock, from others. */
	spawn_close_others(kept, count);
	_exit(function(context));
}

bool
spawn_ended(pid_t process, int *result)
{
	int status;
	const pid_t gone = waitpid(process, &status, WNOHANG);

	if (gone == 0 || (gone < 0 && errno == EINTR)) {
		return false;
	}
	*result = gone > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return true;
}

int
run_function(int (*function)(void *context), void *context, unsigned wait_ms)
{
	struct run r = {
		.attached = true,
		.until = now_ms() + wait_ms,
		.in = -1,
		.left = "",
		.streams = { { .fd = -1 }, { .fd = -1 } },
	};

	r.pid = spawn_function(function, context);
	return r.pid < 0 ? (int)r.pid : wait_for(&r);
}
