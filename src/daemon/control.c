#include "daemon/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"

/* Before a stop, the daemon is asked for its process; that is quick. */
#define ANSWER_MS 3000u
#define LOOK_MS 1000u /* between two looks whether it is still there */
/* Foreign datagrams thrown away in one go, while packets wait. */
#define RUBBISH_MAX 16
/* Whoever has the folder locked needs no more than a moment. */
#define LOCK_TRIES_MAX 200
#define LOCK_TRY_MS 10
/* Stale sockets removed at one start; others at the next. */
#define STALE_MAX 1000

/* Tests have another one. */
static const char *folder = CONTROL_DIR;

static socklen_t
address(struct sockaddr_un *addr, const char *name)
{
	struct stat st = { 0 };

	memset(addr, 0, sizeof *addr);
	addr->sun_family = AF_UNIX;
	(void)stat("/proc/self/ns/net", &st);
	snprintf(addr->sun_path, sizeof addr->sun_path, "%s/%s@%lu", folder,
		 name, (unsigned long)st.st_ino);
	return sizeof *addr;
}

/* A socket that is told who sends to it; bound to no name, to the kernel's. */
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

/* Not flock() without LOCK_NB: who holds it may have been stopped. */
static int
lock(int dir)
{
	for (int i = 0; flock(dir, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			return -errno;
		}
		if (i == LOCK_TRIES_MAX) {
			return -ETIMEDOUT;
		}
		poll(NULL, 0, LOCK_TRY_MS);
	}
	return 0;
}

/* That nobody else can write into it, or hold its lock. */
static int
make_ours(int dir)
{
	struct stat st;

	if (fstat(dir, &st) < 0) {
		return -errno;
	}
	if (st.st_uid != geteuid()) {
		return -EPERM;
	}
	return (st.st_mode & 077) && fchmod(dir, 0700) < 0 ? -errno : 0;
}

/* The folder, made where it is missing, and locked.  It, or -errno. */
static int
open_folder(void)
{
	int dir;
	int rc;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		return -errno;
	}
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		return -errno;
	}
	rc = make_ours(dir);
	if (rc == 0) {
		rc = lock(dir);
	}
	if (rc < 0) {
		close(dir);
	}
	return rc < 0 ? rc : dir;
}

/* Whether nobody listens there, or not any more. */
static bool
is_gone(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool gone = false;

	if (fd >= 0) {
		gone = connect(fd, (const struct sockaddr *)addr, len) < 0 &&
			(errno == ECONNREFUSED || errno == ENOENT);
		close(fd);
	}
	return gone;
}

static bool
is_stale(const char *file)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/%.80s", folder, file);
	return is_gone(&addr, sizeof addr);
}

/* Remove sockets of daemons that were killed. */
static void
sweep(int locked)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	for (int i = 0; dir && i < STALE_MAX && (entry = readdir(dir)); i++) {
		if (strncmp(entry->d_name, "tap-", 4) == 0 &&
		    is_stale(entry->d_name)) {
			unlinkat(locked, entry->d_name, 0);
		}
	}
	if (dir) {
		closedir(dir);
	}
}

size_t
control_queues(const char *side, uint16_t *queues, size_t max)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && count < max && (entry = readdir(dir))) {
		struct sockaddr_un addr;
		char name[32];
		unsigned queue;

		snprintf(name, sizeof name, "tap-%s-", side);
		if (strncmp(entry->d_name, name, strlen(name)) != 0 ||
		    sscanf(entry->d_name + strlen(name), "%u@", &queue) != 1) {
			continue;
		}
		snprintf(name, sizeof name, "tap-%s-%u", side, queue);
		(void)address(&addr, name);
		if (strcmp(strrchr(addr.sun_path, '/') + 1, entry->d_name) ==
			    0 &&
		    !is_stale(entry->d_name)) {
			queues[count++] = (uint16_t)queue;
		}
	}
	if (dir) {
		closedir(dir);
	}
	return count;
}

int
control_listen(const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);
	int dir = open_folder();
	mode_t mask;
	int fd;

	if (dir < 0) {
		return dir;
	}
	sweep(dir);
	mask = umask(077);
	fd = open_socket(&addr, len);
	umask(mask);
	close(dir); /* which unlocks it */
	return fd;
}

void
control_close(int fd)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof addr;
	int dir = open_folder();

	/* We hold the lock, so nobody else has taken the name. */
	if (dir >= 0 && getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
	    addr.sun_path[0] == '/') {
		unlink(addr.sun_path);
	}
	close(fd);
	if (dir >= 0) {
		close(dir);
	}
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

static bool
has_text(uint8_t request)
{
	return request == CONTROL_ALARM || request == CONTROL_CALM;
}

