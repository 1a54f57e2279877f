/*
 * From where a session calls its service and its decoy.
 */
#ifndef TAP_SWITCHING_SESSION_CALL_H
#define TAP_SWITCHING_SESSION_CALL_H

#include <sys/socket.h>

#include "switching/session.h"

/*
 * Begin the connection of one of its ends: from the client's address, and a
 * port that is for that, or (own) from whatever the host chooses.  0 or -errno.
 */
int session_call(struct session_host *h, struct session *s,
		 struct session_end *end, const struct sockaddr_storage *to,
		 bool own);

#endif
