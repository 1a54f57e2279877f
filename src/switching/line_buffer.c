#include "switching/line_buffer.h"

#include <string.h>

char *
line_buffer_room(struct line_buffer *b, size_t *size)
{
	if (b->begin > 0) {
		memmove(b->bytes, b->bytes + b->begin, b->end - b->begin);
		b->end -= b->begin;
		b->looked -= b->begin;
		b->begin = 0;
	}
	/* Full without an end in it: the line is too long. */
	if (b->end == b->size) {
		b->end = b->looked = 0;
		b->skips = true;
	}
	*size = b->size - b->end;
	return b->bytes + b->end;
}

void
line_buffer_put(struct line_buffer *b, size_t count)
{
	b->end += count;
}

const char *
line_buffer_next(struct line_buffer *b, size_t *len, size_t *skipped)
{
	while (b->looked < b->end) {
		const char *line = b->bytes + b->begin;
		const char *end =
			memchr(b->bytes + b->looked, '\n', b->end - b->looked);

		if (!end) {
			b->looked = b->end;
			break;
		}
		*len = (size_t)(end - line);
		b->begin = b->looked = (size_t)(end - b->bytes) + 1;
		if (!b->skips) {
			return line;
		}
		b->skips = false;
		(*skipped)++;
	}
	if (b->begin == b->end) {
		b->begin = b->end = b->looked = 0;
	}
	return NULL;
}

void
line_buffer_clear(struct line_buffer *b)
{
	b->begin = b->end = b->looked = 0;
	b->skips = false;
}
