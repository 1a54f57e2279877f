#include "daemon/sd_notify.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager that reads nothing for so long gets no notice. */
#define TRIES_MAX 10
#define TRY_MS 20

/* Do not wait for a manager that hangs, and ignore one that is gone. */
static void
tell(int fd, const struct sockaddr_un *addr, socklen_t len, const char *state)
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		if (sendto(fd, state, strlen(state),
			   MSG_NOSIGNAL | MSG_DONTWAIT,
			   (const struct sockaddr *)addr, len) >= 0 ||
		    (errno != EAGAIN && errno != EINTR)) {
			return;
		}
		poll(NULL, 0, TRY_MS);
	}
}

void
notify_manager(const char *state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@')) {
		return;
	}
	len = strlen(path);
	if (len >= sizeof addr.sun_path) {
		return;
	}
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@') {
		addr.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		tell(fd, &addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len),
		     state);
		close(fd);
	}
}
