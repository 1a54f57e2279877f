/*
 * The pipe by which a client on Windows is asked: \\.\pipe\tap-client, of
 * which there is one, and so one client.  Who started it, the system and its
 * administrators may ask, from this host alone; and a pipe that is anybody
 * else's is not believed, nor let act as who asks.
 */
#ifndef TAP_CLIENT_PIPE_H
#define TAP_CLIENT_PIPE_H

#include <stdbool.h>

#include "base/text.h"

/* A byte, that is answered with text. */
enum pipe_request {
	PIPE_STATUS_TEXT = 't',
	PIPE_STATUS_JSON = 'j',
	PIPE_STOP = 's', /* with none; it ends then */
};

#define PIPE_REPLY_MAX 8192u

/*
 * Answer from now on, by a thread of its own; or by none, where somebody else
 * has taken the name.  False: another client runs, which is in the log.
 */
bool pipe_open(void (*answer)(enum pipe_request request, struct text *out),
	       void (*stop)(void));

/*
 * Ask the client that runs, into PIPE_REPLY_MAX bytes, which NUL ends; for
 * PIPE_STOP it has ended then.  An exit status: TAP_NO where there is none;
 * unless quiet, that is said.
 */
int pipe_ask(enum pipe_request request, char *out, bool quiet);

#endif
