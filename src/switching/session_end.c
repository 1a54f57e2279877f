#include "switching/session_end.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switching/dial.h"

void
session_end_close(struct session_end *end, bool reset)
{
	if (end->fd >= 0 && reset) {
		dial_reset(end->fd);
	} else if (end->fd >= 0) {
		close(end->fd);
	}
	end->fd = -1;
	end->events = 0;
	end->connected = false;
	backlog_free(&end->out);
}

void
session_end_want(int epoll, struct session_end *end, uint32_t events)
{
	struct epoll_event e = { .events = events, .data = { .ptr = end } };

	if (end->fd < 0 || events == end->events) {
		return;
	}
	(void)epoll_ctl(epoll,
			events == 0                ? EPOLL_CTL_DEL
				: end->events == 0 ? EPOLL_CTL_ADD
						   : EPOLL_CTL_MOD,
			end->fd, &e);
	end->events = events;
}

void
session_end_shut(struct session_end *end)
{
	if (end->connected && !end->shut && end->out.len == 0) {
		end->shut = true;
		(void)shutdown(end->fd, SHUT_WR);
	}
}

int
session_end_say(struct session_end *end, const uint8_t *bytes, size_t len,
		size_t most)
{
	size_t said = 0;

	if (end->connected && end->out.len == 0) {
		const ssize_t sent =
			send(end->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
		said = sent < 0 ? 0 : (size_t)sent;
	}
	return backlog_add(&end->out, bytes + said, len - said, most);
}
