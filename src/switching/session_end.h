/*
 * A socket of a session: what epoll is asked of it, what it has not taken yet,
 * and what is over.
 */
#ifndef TAP_SWITCHING_SESSION_END_H
#define TAP_SWITCHING_SESSION_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switching/backlog.h"

struct session;

struct session_end {
	struct session *session;
	int fd;          /* or below 0 */
	uint32_t events; /* that epoll is asked for; 0: it is not */
	bool connected;
	bool ended;         /* no more comes from it */
	bool shut;          /* and it was told that no more comes */
	struct backlog out; /* what it has not taken yet */
};

void session_end_close(struct session_end *end, bool reset);
/* Have epoll ask for these; one that is asked for nothing is not there. */
void session_end_want(int epoll, struct session_end *end, uint32_t events);
/* Tell it that no more comes, if it has all that there was. */
void session_end_shut(struct session_end *end);
/*
 * As much as goes now, and the rest waits, `most` bytes of it.  0 or -errno:
 * -ENOBUFS, -ENOMEM, or of send(2).
 */
int session_end_say(struct session_end *end, const uint8_t *bytes, size_t len,
		    size_t most);

#endif
