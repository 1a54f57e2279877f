/*
 * What server and client do alike around their queues: signals, the
 * control socket, and asking a running one.
 */
#ifndef TAP_DAEMON_H
#define TAP_DAEMON_H

#include <stdbool.h>

#include "control.h"
#include "text.h"

enum daemon_signal { DAEMON_NOTHING, DAEMON_STOP, DAEMON_RELOAD };

/* Take SIGINT, SIGTERM and SIGHUP as a descriptor.  It, or -errno. */
int daemon_signals(void);
/* What a signal that came asks for; without waiting. */
enum daemon_signal daemon_signal(int fd);

/*
 * Answer all requests that are waiting with the text that `status`
 * writes.
 */
void daemon_answer(int fd,
		   void (*status)(void *context, bool json, struct text *t),
		   void *context);

#endif
