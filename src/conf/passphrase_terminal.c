#include "conf/passphrase_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"
#include "conf/value.h"

#ifndef SIGRTMAX
#define SIGRTMAX (NSIG - 1)
#endif
#define SIGNALS_MAX 128 /* of any system */

/* The terminal whose echo is off, for the signal handler. */
static struct {
	int tty;
	struct termios before;
} asked;

static volatile sig_atomic_t caught;

/*
 * Whether a signal that nobody takes ends the process, or stops it and the
 * terminal goes to somebody else.
 */
static bool
is_deadly(int number)
{
	switch (number) {
	case SIGTTIN: /* in the background: it is somebody else's */
	case SIGTTOU:
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
#ifdef SIGWINCH
	case SIGWINCH:
#endif
#ifdef SIGINFO
	case SIGINFO:
#endif
		return false;
	default:
		return true;
	}
}

static void
say(int fd, const char *text)
{
	/* If the prompt cannot be written, do not wait for an answer. */
	ssize_t ignored = write(fd, text, strlen(text));

	(void)ignored;
}

/*
 * Give the terminal its echo back, then do what the signal does.  What was
 * typed so far is for nobody else.  With all signals blocked, as here, that
 * does not stop a process in the background.
 */
static void
give_back(int number)
{
	const struct sigaction plain = { .sa_handler = SIG_DFL };
	const int saved = errno;
	sigset_t only;

	tcsetattr(asked.tty, TCSAFLUSH, &asked.before);
	say(asked.tty, "\n");
	sigaction(number, &plain, NULL);
	sigemptyset(&only);
	sigaddset(&only, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	/* Continued after a stop: turn the echo off again. */
	caught = number;
	errno = saved;
}

/* Leave ignored signals ignored. */
static void
take_signals(struct sigaction before[SIGNALS_MAX])
{
	struct sigaction action = { .sa_handler = give_back };

	sigfillset(&action.sa_mask);
	for (int i = 1; i <= SIGRTMAX && i < SIGNALS_MAX; i++) {
		before[i].sa_handler = SIG_IGN;
		if (is_deadly(i) && sigaction(i, NULL, &before[i]) == 0 &&
		    before[i].sa_handler != SIG_IGN) {
			sigaction(i, &action, NULL);
		}
	}
}

static void
leave_signals(const struct sigaction before[SIGNALS_MAX])
{
	for (int i = 1; i <= SIGRTMAX && i < SIGNALS_MAX; i++) {
		if (before[i].sa_handler != SIG_IGN) {
			sigaction(i, &before[i], NULL);
		}
	}
}

static int
ask(struct sealed_passphrase *out, const char *question, char *why)
{
	const int tty = asked.tty;
	struct termios silent = asked.before;
	int rc;

	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON;
	/* Discard what was typed before the prompt. */
	if (tcsetattr(tty, TCSAFLUSH, &silent) < 0) {
		return value_fail(why, "terminal: %s", strerror(errno));
	}
	say(tty, question);
	rc = passphrase_read(out, tty, &caught, why);
	tcsetattr(tty, TCSAFLUSH, &asked.before);
	say(tty, "\n");
	return rc;
}

int
passphrase_terminal(struct sealed_passphrase *out, const char *question,
		    bool again, char *why)
{
	struct sigaction before[SIGNALS_MAX] = { 0 };
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (tty < 0) {
		return value_fail(why,
				  "no terminal to ask on; "
				  "--passphrase-fd takes it from "
				  "elsewhere");
	}
	caught = 0;
	asked.tty = tty;
	if (tcgetattr(tty, &asked.before) < 0) {
		rc = value_fail(why, "terminal: %s", strerror(errno));
		close(tty);
		return rc;
	}
	take_signals(before);
	rc = passphrase_ask(out, ask, question, again, why);
	leave_signals(before);
	close(tty);
	return caught ? value_fail(why, "interrupted") : rc;
}
