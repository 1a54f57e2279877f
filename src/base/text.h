/*
 * Text built in a buffer of the caller's: what does not fit is left out
 * and noted, never written past the end.  Always ended by NUL.
 */
#ifndef TAP_BASE_TEXT_H
#define TAP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *out;
	size_t size, len;
	bool full;
};

struct text text_over(char *out, size_t size);
void text_put(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The end of a noun that is counted: "" for one, else "s". */
const char *text_s(size_t count);

/* The bytes of the UTF-8 sequence (RFC 3629) at its beginning; 0: none. */
size_t text_sequence(const char *text);
/* In place of each control character, also of C1, a '?': it is one line. */
void text_clean(char *text);

/* As text_put() with "%s" and "%llu", for lines that are written often. */
void text_add(struct text *t, const char *string);
void text_number(struct text *t, unsigned long long number);

#endif
