#include "daemon/monitor_worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
monitor_ready(int to_monitor, uint32_t told)
{
	uint8_t message[1 + sizeof told] = { MONITOR_IS_READY };

	memcpy(message + 1, &told, sizeof told);
	(void)send(to_monitor, message, sizeof message, MSG_NOSIGNAL);
}

int
monitor_question(int to_monitor, uint8_t number, const void *question,
		 size_t len)
{
	uint8_t message[2 + MONITOR_QUESTION_MAX] = { MONITOR_IS_ASKED,
						      number };

	if (len > MONITOR_QUESTION_MAX) {
		return -EMSGSIZE;
	}
	memcpy(message + 2, question, len);
	return send(to_monitor, message, 2 + len, MSG_DONTWAIT | MSG_NOSIGNAL) <
			0
		? -ETIMEDOUT
		: 0;
}

ssize_t
monitor_ask(int to_monitor, const void *question, size_t len, void *answer,
	    int fds[MONITOR_FDS])
{
	static uint8_t number;
	struct pollfd fd = { .fd = to_monitor, .events = POLLIN };
	uint8_t reply[1 + MONITOR_QUESTION_MAX];
	const int rc = monitor_question(to_monitor, ++number, question, len);

	if (rc < 0) {
		return rc;
	}
	/* An earlier one's answer may come first, too late for it. */
	while (poll(&fd, 1, MONITOR_ANSWER_MS) == 1) {
		const ssize_t got =
			pass_fds_receive(to_monitor, reply, sizeof reply, fds);

		if (got < 1) {
			return got < 0 ? got : -EPIPE;
		}
		if (reply[0] == number) {
			memcpy(answer, reply + 1, (size_t)got - 1);
			return got - 1;
		}
		for (size_t i = 0; fds && i < MONITOR_FDS; i++) {
			if (fds[i] >= 0) {
				close(fds[i]);
			}
			fds[i] = -1;
		}
	}
	return -ETIMEDOUT;
}
