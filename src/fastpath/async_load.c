#include "fastpath/async_load.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"
#include "os/clock.h"

/* Room for one descriptor beside a message. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr
message(struct iovec *part, union control *control)
{
	return (struct msghdr){
		.msg_iov = part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof *control,
	};
}

/* The error, and where there is none, the descriptor with it. */
static void
tell(int line, int made)
{
	union control control;
	int error = made < 0 ? made : 0;
	struct iovec part = { &error, sizeof error };
	struct msghdr msg = message(&part, &control);

	memset(&control, 0, sizeof control);
	if (made < 0) {
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	} else {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof made);
		memcpy(CMSG_DATA(&control.header), &made, sizeof made);
	}
	(void)sendmsg(line, &msg, MSG_NOSIGNAL);
}

/* What was sent as by tell(), or -EINPROGRESS, or -EOWNERDEAD. */
static int
hear(int line)
{
	union control control;
	int error = 0;
	int made = -EOWNERDEAD;
	struct iovec part = { &error, sizeof error };
	struct msghdr msg = message(&part, &control);
	ssize_t got = recvmsg(line, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header;

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return -EINPROGRESS;
	}
	if (got != sizeof error) {
		return -EOWNERDEAD;
	}
	header = CMSG_FIRSTHDR(&msg);
	if (error == 0 && header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof made)) {
		memcpy(&made, CMSG_DATA(header), sizeof made);
	}
	return error < 0 ? error : made;
}

/*
 * Queues, sockets and programs on devices are gone when their owner is:
 * nobody else must have them, least of all who hangs.
 */
static void
close_others(const struct loader_work *work, int line)
{
	int kept[LOADER_KEPT_MAX + 1] = { line };

	memcpy(kept + 1, work->kept, work->kept_count * sizeof *kept);
	spawn_close_others(kept, work->kept_count + 1);
}

static void
be_loader(const struct loader_work *work, pid_t parent, int line)
{
	close_others(work, line);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    getppid() == parent) {
		tell(line, work->make(work->context));
	}
	_exit(0);
}

static uint64_t
awake_ms(void)
{
	return clock_us() / 1000;
}

void
loader_init(struct loader *l)
{
	*l = (struct loader){ .line = -1 };
}

int
loader_start(struct loader *l, const struct loader_work *work)
{
	pid_t parent = getpid();
	int ends[2];
	int rc;

	if (work->kept_count > LOADER_KEPT_MAX) {
		return -E2BIG;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		return -errno;
	}
	l->process = fork();
	if (l->process == 0) {
		be_loader(work, parent, ends[1]);
	}
	rc = l->process < 0 ? -errno : 0;
	close(ends[1]);
	if (rc < 0) {
		close(ends[0]);
		l->process = 0;
		return rc;
	}
	l->line = ends[0];
	l->begun_ms = awake_ms();
	return 0;
}

bool
loader_is_at_work(const struct loader *l)
{
	return l->process != 0;
}

int
loader_take(struct loader *l)
{
	int made = hear(l->line);

	if (made == -EINPROGRESS) {
		if (awake_ms() - l->begun_ms <= LOADER_MAX_MS) {
			return made;
		}
		made = -ETIME;
	}
	loader_stop(l);
	return made;
}

bool
loader_failed(int error)
{
	return error == -ETIME || error == -EOWNERDEAD;
}

const char *
loader_error(int error)
{
	switch (error) {
	case -ETIME:
		return "the kernel takes too long";
	case -EOWNERDEAD:
		return "the process for it was ended";
	default:
		return strerror(-error);
	}
}

void
loader_stop(struct loader *l)
{
	if (l->process == 0) {
		return;
	}
	kill(l->process, SIGKILL);
	while (waitpid(l->process, NULL, 0) < 0 && errno == EINTR) {
	}
	loader_leave(l);
}

void
loader_leave(struct loader *l)
{
	if (l->line >= 0) {
		close(l->line);
	}
	loader_init(l);
}
