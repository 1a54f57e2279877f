/*
 * A Windows program that knows nothing of tap: what a web server has at /.
 * usage: fetch.exe ADDRESS PORT [SECONDS]
 *
 * Winsock alone.  It ends with 28 where nobody answers, as curl does.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 10
#define NO_ANSWER 28

static int
fail(const char *what)
{
	fprintf(stderr, "fetch: %s: error %d\n", what, WSAGetLastError());
	return 1;
}

static int
wait_connected(SOCKET s, long seconds)
{
	struct timeval patience = { .tv_sec = seconds };
	fd_set done, failed;

	FD_ZERO(&done);
	FD_ZERO(&failed);
	FD_SET(s, &done);
	FD_SET(s, &failed);
	select(0, NULL, &done, &failed, &patience);
	return FD_ISSET(s, &done) ? 0 : NO_ANSWER;
}

static int
print_body(SOCKET s)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	static char answer[65536];
	const char *body;
	size_t len = 0;
	int got;

	if (send(s, request, sizeof request - 1, 0) < 0) {
		return fail("send");
	}
	while (len < sizeof answer - 1 &&
	       (got = recv(s, answer + len, (int)(sizeof answer - 1 - len),
			   0)) > 0) {
		len += (size_t)got;
	}
	answer[len] = '\0';
	body = strstr(answer, "\r\n\r\n");
	if (!body) {
		return fail("answer");
	}
	_setmode(_fileno(stdout), _O_BINARY);
	fputs(body + 4, stdout);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *to;
	u_long on = 1, off = 0;
	WSADATA winsock;
	SOCKET s;
	int rc;

	if (argc < 3 || WSAStartup(MAKEWORD(2, 2), &winsock) != 0 ||
	    getaddrinfo(argv[1], argv[2], &hints, &to) != 0) {
		fprintf(stderr, "usage: fetch ADDRESS PORT [SECONDS]\n");
		return 2;
	}
	s = socket(to->ai_family, SOCK_STREAM, 0);
	ioctlsocket(s, FIONBIO, &on);
	if (connect(s, to->ai_addr, (int)to->ai_addrlen) != 0 &&
	    WSAGetLastError() != WSAEWOULDBLOCK) {
		return fail("connect");
	}
	rc = wait_connected(s, argc > 3 ? atol(argv[3]) : SECONDS);
	ioctlsocket(s, FIONBIO, &off);
	rc = rc ? rc : print_body(s);
	closesocket(s);
	return rc;
}
