#include "measure/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t
fill(union address *to, const struct packet_addr *addr, uint32_t device,
     uint16_t port)
{
	memset(to, 0, sizeof *to);
	if (addr->family == 4) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		memcpy(&to->v4.sin_addr, addr->bytes, 4);
		return sizeof to->v4;
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	to->v6.sin6_scope_id = device;
	memcpy(&to->v6.sin6_addr, addr->bytes, 16);
	return sizeof to->v6;
}

/* Bind before connecting, so that the capture knows the port. */
static int
bind_port(struct dial *dial, bool v4)
{
	union address own = { .any.sa_family = v4 ? AF_INET : AF_INET6 };
	socklen_t len = v4 ? sizeof own.v4 : sizeof own.v6;

	if (bind(dial->fd, &own.any, len) < 0 ||
	    getsockname(dial->fd, &own.any, &len) < 0) {
		return -errno;
	}
	dial->sport = ntohs(v4 ? own.v4.sin_port : own.v6.sin6_port);
	return 0;
}

int
dial_begin(struct dial *dial, const struct packet_addr *addr, uint32_t device,
	   uint16_t port)
{
	bool v4 = addr->family == 4;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	union address to;
	socklen_t len = fill(&to, addr, device, port);
	int rc;

	*dial = (struct dial){ .error = DIAL_WAITING };
	dial->fd = socket(v4 ? AF_INET : AF_INET6,
			  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd < 0) {
		return -errno;
	}
	setsockopt(dial->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	rc = bind_port(dial, v4);
	if (rc < 0) {
		dial_end(dial);
		return rc;
	}
	if (connect(dial->fd, &to.any, len) == 0) {
		dial->error = 0;
	} else if (errno != EINPROGRESS) {
		dial->error = errno;
	}
	return 0;
}

void
dial_look(struct dial *dial)
{
	struct pollfd poll_fd = { .fd = dial->fd, .events = POLLOUT };
	socklen_t len = sizeof dial->error;

	if (dial->error != DIAL_WAITING || poll(&poll_fd, 1, 0) < 1) {
		return;
	}
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &dial->error, &len) <
	    0) {
		dial->error = errno;
	}
}

int
dial_take(struct dial *dial)
{
	const struct linger none = { .l_onoff = 0 };
	int fd = dial->fd;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	dial->fd = -1;
	return fd;
}

void
dial_end(struct dial *dial)
{
	if (dial->fd >= 0) {
		close(dial->fd);
	}
	dial->fd = -1;
}
