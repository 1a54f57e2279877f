#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/undumpable.h"

void
secret_harden(void)
{
	const struct rlimit none = { 0, 0 };

	undumpable_refuse();
	(void)setrlimit(RLIMIT_CORE, &none);
	/*
	 * Not MCL_FUTURE: with a limit on locked memory, whatever comes
	 * later would then fail instead of not being locked.
	 */
	(void)mlockall(MCL_CURRENT);
}

/* In front of each block; a line of cache, so that the rest is aligned. */
union head {
	size_t size; /* of the block, without this */
	char room[64];
};

#ifdef __SANITIZE_ADDRESS__
/* With a sanitizer use malloc(3), whose bounds it checks. */
static void *
pages_new(size_t size)
{
	return calloc(1, size);
}

static void
pages_free(void *pages, size_t size)
{
	(void)size;
	free(pages);
}
#else
static void *
pages_new(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED) {
		return NULL;
	}
	(void)mlock(pages, size);
#ifdef MADV_DONTDUMP
	(void)madvise(pages, size, MADV_DONTDUMP);
#endif
	return pages;
}

static void
pages_free(void *pages, size_t size)
{
	munmap(pages, size);
}
#endif

void *
secret_new(size_t size)
{
	union head *head;

	if (size > SIZE_MAX / 2) {
		return NULL;
	}
	head = pages_new(sizeof *head + size);
	if (!head) {
		return NULL;
	}
	head->size = size;
	return head + 1;
}

void
secret_free(void *block)
{
	union head *head = block;

	if (head) {
		head--;
		bytes_wipe(block, head->size);
		pages_free(head, sizeof *head + head->size);
	}
}

void *
secret_resize(void *block, size_t size)
{
	void *other = secret_new(size);
	const union head *head = block;

	if (!other) {
		return NULL;
	}
	if (head) {
		size_t old = head[-1].size;

		memcpy(other, block, old < size ? old : size);
		secret_free(block);
	}
	return other;
}

int
secret_grow(void *array, size_t count, size_t *room, size_t size)
{
	const size_t more = *room ? *room * 2 : 16;
	void **at = array;
	void *bigger;

	if (count < *room) {
		return 0;
	}
	bigger = secret_resize(*at, more * size);
	if (!bigger) {
		return -ENOMEM;
	}
	*at = bigger;
	*room = more;
	return 0;
}

int
secret_append(struct secret_buf *buf, const void *bytes, size_t len)
{
	size_t size = buf->size ? buf->size : 4096;
	char *bigger;

	if (len > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4) {
		return -ENOMEM;
	}
	while (size - buf->len < len) {
		size *= 2;
	}
	if (size > buf->size) {
		bigger = secret_resize(buf->bytes, size);
		if (!bigger) {
			return -ENOMEM;
		}
		buf->bytes = bigger;
		buf->size = size;
	}
	if (len > 0) {
		memcpy(buf->bytes + buf->len, bytes, len);
	}
	buf->len += len;
	return 0;
}

int
secret_puts(struct secret_buf *buf, const char *string)
{
	return secret_append(buf, string, strlen(string));
}

void
secret_drop(struct secret_buf *buf)
{
	secret_free(buf->bytes);
	*buf = (struct secret_buf){ 0 };
}
