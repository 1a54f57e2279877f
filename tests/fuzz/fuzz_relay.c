/* SPDX-License-Identifier: ISC */
/*
 * The relay between standard input and output and a connection: all bytes
 * come out at the other end, in both directions, whoever ends first.  The
 * length of what goes out, then both.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/piece.h"

static int in_fd, out_fd, far_fd;

/* The socket becomes an end of a pair whose other one the test has. */
static int
connect_far(int fd, const struct sockaddr *to, socklen_t len)
{
	const int flags = fcntl(fd, F_GETFL);

	(void)to;
	(void)len;
	CHECK(dup2(far_fd, fd) == fd);
	return fcntl(fd, F_SETFL, flags);
}

#undef STDIN_FILENO
#undef STDOUT_FILENO
#define STDIN_FILENO in_fd
#define STDOUT_FILENO out_fd
#define connect connect_far
#include "measure/connect.c"

#include "client/relay.c"
#undef connect

/* A pair; what is in it is all that comes. */
static void
fill_pair(int ends[2], const uint8_t *bytes, size_t len)
{
	const int room = 1 << 20;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	/* One input fits: nobody has to read meanwhile. */
	for (int i = 0; i < 2; i++) {
		CHECK(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room,
				 sizeof room) == 0);
	}
	CHECK(len == 0 || write(ends[1], bytes, len) == (ssize_t)len);
	CHECK(shutdown(ends[1], SHUT_WR) == 0);
}

static void
check_all(int fd, const uint8_t *bytes, size_t len)
{
	static uint8_t got[1 << 20];
	size_t have = 0;
	ssize_t n;

	while ((n = recv(fd, got + have, sizeof got - have, MSG_DONTWAIT)) >
	       0) {
		have += (size_t)n;
	}
	CHECK(have == len && (len == 0 || memcmp(got, bytes, len) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct host_addr to = {
		.addr = { .family = 4, .bytes = { 127, 0, 0, 1 } },
	};
	struct cursor c = cursor_over(data, size);
	size_t out_len = cursor_u16(&c);
	const uint8_t *out, *back;
	int in[2], far[2], result[2];
	size_t back_len;
	size_t failed;
	int told = -1;

	out = piece(&c, &out_len);
	back_len = cursor_left(&c);
	back = piece(&c, &back_len);
	fill_pair(in, out, out_len);
	fill_pair(far, back, back_len);
	fill_pair(result, NULL, 0);
	in_fd = in[0];
	out_fd = result[0];
	far_fd = far[0];
	CHECK(relay(&to, 1, 22, &told, &failed) == 0);
	check_all(result[1], back, back_len);
	check_all(far[1], out, out_len);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(far[i]);
	}
	/* The other one is closed by now. */
	close(result[1]);
	return 0;
}
