#include "client/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 65536u

static int
connect_to(const struct packet_addr *to, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	const bool is_v4 = to->family == 4;
	const void *addr = is_v4 ? (const void *)&v4 : (const void *)&v6;
	socklen_t len = is_v4 ? sizeof v4 : sizeof v6;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC,
			0);
	int saved;

	memcpy(&v4.sin_addr, to->bytes, 4);
	memcpy(&v6.sin6_addr, to->bytes, 16);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, addr, len) < 0) {
		saved = errno;
		close(fd);
		return -saved;
	}
	return fd;
}

/* Write everything; a slow reader slows us down, as it should. */
static int
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno != EINTR) {
			return -errno;
		}
		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

/* One read from one side to the other: 1, 0 at its end, or -errno. */
static int
pass_on(int from, int to)
{
	static uint8_t bytes[BUFFER];
	ssize_t got = read(from, bytes, sizeof bytes);
	int rc;

	if (got < 0) {
		return errno == EINTR ? 1 : -errno;
	}
	rc = write_all(to, bytes, (size_t)got);
	return rc < 0 ? rc : got > 0;
}

static int
converse(int fd)
{
	struct pollfd fds[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	int rc = 1;

	while (rc > 0) {
		if (poll(fds, 2, -1) < 0) {
			continue;
		}
		if (fds[0].revents && pass_on(STDIN_FILENO, fd) <= 0) {
			/* Our input has ended; the far end may still send. */
			shutdown(fd, SHUT_WR);
			fds[0].fd = -1;
		}
		if (fds[1].revents) {
			rc = pass_on(fd, STDOUT_FILENO);
		}
	}
	return rc;
}

int
relay(const struct packet_addr *to, size_t count, uint16_t port)
{
	int fd = -EADDRNOTAVAIL;
	int rc;

	for (size_t i = 0; i < count && fd < 0; i++) {
		fd = connect_to(&to[i], port);
	}
	if (fd < 0) {
		return fd;
	}
	rc = converse(fd);
	close(fd);
	return rc;
}
