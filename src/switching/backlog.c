#include "switching/backlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROOM_MIN 4096u

static size_t all;

size_t
backlog_all(void)
{
	return all;
}

void
backlog_free(struct backlog *b)
{
	free(b->bytes);
	all -= b->room;
	*b = (struct backlog){ .bytes = NULL };
}

static int
make_room(struct backlog *b, size_t len, size_t most)
{
	size_t room = b->room ? b->room : ROOM_MIN;
	uint8_t *bytes;

	if (b->at > 0) {
		memmove(b->bytes, b->bytes + b->at, b->len);
		b->at = 0;
	}
	if (len <= b->room - b->len) {
		return 0;
	}
	while (room - b->len < len) {
		room *= 2;
	}
	room = room < most ? room : most;
	bytes = realloc(b->bytes, room);
	if (!bytes) {
		return -ENOMEM;
	}
	b->bytes = bytes;
	all += room - b->room;
	b->room = room;
	return 0;
}

int
backlog_add(struct backlog *b, const void *bytes, size_t len, size_t most)
{
	int rc;

	if (len == 0) {
		return 0;
	}
	if (b->len > most || len > most - b->len) {
		return -ENOBUFS;
	}
	rc = make_room(b, len, most);
	if (rc < 0) {
		return rc;
	}
	memcpy(b->bytes + b->at + b->len, bytes, len);
	b->len += len;
	return 0;
}

int
backlog_send(struct backlog *b, int fd)
{
	while (b->len > 0) {
		const ssize_t sent = send(fd, b->bytes + b->at, b->len,
					  MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0) {
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		}
		b->at += (size_t)sent;
		b->len -= (size_t)sent;
	}
	backlog_free(b);
	return 0;
}
