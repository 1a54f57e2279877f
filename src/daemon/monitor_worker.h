/*
 * What the worker says to the monitor, and asks: see monitor.h.
 */
#ifndef TAP_DAEMON_MONITOR_WORKER_H
#define TAP_DAEMON_MONITOR_WORKER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/pass_fds.h"

#define MONITOR_QUESTION_MAX 512u
#define MONITOR_FDS PASS_FDS_MAX /* with an answer */
/* How long the worker waits for an answer. */
#define MONITOR_ANSWER_MS 500
/*
 * What the worker sends begins with a byte that says what it is; behind that of
 * a question comes its number, with which the answer begins.
 */
enum monitor_message { MONITOR_IS_READY = 'r', MONITOR_IS_ASKED = 'q' };

/* It is ready, and handles packets; told is passed to ready(). */
void monitor_ready(int to_monitor, uint32_t told);
/*
 * Ask the monitor, without waiting: pass_fds_receive() gets this number and
 * the answer behind it.  0 or -errno.
 */
int monitor_question(int to_monitor, uint8_t number, const void *question,
		     size_t len);
/*
 * Ask the monitor, and wait.  The length of the answer, which has room for
 * MONITOR_QUESTION_MAX bytes; or -errno.  Descriptors that come with it are
 * put in fds, in their order, where it is not NULL; what does not come is left
 * as it was, or -1.
 */
ssize_t monitor_ask(int to_monitor, const void *question, size_t len,
		    void *answer, int fds[MONITOR_FDS]);

#endif