int
control_receive(int fd, struct control_peer *peer)
{
	for (int i = 0; i < RUBBISH_MAX; i++) {
		uint8_t request[1 + CONTROL_SAID_MAX];
		ssize_t got =
			receive_trusted(fd, request, sizeof request, peer);

		if (got == -EAGAIN || got == -EINTR) {
			return 0;
		}
		if (got < 0 && got != -EACCES) {
			return (int)got;
		}
		if (got == 1 ||
		    (got > 1 && got <= (ssize_t)CONTROL_SAID_MAX &&
		     has_text(request[0]))) {
			memcpy(peer->said, request + 1, (size_t)got - 1);
			peer->said[got - 1] = '\0';
			return request[0];
		}
	}
	return 0;
}

void
control_reply(int fd, const struct control_peer *peer, const char *text,
	      size_t len)
{
	/* A peer whose buffer is full does not get the answer. */
	(void)sendto(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&peer->addr, peer->len);
}

int
control_take(int fd, char *out)
{
	struct control_peer peer;
	ssize_t got = receive_trusted(fd, out, CONTROL_REPLY_MAX - 1, &peer);

	if (got >= 0) {
		out[got] = '\0';
		return peer.pid;
	}
	return got == -EACCES || got == -EINTR ? -EAGAIN : (int)got;
}

/*
 * The process that has answered, or -errno.  A daemon that ends with the
 * question unread answers never, and nothing says so: look whether it is there.
 */
static int
await_reply(int fd, uint64_t end, const struct sockaddr_un *addr, socklen_t len,
	    char *out)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_ms();
		uint64_t left = end - now;
		bool gone;
		int ready, rc;

		if (now >= end) {
			return -ETIMEDOUT;
		}
		ready = poll(&poll_fd, 1,
			     (int)(left < LOOK_MS ? left : LOOK_MS));
		if (ready < 0 && errno != EINTR) {
			return -errno;
		}
		/* First: what it answered at its end is here by now. */
		gone = ready == 0 && left > LOOK_MS && is_gone(addr, len);
		rc = control_take(fd, out);
		if (rc != -EAGAIN) {
			return rc;
		}
		if (gone) {
			return -ECONNREFUSED;
		}
	}
}

static int
begin(const char *name, enum control_request request, const char *said)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = open_socket(&addr, sizeof addr.sun_family);
	char message[1 + CONTROL_SAID_MAX] = { (char)request };
	socklen_t len = address(&addr, name);
	int rc;

	if (fd < 0) {
		return fd;
	}
	memcpy(message + 1, said, strlen(said));
	/* connect(2): the kernel then drops datagrams of others. */
	if (connect(fd, (struct sockaddr *)&addr, len) < 0 ||
	    send(fd, message, 1 + strlen(said), MSG_NOSIGNAL) < 0) {
		rc = errno == ENOENT      ? -ECONNREFUSED
			: errno == EAGAIN ? -ETIMEDOUT
					  : -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int
control_begin(const char *name, enum control_request request)
{
	return begin(name, request, "");
}

int
control_say(const char *name, enum control_request request, const char *said,
	    unsigned wait_ms, char *out)
{
	const uint64_t end = clock_ms() + wait_ms;
	const int fd = strlen(said) < CONTROL_SAID_MAX
		? begin(name, request, said)
		: -EMSGSIZE;
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);
	int rc;

	if (fd < 0) {
		return fd;
	}
	rc = await_reply(fd, end, &addr, len, out);
	close(fd);
	return rc;
}

int
control_ask(const char *name, enum control_request request, unsigned wait_ms,
	    char *out)
{
	return control_say(name, request, "", wait_ms, out);
}

static int
await_end(int pidfd, uint64_t end)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_ms();
		int ready = poll(&fd, 1, now < end ? (int)(end - now) : 0);

		if (ready > 0) {
			return 0;
		}
		if (ready == 0 || errno != EINTR) {
			return ready == 0 ? -ETIMEDOUT : -errno;
		}
	}
}

int
control_stop(const char *name, enum control_request request, unsigned wait_ms,
	     char *out)
{
	uint64_t end = clock_ms() + wait_ms;
	int pid = control_ask(name, CONTROL_STATUS_TEXT, ANSWER_MS, out);
	int rc;
	int fd;

	if (pid <= 0) {
		return pid < 0 ? pid : -ESRCH;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		return -errno;
	}
	rc = control_ask(name, request, ANSWER_MS, out);
	/*
	 * The pid may be reused before pidfd_open(2): check that it is the
	 * same.
	 */
	if (rc >= 0 && rc != pid) {
		rc = -ESRCH;
	}
	/* An answer that does not begin with 0 is a refusal with its reason. */
	if (rc == pid && out[0] == '0') {
		rc = await_end(fd, end);
	}
	close(fd);
	return rc < 0 ? rc : pid;
}
