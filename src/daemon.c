#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int
daemon_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return -errno;
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

enum daemon_signal
daemon_signal(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != sizeof info) {
		return DAEMON_NOTHING;
	}
	return info.ssi_signo == SIGHUP ? DAEMON_RELOAD : DAEMON_STOP;
}

void
daemon_answer(int fd, void (*status)(void *, bool, struct text *),
	      void *context)
{
	static char reply[CONTROL_REPLY_MAX];
	struct control_peer peer;
	int request;

	while ((request = control_receive(fd, &peer)) > 0) {
		struct text t = text_over(reply, sizeof reply);

		if (request == CONTROL_STATUS_TEXT ||
		    request == CONTROL_STATUS_JSON) {
			status(context, request == CONTROL_STATUS_JSON, &t);
		}
		control_reply(fd, &peer, reply, t.len);
	}
}
