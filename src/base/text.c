#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define DIGITS_MAX 20 /* of 64 bits */

struct text
text_over(char *out, size_t size)
{
	out[0] = '\0';
	return (struct text){ .out = out, .size = size };
}

void
text_put(struct text *t, const char *format, ...)
{
	size_t room = t->size - t->len;
	va_list args;
	int len;

	if (t->full) {
		return;
	}
	va_start(args, format);
	len = vsnprintf(t->out + t->len, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room) {
		t->out[t->len] = '\0';
		t->full = true;
		return;
	}
	t->len += (size_t)len;
}

const char *
text_s(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Byte by byte: a call for so few of them costs more. */
void
text_add(struct text *t, const char *string)
{
	const size_t before = t->len;

	if (t->full) {
		return;
	}
	while (*string && t->len + 1 < t->size) {
		t->out[t->len++] = *string++;
	}
	if (*string) {
		t->len = before;
		t->full = true;
	}
	t->out[t->len] = '\0';
}

void
text_number(struct text *t, unsigned long long number)
{
	char digits[DIGITS_MAX + 1];
	size_t at = DIGITS_MAX;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_add(t, digits + at);
}
