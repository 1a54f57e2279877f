/*
 * A process that was forked, and is to have nothing of what its parent has.
 */
#ifndef TAP_DAEMON_ISOLATE_H
#define TAP_DAEMON_ISOLATE_H

#include <stddef.h>

#define ISOLATE_FDS_MAX 16u

/*
 * Close all descriptors but 0 to 2, the log's and these (those below 0 are
 * none), and let go of all memory that is shared but this.  0 or -errno.
 */
int isolate(const int *fds, size_t count, const void *shared);
/* The memory alone; all of it, where that is NULL. */
int isolate_memory(const void *shared);

#endif
