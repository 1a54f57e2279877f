/*
 * JSON (RFC 8259), read: a token at a time, out of text that may be
 * anybody's.
 *
 * Pure.
 */
#ifndef TAP_BASE_JSON_READ_H
#define TAP_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_READ_DEPTH_MAX 32u
#define JSON_READ_TEXT_MAX 1024u /* what is kept of a string */

enum json_token {
	JSON_ERROR = -1, /* see why and line; then it is over */
	JSON_END,        /* of the text */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_NAME, /* of a member; its value comes next */
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_read {
	const char *pos, *end;
	const char *why;
	unsigned long line;
	size_t depth;
	bool in_object[JSON_READ_DEPTH_MAX];
	enum {
		JSON_WANT_VALUE,
		JSON_WANT_FIRST,
		JSON_WANT_MORE,
		JSON_WANT_DONE
	} want;
	bool named;
	/* A name's or a string's text, or a number's digits; ended by NUL. */
	char text[JSON_READ_TEXT_MAX];
	bool cut; /* it was longer */
};

void json_read_init(struct json_read *j, const char *text, size_t len);
enum json_token json_read_next(struct json_read *j);

#endif
