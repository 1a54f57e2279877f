/* SPDX-License-Identifier: ISC */
/* Says a text to each who connects, and no more. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probes/run.h"

#define SERVED_MAX 64u

static int
listen_at(uint16_t port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	int fd =
		socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(fd, 4096) < 0) {
		die("listen");
	}
	return fd;
}

static void
greet(int fd, const char *text)
{
	int one = accept(fd, NULL, NULL);

	if (one < 0) {
		return;
	}
	if (write(one, text, strlen(text)) > 0) {
		shutdown(one, SHUT_WR);
	}
	close(one);
}

void
run_serve(char **words)
{
	struct pollfd fds[SERVED_MAX];
	const char *texts[SERVED_MAX];
	nfds_t count = 0;

	for (; *words && count < SERVED_MAX; words++, count++) {
		char *text = strchr(*words, '=');

		if (!text) {
			die(*words);
		}
		texts[count] = text + 1;
		fds[count] = (struct pollfd){ listen_at((uint16_t)strtoul(
						      *words, NULL, 10)),
					      POLLIN, 0 };
	}
	for (;;) {
		poll(fds, count, -1);
		for (nfds_t i = 0; i < count; i++) {
			if (fds[i].revents) {
				greet(fds[i].fd, texts[i]);
			}
		}
	}
}
