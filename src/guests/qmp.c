#include "guests/qmp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json_read.h"
#include "base/text.h"
#include "os/clock.h"

#define LINE_MAX_HERE 16384u
#define LINES_MAX 64u /* events may come between */

/* A line without its end, by so late.  Its length or -errno. */
static ssize_t
read_line(int fd, char line[LINE_MAX_HERE], uint64_t until_ms)
{
	size_t len = 0;

	while (len < LINE_MAX_HERE) {
		const ssize_t got = read(fd, line + len, 1);

		if (got <= 0) {
			return got == 0 ? -EPIPE : -errno;
		}
		if (line[len] == '\n') {
			return (ssize_t)len;
		}
		len++;
		if (clock_ms() >= until_ms) {
			return -ETIME;
		}
	}
	return -EMSGSIZE;
}

/* Of an object's own members, one of this name: its text. */
static bool
member(const char *line, size_t len, const char *name, char *text, size_t size)
{
	struct json_read json;
	enum json_token token;
	bool next = false;

	json_read_init(&json, line, len);
	text[0] = '\0';
	while ((token = json_read_next(&json)) != JSON_END &&
	       token != JSON_ERROR) {
		if (next) {
			struct text t = text_over(text, size);

			text_add(&t, token == JSON_STRING ? json.text : "");
			return true;
		}
		next = token == JSON_NAME && json.depth == 1 &&
			strcmp(json.text, name) == 0;
	}
	return false;
}

/* Say it, and take what is returned as a text, if it is one. */
static int
command(int fd, const char *say, char *text, size_t size)
{
	const uint64_t until = clock_ms() + QMP_WAIT_MS;
	const size_t to_say = strlen(say);
	char line[LINE_MAX_HERE];

	if (send(fd, say, to_say, MSG_NOSIGNAL) != (ssize_t)to_say) {
		return -EPIPE;
	}
	for (unsigned i = 0; i < LINES_MAX; i++) {
		const ssize_t len = read_line(fd, line, until);

		if (len < 0) {
			return (int)len;
		}
		if (member(line, (size_t)len, "return", text, size)) {
			return 0;
		}
		if (member(line, (size_t)len, "error", text, size)) {
			return -EPROTO;
		}
	}
	return -EPROTO;
}

static int
shake_hands(int fd, pid_t *pid)
{
	const uint64_t until = clock_ms() + QMP_WAIT_MS;
	const struct timeval wait = { .tv_sec = QMP_WAIT_MS / 1000 };
	struct ucred peer;
	socklen_t size = sizeof peer;
	char line[LINE_MAX_HERE], text[64];
	ssize_t len;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0) {
		return -errno;
	}
	*pid = peer.pid;
	len = read_line(fd, line, until);
	if (len < 0) {
		return (int)len;
	}
	return member(line, (size_t)len, "QMP", text, sizeof text)
		? command(fd, "{\"execute\":\"qmp_capabilities\"}\n", text,
			  sizeof text)
		: -EPROTO;
}

int
qmp_open(const char *path, pid_t *pid, char why[WHY_MAX])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof at.sun_path) {
		return why_errno(why, -ENAMETOOLONG, path);
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return why_errno(why, -errno, path);
	}
	rc = connect(fd, (const struct sockaddr *)&at, sizeof at) < 0
		? -errno
		: shake_hands(fd, pid);
	if (rc == 0) {
		return fd;
	}
	close(fd);
	switch (rc) {
	case -EAGAIN:
	case -ETIME:
		return why_set(why, rc,
			       "%s: QEMU does not answer: somebody else may "
			       "be connected there",
			       path);
	case -EPROTO:
		return why_set(why, rc, "%s: who answers is not QEMU", path);
	default:
		return why_errno(why, rc, path);
	}
}

int
qmp_address(int fd, uint64_t physical, uint64_t *address)
{
	static const char is[] = " is 0x";
	char say[160], text[256];
	const char *at;
	int rc;

	snprintf(say, sizeof say,
		 "{\"execute\":\"human-monitor-command\",\"arguments\":"
		 "{\"command-line\":\"gpa2hva 0x%" PRIx64 "\"}}\n",
		 physical);
	rc = command(fd, say, text, sizeof text);
	if (rc < 0) {
		return rc;
	}
	at = strstr(text, is);
	if (!at) {
		return -ENOENT;
	}
	*address = strtoull(at + sizeof is - 1, NULL, 16);
	return 0;
}
