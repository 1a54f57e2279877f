#include "switching/spare_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif
#define DPORT_AT                                                               \
	2u /* in a TCP header, which the socket's filter sees first            \
	    */

static int
fail(int fd)
{
	const int rc = -errno;

	close(fd);
	return rc;
}

static int
open_socket(unsigned family)
{
	const int fd = socket(family == 4 ? AF_INET : AF_INET6,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/*
 * Connection tracking, by which answers find the way back, forgets one that is
 * half closed after a minute.
 */
static int
keep_tracked(int fd)
{
	const int one = 1, idle_s = 40;

	return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) < 0
		? -1
		: setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s,
			     sizeof idle_s);
}

int
spare_socket(unsigned family, uint32_t mark)
{
	const int fd = open_socket(family);
	const int one = 1;
	int rc;

	if (fd < 0) {
		return fd;
	}
	rc = family == 4
		? setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof one)
		: setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &one,
			     sizeof one);
	if (rc < 0 || keep_tracked(fd) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) {
		return fail(fd);
	}
	return fd;
}

/* Drop what comes to its own port, before anything is answered. */
static int
hide_port(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof at;
	uint16_t port;

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
		return -1;
	}
	if (at.ss_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, &at, sizeof v4);
		port = ntohs(v4.sin_port);
	} else {
		struct sockaddr_in6 v6;

		memcpy(&v6, &at, sizeof v6);
		port = ntohs(v6.sin6_port);
	}
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, DPORT_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {
		.len = sizeof filter / sizeof filter[0],
		.filter = filter,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof program);
}

int
spare_listener(unsigned family)
{
	const struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	const struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	const int fd = open_socket(family);
	const int one = 1;
	int rc;

	if (fd < 0) {
		return fd;
	}
	if (family == 6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) {
		return fail(fd);
	}
	rc = family == 4 ? bind(fd, (const struct sockaddr *)&v4, sizeof v4)
			 : bind(fd, (const struct sockaddr *)&v6, sizeof v6);
	if (rc < 0 || hide_port(fd) < 0 || listen(fd, BACKLOG) < 0) {
		return fail(fd);
	}
	return fd;
}
