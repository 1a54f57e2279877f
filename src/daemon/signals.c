#include "daemon/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/spawn.h"
#include "conf/grammar.h"
#include "daemon/log.h"
#include "tap.h"

#define FILES_MS 10000u

int
daemon_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return -errno;
	}
	/* A signal that our parent ignored would never arrive. */
	signal(SIGCHLD, SIG_DFL);
	/* SIGPIPE and SIGXFSZ: writing the log must not kill the daemon. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

enum daemon_signal
daemon_signal(int fd, int *number)
{
	enum daemon_signal found = DAEMON_NOTHING;
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info) {
		/* SIGCHLD needs no action here. */
		if (number && info.ssi_signo != SIGCHLD) {
			*number = info.ssi_code == SI_KERNEL
				? 0
				: (int)info.ssi_signo;
		}
		if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM) {
			return DAEMON_STOP;
		}
		if (info.ssi_signo == SIGHUP) {
			found = DAEMON_RELOAD;
		}
	}
	return found;
}

int
daemon_control(const char *name)
{
	int fd = control_listen(name);

	if (fd < 0) {
		log_say(LOG_LEVEL_WARNING,
			"control socket %s: %s; --status gets no answer", name,
			strerror(-fd));
		return -1;
	}
	return fd;
}

void
daemon_answer(int fd,
	      bool (*answer)(void *, enum control_request,
			     const struct control_peer *, struct text *),
	      void *context)
{
	static char reply[CONTROL_REPLY_MAX];
	struct control_peer peer;
	int request;

	while ((request = control_receive(fd, &peer)) > 0) {
		struct text t = text_over(reply, sizeof reply);

		if (answer(context, (enum control_request)request, &peer, &t)) {
			control_reply(fd, &peer, reply, t.len);
		}
	}
}

bool
daemon_reload_begin(struct daemon_reload *r, const struct control_peer *peer,
		    struct text *t)
{
	if (r->awaited) {
		text_put(t, "%da reload is under way\n", TAP_NO);
		return true;
	}
	r->awaited = true;
	r->begun = false;
	r->peer = *peer;
	kill(getpid(), SIGHUP);
	return false;
}

void
daemon_reload_start(struct daemon_reload *r)
{
	r->begun = r->awaited;
}

static void
answer_reload(struct daemon_reload *r, int fd, int status, const char *line)
{
	char reply[1024];
	struct text t = text_over(reply, sizeof reply);

	if (!r->begun) {
		return;
	}
	text_put(&t, "%d%s\n", status, line);
	control_reply(fd, &r->peer, reply, t.len);
	r->awaited = r->begun = false;
}

void
daemon_reload_done(struct daemon_reload *r, int fd, const char *line)
{
	r->refused[0] = '\0';
	log_say(LOG_LEVEL_INFO, "%s", line);
	answer_reload(r, fd, TAP_OK, line);
}

void
daemon_reload_refuse(struct daemon_reload *r, int fd, const char *err)
{
	char line[CONF_ERROR_MAX + 64];

	snprintf(line, sizeof line, "%s; still with the old configuration",
		 err);
	snprintf(r->refused, sizeof r->refused, "%s", err);
	log_say(LOG_LEVEL_ERROR, "%s", line);
	answer_reload(r, fd, TAP_USAGE, line);
}

void
daemon_reload_abandon(struct daemon_reload *r, int fd)
{
	r->begun = r->awaited;
	answer_reload(r, fd, TAP_NO, "it ends, and reloads nothing");
}

bool
daemon_files_answer(int (*read)(void *context), void *context, const char *path,
		    char *err)
{
	const int rc = run_function(read, context, FILES_MS);

	if (rc == -ETIME || rc == -ECANCELED) {
		snprintf(err, CONF_ERROR_MAX,
			 rc == -ETIME ? "%.256s, or what goes with it: no "
					"answer from its file system"
				      : "%.256s: not read, as it ends",
			 path);
		return false;
	}
	return true;
}

void
daemon_stop_begin(struct text *t)
{
	text_put(t, "%d", TAP_OK);
	kill(getpid(), SIGTERM);
}
