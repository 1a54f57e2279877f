/*
 * Memory for secrets: not swapped out where the kernel allows it, in no
 * core dump, wiped when freed.
 */
#ifndef TAP_BASE_SECRET_H
#define TAP_BASE_SECRET_H

#include <stddef.h>
#include <unistd.h>

/*
 * getentropy(), of whichever header a system has it in: POSIX of 2024 and the
 * BSDs in unistd.h, macOS in one of its own.
 */
#ifdef __has_include
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif
#endif

/*
 * Call first in a command that holds secrets: no core dumps, no tracing by
 * other processes of its user, and stack and data locked in memory. If the
 * system refuses one of these, the command works without.
 */
void secret_harden(void);

/* size bytes of zeros, aligned for anything, or NULL. */
void *secret_new(size_t size);
/*
 * Move a block (or NULL) to one of another size.  Returns NULL, and
 * leaves the old one alone, where there is no memory.
 */
void *secret_resize(void *block, size_t size);
/* As grow() of base/grow.h, for an array in such blocks. */
int secret_grow(void *array, size_t count, size_t *room, size_t size);
/* Wipe and free a block, or NULL. */
void secret_free(void *block);

/* Bytes that grow. */
struct secret_buf {
	char *bytes;
	size_t len, size;
};

/* 0 or -ENOMEM. */
int secret_append(struct secret_buf *buf, const void *bytes, size_t len);
/* Append a string. */
int secret_puts(struct secret_buf *buf, const char *string);
void secret_drop(struct secret_buf *buf);

#endif
