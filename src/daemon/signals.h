/*
 * What server and client do alike around their queues: signals, the
 * control socket, and asking a running one.
 */
#ifndef TAP_DAEMON_SIGNALS_H
#define TAP_DAEMON_SIGNALS_H

#include <stdbool.h>

#include "daemon/control.h"
#include "base/text.h"

enum daemon_signal { DAEMON_NOTHING, DAEMON_STOP, DAEMON_RELOAD };

/*
 * Take SIGINT, SIGTERM, SIGHUP and SIGCHLD as a descriptor.  It, or
 * -errno.
 */
int daemon_signals(void);
/*
 * What the signals that came ask for, without waiting: to stop goes
 * first.  *number (or NULL) gets the signal, or 0 where a terminal sent
 * it, which sends it to the whole foreground.
 */
enum daemon_signal daemon_signal(int fd, int *number);

/*
 * Listen for requests under a name.  A descriptor, or -1 with a warning
 * in the log: names are anybody's to take, and nobody shall keep the
 * daemon from its work by that.
 */
int daemon_control(const char *name);

/*
 * Answer all requests that are waiting with the text that `answer`
 * writes; with none, where a request is none that it knows.
 */
void daemon_answer(int fd,
		   void (*answer)(void *context, enum control_request request,
				  struct text *t),
		   void *context);

#endif
