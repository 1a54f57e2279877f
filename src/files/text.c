#include "text.h"

#include <stdarg.h>
#include <stdio.h>

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
