#include "conf/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"
#include "conf/value.h"

/* Signals that would leave the terminal without echo. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

#define SIGNALS (sizeof signals / sizeof signals[0])

static volatile sig_atomic_t caught;

static void catch (int signal)
{
	caught = signal;
}

/* One line, without its end. */
static int
read_line(struct sealed_passphrase *out, int fd, char *why)
{
	char c;

	out->len = 0;
	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR && !caught) {
			continue;
		}
		if (got < 0) {
			return value_fail(why, "%s", strerror(errno));
		}
		if (got == 0 || c == '\n') {
			break;
		}
		if (c == '\0') {
			return value_fail(why, "NUL byte in it");
		}
		if (out->len == sizeof out->text) {
			return value_fail(why, "longer than %u bytes",
					  SEAL_PASSPHRASE_MAX);
		}
		out->text[out->len++] = c;
	}
	c = '\0';
	if (out->len > 0 && out->text[out->len - 1] == '\r') {
		out->len--;
	}
	return out->len > 0 ? 0 : value_fail(why, "it is empty");
}

int
passphrase_fd(struct sealed_passphrase *out, int fd, char *why)
{
	caught = 0;
	return read_line(out, fd, why);
}

static void
say(int fd, const char *text)
{
	/* If it can't be seen, the answer won't come either. */
	ssize_t ignored = write(fd, text, strlen(text));

	(void)ignored;
}

static int
ask(struct sealed_passphrase *out, int tty, const char *question, char *why)
{
	struct termios before, silent;
	int rc;

	if (tcgetattr(tty, &before) < 0) {
		return value_fail(why, "terminal: %s", strerror(errno));
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON;
	/* What was typed before the question is no answer to it. */
	if (tcsetattr(tty, TCSAFLUSH, &silent) < 0) {
		return value_fail(why, "terminal: %s", strerror(errno));
	}
	say(tty, question);
	rc = read_line(out, tty, why);
	tcsetattr(tty, TCSAFLUSH, &before);
	say(tty, "\n");
	return rc;
}

static int
ask_twice(struct sealed_passphrase *out, int tty, const char *question,
	  bool again, char *why)
{
	struct sealed_passphrase second = { 0 };
	int rc = ask(out, tty, question, why);

	if (rc < 0 || !again) {
		return rc;
	}
	rc = ask(&second, tty, "Once more: ", why);
	if (rc == 0 &&
	    (second.len != out->len ||
	     !ct_equal(second.text, out->text, out->len))) {
		rc = value_fail(why, "the two are not the same");
	}
	bytes_wipe(&second, sizeof second);
	return rc;
}

int
passphrase_terminal(struct sealed_passphrase *out, const char *question,
		    bool again, char *why)
{
	struct sigaction action = { .sa_handler = catch };
	struct sigaction before[SIGNALS];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (tty < 0) {
		return value_fail(why,
				  "no terminal to ask on; "
				  "--passphrase-fd takes it from "
				  "elsewhere");
	}
	caught = 0;
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], &action, &before[i]);
	}
	rc = ask_twice(out, tty, question, again, why);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], &before[i], NULL);
	}
	close(tty);
	if (caught) {
		raise(caught);
		rc = value_fail(why, "interrupted");
	}
	return rc;
}

int
passphrase_option(void *into, const char *value, char *why)
{
	unsigned long number;
	int *fd = into;

	if (value_number(value, 0, 1u << 20, &number, why) < 0) {
		return -1;
	}
	if (fcntl((int)number, F_GETFD) < 0) {
		return value_fail(why, "descriptor %lu is not open", number);
	}
	*fd = (int)number;
	return 0;
}
