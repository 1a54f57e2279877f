#include "daemon/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/table.h"
#include "daemon/control.h"
#include "os/clock.h"
#include "tap.h"

#define EVERY_MS 1000u
#define ANSWER_MS 3000u
#define LEAVE_MS 500

/*
 * Another screen, without a cursor and without lines that go on in the next
 * one; and back.
 */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

struct watch {
	char name[ASK_NAME_MAX]; /* of the daemon, for control.h */
	const struct watch_side *side;
	/* The terminal, opened again: nobody else's writes must not wait. */
	int terminal, signals;
	struct termios before;
	struct watch_window window;
	unsigned keys; /* the state of watch_key() */
	bool end;
	int killed; /* by this signal; or 0 */

	int asking;        /* a descriptor, or below 0 */
	uint64_t asked_ms; /* and since when */
	char trouble[128]; /* why there is no newer answer */
	struct watch_status *now, *last, both[2];
	char answer[CONTROL_REPLY_MAX];

	char page[WATCH_PAGE_MAX];
	char view[WATCH_VIEW_MAX];
	size_t len, sent; /* of view */
};

/* ---- the terminal */

static void
look_at_size(struct watch *w)
{
	struct winsize size = { 0 };
	struct watch_window *window = &w->window;

	(void)ioctl(w->terminal, TIOCGWINSZ, &size);
	window->columns = size.ws_col > 0 ? size.ws_col : 80;
	window->lines = size.ws_row > 0 ? size.ws_row : 24;
	if (window->columns > WATCH_COLUMNS_MAX) {
		window->columns = WATCH_COLUMNS_MAX;
	}
	if (window->lines > WATCH_LINES_MAX) {
		window->lines = WATCH_LINES_MAX;
	}
}

/* What is on its way waits until the terminal takes it: see run(). */
static void
show(struct watch *w, const char *first)
{
	struct text page, view;

	if (w->sent < w->len) {
		return;
	}
	page = text_over(w->page, sizeof w->page);
	view = text_over(w->view, sizeof w->view);
	watch_draw(&page, w->side, w->now, w->last,
		   w->trouble[0] ? w->trouble : NULL, w->window.columns);
	text_put(&view, "%s", first);
	watch_view(&view, w->page, &w->window);
	w->len = view.len;
	w->sent = 0;
}

static int
enter(struct watch *w)
{
	struct termios raw;

	if (tcgetattr(w->terminal, &w->before) < 0) {
		return -errno;
	}
	raw = w->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(w->terminal, TCSANOW, &raw) < 0) {
		return -errno;
	}
	look_at_size(w);
	w->sent = w->len = 0;
	show(w, ENTER);
	return 0;
}

/* A terminal that takes nothing any more keeps nobody for long. */
static void
leave(struct watch *w)
{
	struct pollfd fd = { .fd = w->terminal, .events = POLLOUT };

	(void)poll(&fd, 1, LEAVE_MS);
	(void)!write(w->terminal, LEAVE, sizeof LEAVE - 1);
	(void)tcsetattr(w->terminal, TCSANOW, &w->before);
}

/* As if we had not held it up. */
static void
act_on(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Not SIGSTOP: where no shell could continue it, it is not stopped. */
static void
suspend(struct watch *w)
{
	leave(w);
	act_on(SIGTSTP);
	(void)enter(w);
}

static void
flush(struct watch *w)
{
	const ssize_t put =
		write(w->terminal, w->view + w->sent, w->len - w->sent);

	if (put > 0) {
		w->sent += (size_t)put;
	} else if (put == 0 || (errno != EAGAIN && errno != EINTR)) {
		w->end = true;
	}
}

static void
take_keys(struct watch *w)
{
	char bytes[64];
	const ssize_t got = read(w->terminal, bytes, sizeof bytes);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		w->end = true;
	}
	for (ssize_t i = 0; i < got; i++) {
		const enum watch_key key = watch_key(&w->keys, bytes[i]);

		w->end |= key == WATCH_KEY_END;
		watch_scroll(&w->window, key);
	}
	show(w, "");
}

/* ---- signals */

