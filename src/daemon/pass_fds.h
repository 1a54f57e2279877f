/*
 * Descriptors passed along with a message between two processes (unix(7),
 * SCM_RIGHTS).
 */
#ifndef TAP_DAEMON_PASS_FDS_H
#define TAP_DAEMON_PASS_FDS_H

#include <stddef.h>
#include <sys/types.h>

#define PASS_FDS_MAX 2u /* with one message */

/*
 * Send a message, without waiting, with the descriptors up to the first that
 * is below 0; here, all are closed.  Its length, or -errno.
 */
ssize_t pass_fds_send(int to, const void *bytes, size_t len,
		      const int fds[PASS_FDS_MAX]);
/*
 * The next message, without waiting: its length, or -errno.  Descriptors that
 * come with it are put in fds, where what does not come stays as it was; where
 * fds is NULL, they are closed.
 */
ssize_t pass_fds_receive(int from, void *bytes, size_t size,
			 int fds[PASS_FDS_MAX]);

#endif
