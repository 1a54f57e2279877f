/*
 * What server and client do alike around their queues: signals, the
 * control socket, and asking a running one.
 */
#ifndef TAP_DAEMON_SIGNALS_H
#define TAP_DAEMON_SIGNALS_H

#include <stdbool.h>

#include "conf/grammar.h"
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
 * in the log: what serves packets does not end for want of a status.
 */
int daemon_control(const char *name);

/*
 * Answer all requests that are waiting with the text that `answer`
 * writes; with none, where a request is none that it knows.  Where it
 * returns false, *peer gets its answer later, by control_reply().
 */
void daemon_answer(int fd,
		   bool (*answer)(void *context, enum control_request request,
				  const struct control_peer *peer,
				  struct text *t),
		   void *context);

/* A reload, who waits for its end, and what came of the last one. */
struct daemon_reload {
	bool awaited;
	bool begun; /* since it is */
	struct control_peer peer;
	char refused[CONF_ERROR_MAX]; /* why files were; or empty */
};

/*
 * CONTROL_RELOAD came: have it done as SIGHUP would, and answer at its
 * end.  False, as for daemon_answer(); or true, with the answer in t,
 * where another one is waited for.
 */
bool daemon_reload_begin(struct daemon_reload *r,
			 const struct control_peer *peer, struct text *t);
/* Files are about to be read: for whoever waits by now. */
void daemon_reload_start(struct daemon_reload *r);
/*
 * It has ended, with a new configuration or still with the old one: tell the
 * log, and whoever waited when it began.  Whoever asked later may mean files
 * that it did not read.
 */
void daemon_reload_done(struct daemon_reload *r, int fd, const char *line);
void daemon_reload_refuse(struct daemon_reload *r, int fd, const char *err);
/* It won't come to that: whoever waits is told that the daemon ends. */
void daemon_reload_abandon(struct daemon_reload *r, int fd);
/*
 * Whether a function, which reads the files that a reload is to read, ends in
 * time: else they lie where the monitor would hang, too.  What it returns is
 * not looked at.  False, with the reason in err (CONF_ERROR_MAX).
 */
bool daemon_files_answer(int (*read)(void *context), void *context,
			 const char *path, char *err);
/* CONTROL_STOP or CONTROL_LEAVE came: end as SIGTERM would have it. */
void daemon_stop_begin(struct text *t);

#endif
