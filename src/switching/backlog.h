/*
 * Bytes that wait for a socket: memory is there only while some do.
 */
#ifndef TAP_SWITCHING_BACKLOG_H
#define TAP_SWITCHING_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

struct backlog {
	uint8_t *bytes;       /* owned, or NULL */
	size_t at, len, room; /* of the first; how many; of all */
};

/* Of all there are, bytes: a decoy that hangs is behind in many sessions. */
#define BACKLOG_ALL_MAX ((size_t)256 << 20)
size_t backlog_all(void);

/* Append, up to `most` in all.  0, -ENOBUFS (too many) or -ENOMEM. */
int backlog_add(struct backlog *b, const void *bytes, size_t len, size_t most);
/* Send what goes without waiting.  0, or -errno of send(2): never -EAGAIN. */
int backlog_send(struct backlog *b, int fd);
void backlog_free(struct backlog *b);

#endif
