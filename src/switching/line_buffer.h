/*
 * Lines out of a stream of bytes, in memory that is bounded: one that is
 * longer is left out.
 *
 * Pure.
 */
#ifndef TAP_SWITCHING_LINE_BUFFER_H
#define TAP_SWITCHING_LINE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct line_buffer {
	char *bytes; /* the caller's, `size` of them */
	size_t size;
	size_t begin, end; /* what is there, and not taken yet */
	size_t looked;     /* up to here there is no end of a line */
	bool skips;        /* the rest of a line that was too long */
};

/* Where the next bytes go to, and for how many there is room: never none. */
char *line_buffer_room(struct line_buffer *b, size_t *size);
/* So many were put there. */
void line_buffer_put(struct line_buffer *b, size_t count);
/*
 * The next whole line, without its end; valid until bytes are put.  NULL: there
 * is none yet.  *skipped counts those that were too long.
 */
const char *line_buffer_next(struct line_buffer *b, size_t *len,
			     size_t *skipped);
/* The stream begins anew: forget the line that is not whole. */
void line_buffer_clear(struct line_buffer *b);

#endif
