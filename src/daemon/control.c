#include "daemon/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWER_MS 3000
/* Thrown away in one go; anybody may send, and packets wait meanwhile. */
#define RUBBISH_MAX 16

static socklen_t
abstract(struct sockaddr_un *addr, const char *name)
{
	int len;

	memset(addr, 0, sizeof *addr);
	addr->sun_family = AF_UNIX;
	len = snprintf(addr->sun_path + 1, sizeof addr->sun_path - 1, "%s",
		       name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)len);
}

/* A socket that is told who sends to it. */
static int
open_socket(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	int saved;

	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    bind(fd, (const struct sockaddr *)addr, len) < 0) {
		saved = errno;
		close(fd);
		return -saved;
	}
	return fd;
}

int
control_listen(const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = abstract(&addr, name);

	return open_socket(&addr, len);
}

/*
 * Receive from root or this user; the sender's address goes to *peer.
 * The length, or -errno; -EACCES for what others sent.
 */
static ssize_t
receive_trusted(int fd, void *out, size_t size, struct control_peer *peer)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { out, size };
	struct msghdr msg = {
		.msg_name = &peer->addr,
		.msg_namelen = sizeof peer->addr,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	ssize_t got = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header;
	struct ucred from;

	if (got < 0) {
		return -errno;
	}
	peer->len = msg.msg_namelen;
	header = CMSG_FIRSTHDR(&msg);
	if (!header || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_CREDENTIALS ||
	    header->cmsg_len != CMSG_LEN(sizeof from)) {
		return -EACCES;
	}
	memcpy(&from, CMSG_DATA(header), sizeof from);
	peer->pid = from.pid;
	return from.uid == 0 || from.uid == geteuid() ? got : -EACCES;
}

int
control_receive(int fd, struct control_peer *peer)
{
	for (int i = 0; i < RUBBISH_MAX; i++) {
		uint8_t request[2];
		ssize_t got =
			receive_trusted(fd, request, sizeof request, peer);

		if (got == -EAGAIN || got == -EINTR) {
			return 0;
		}
		if (got < 0 && got != -EACCES) {
			return (int)got;
		}
		if (got == 1) {
			return request[0];
		}
	}
	return 0;
}

void
control_reply(int fd, const struct control_peer *peer, const char *text,
	      size_t len)
{
	/* Who does not wait for the answer does not get it. */
	(void)sendto(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&peer->addr, peer->len);
}

/* The process that has answered, or -errno. */
static int
await_reply(int fd, char *out)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct control_peer peer;

	for (;;) {
		int ready = poll(&poll_fd, 1, ANSWER_MS);
		ssize_t got;

		if (ready == 0) {
			return -ETIMEDOUT;
		}
		if (ready < 0) {
			return -errno;
		}
		got = receive_trusted(fd, out, CONTROL_REPLY_MAX - 1, &peer);
		if (got >= 0) {
			out[got] = '\0';
			return peer.pid;
		}
		if (got != -EACCES && got != -EAGAIN && got != -EINTR) {
			return (int)got;
		}
	}
}

/* control_ask(), but for its result: as await_reply(). */
static int
ask(const char *name, enum control_request request, char *out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	/* Bound to no name, the kernel gives one. */
	int fd = open_socket(&addr, sizeof addr.sun_family);
	uint8_t byte = (uint8_t)request;
	socklen_t len = abstract(&addr, name);
	int rc;

	if (fd < 0) {
		return fd;
	}
	if (sendto(fd, &byte, 1, MSG_NOSIGNAL, (struct sockaddr *)&addr, len) <
	    0) {
		rc = -errno;
	} else {
		rc = await_reply(fd, out);
	}
	close(fd);
	return rc;
}

int
control_ask(const char *name, enum control_request request, char *out)
{
	int pid = ask(name, request, out);

	return pid < 0 ? pid : 0;
}

int
control_reload(const char *name)
{
	static char reply[CONTROL_REPLY_MAX];
	int pid = ask(name, CONTROL_STATUS_TEXT, reply);
	int again;
	int rc;
	int fd;

	if (pid <= 0) {
		return pid < 0 ? pid : -ESRCH;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		return -errno;
	}
	/* The number may have become another's before the descriptor was. */
	again = ask(name, CONTROL_STATUS_TEXT, reply);
	if (again == pid) {
		rc = syscall(SYS_pidfd_send_signal, fd, SIGHUP, NULL, 0) < 0
			? -errno
			: pid;
	} else {
		rc = again < 0 ? again : -ESRCH;
	}
	close(fd);
	return rc;
}