static int
open_signals(void)
{
	static const int numbers[] = { SIGINT,  SIGTERM, SIGHUP,
				       SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		sigaddset(&set, numbers[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return -errno;
	}
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
take_signals(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof info) == sizeof info) {
		switch (info.ssi_signo) {
		case SIGWINCH:
			look_at_size(w);
			show(w, "");
			break;
		case SIGTSTP:
			suspend(w);
			break;
		case SIGINT:
			w->end = true;
			break;
		default:
			w->end = true;
			w->killed = (int)info.ssi_signo;
			break;
		}
	}
}

/* ---- the daemon */

static void
stop_asking(struct watch *w)
{
	if (w->asking >= 0) {
		close(w->asking);
	}
	w->asking = -1;
}

static void
complain(struct watch *w, int error)
{
	const char *why = error == ECONNREFUSED
		? "it has ended; waiting for the next one"
		: error == ETIMEDOUT ? "no answer"
		: error == EPROTO    ? "its answer can't be read"
				     : strerror(error);

	snprintf(w->trouble, sizeof w->trouble, "%s: %s", w->side->title, why);
	show(w, "");
}

static void
ask(struct watch *w, uint64_t now)
{
	/* A daemon that ended with the question unread answers never. */
	if (w->asking >= 0 && now - w->asked_ms < ANSWER_MS) {
		return;
	}
	if (w->asking >= 0) {
		complain(w, ETIMEDOUT);
	}
	stop_asking(w);
	w->asking = control_begin(w->name, CONTROL_WATCH);
	w->asked_ms = now;
	if (w->asking < 0) {
		complain(w, -w->asking);
	}
}

static void
take_answer(struct watch *w)
{
	struct watch_status *next = w->last;
	const int rc = control_take(w->asking, w->answer);

	if (rc == -EAGAIN) {
		return;
	}
	stop_asking(w);
	if (rc >= 0) {
		watch_read(next, w->side, w->answer, clock_ms());
	}
	if (rc < 0 || !next->valid) {
		complain(w, rc < 0 ? -rc : EPROTO);
		next->valid = false;
		return;
	}
	w->last = w->now;
	w->now = next;
	w->trouble[0] = '\0';
	show(w, "");
}

static void
run(struct watch *w)
{
	uint64_t due = clock_ms() + EVERY_MS;

	while (!w->end) {
		struct pollfd fds[] = {
			{ .fd = w->signals, .events = POLLIN },
			{ .fd = w->terminal, .events = POLLIN },
			{ .fd = w->asking, .events = POLLIN },
		};
		const uint64_t now = clock_ms();

		if (w->sent < w->len) {
			fds[1].events |= POLLOUT;
		}
		if (poll(fds, 3, now < due ? (int)(due - now) : 0) < 0 &&
		    errno != EINTR) {
			return;
		}
		if (fds[0].revents) {
			take_signals(w);
		}
		if (fds[1].revents & POLLOUT) {
			flush(w);
		}
		if (fds[1].revents & ~POLLOUT) {
			take_keys(w);
		}
		if (fds[2].revents) {
			take_answer(w);
		}
		if (clock_ms() >= due) {
			due = clock_ms() + EVERY_MS;
			ask(w, clock_ms());
		}
	}
}

static int
refuse(const struct ask_daemon *daemon, const char *why, int status)
{
	fprintf(stderr, "tap %s: --watch: %s\n", daemon->side, why);
	return status;
}

/* All is set but for the terminal and the signals.  0 or -errno. */
static int
begin(struct watch *w)
{
	w->asking = -1;
	w->now = &w->both[0];
	w->last = &w->both[1];
	w->window.colour = table_colour(STDOUT_FILENO);
	watch_read(w->now, w->side, w->answer, clock_ms());
	w->signals = open_signals();
	if (w->signals < 0) {
		return -errno;
	}
	w->terminal = open("/proc/self/fd/1",
			   O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return w->terminal < 0 ? -errno : enter(w);
}

int
watch_run(const struct ask_daemon *daemon, const struct watch_side *side)
{
	/* Daemons have all static memory locked, and not this. */
	struct watch *w = calloc(1, sizeof *w);
	const char *type = getenv("TERM");
	int status, killed, rc;

	if (!w) {
		return refuse(daemon, strerror(ENOMEM), TAP_SYSTEM);
	}
	if (!isatty(STDOUT_FILENO) || !type || strcmp(type, "dumb") == 0) {
		free(w);
		return refuse(daemon,
			      "standard output is no terminal that can show a "
			      "page; --status --json is for programs",
			      TAP_USAGE);
	}
	w->side = side;
	status = ask_watch(daemon, w->name, w->answer);
	rc = status == TAP_OK ? begin(w) : 0;
	if (status == TAP_OK && rc == 0) {
		run(w);
		leave(w);
		stop_asking(w);
	}
	killed = w->killed;
	free(w);
	if (rc < 0) {
		return refuse(daemon, strerror(-rc), TAP_SYSTEM);
	}
	if (killed) {
		signal(killed, SIG_DFL);
		act_on(killed);
	}
	return status;
}
