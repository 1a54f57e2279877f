/*
 * RESP2, which Redis and Valkey speak (redis.io, "Redis serialization
 * protocol specification"): commands written, replies read.
 *
 *   command   *COUNT\r\n, and for each part $LENGTH\r\n BYTES \r\n
 *   reply     +TEXT  -ERROR  :NUMBER  $LENGTH\r\nBYTES  $-1  *COUNT  \r\n
 *
 * Whoever answers is not trusted: a reply has bounds, and an array is of
 * replies that are none.
 *
 * Pure.
 */
#ifndef TAP_BASE_RESP_H
#define TAP_BASE_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESP_LINE_MAX 512u   /* an error's text is some dozen bytes */
#define RESP_BULK_MAX 16384u /* a part of INFO has two thousand */
#define RESP_ITEMS_MAX 2u
#define RESP_PARTS_MAX 6u

enum resp_type {
	RESP_SIMPLE,
	RESP_ERROR,
	RESP_NUMBER,
	RESP_BULK,
	RESP_NIL,
	RESP_ARRAY,
};

/* Its bytes, without a NUL, stay where they were read. */
struct resp_item {
	enum resp_type type;
	const char *bytes;
	size_t len;
};

struct resp_reply {
	struct resp_item whole;
	size_t count; /* items of an array */
	struct resp_item items[RESP_ITEMS_MAX];
};

/*
 * Read the reply that the bytes begin with.  Its length; 0 where more has to
 * come; -1 where it is none, or too long.
 */
ptrdiff_t resp_read(struct resp_reply *reply, const uint8_t *bytes, size_t len);

/*
 * Read an item by itself: of an array its header alone, with the number of its
 * items in *count, which is below 0 where there is none.  As resp_read().
 */
ptrdiff_t resp_item(struct resp_item *item, const uint8_t *bytes, size_t len,
		    long *count);

/* Whether an item is this text. */
bool resp_is(const struct resp_item *item, const char *text);

/*
 * Write a command of `count` parts, RESP_PARTS_MAX at the most, each ended by
 * NUL.  Its length, or 0 where it does not fit in size.
 */
size_t resp_write(uint8_t *out, size_t size, const char *const *parts,
		  size_t count);

#endif
