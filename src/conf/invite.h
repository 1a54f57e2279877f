/*
 * A sealed file (seal.h) as one line of text, to be pasted or scanned:
 * what `tap keygen --invite` prints and `tap client --accept` reads.
 *
 *   tap:1:BASE64URL     RFC 4648, section 5, without padding
 *
 * The number is the version of what follows.  The seal's tag tells a line
 * that was changed.
 *
 * Pure.
 */
#ifndef TAP_CONF_INVITE_H
#define TAP_CONF_INVITE_H

#include <stddef.h>
#include <stdint.h>

#define INVITE_LINE_MAX 4000u  /* a terminal passes on 4095 bytes of one */
#define INVITE_BYTES_MAX 2995u /* that it can hold */

enum invite_result {
	INVITE_OK,
	INVITE_NONE,      /* no such line */
	INVITE_NEWER,     /* of another version */
	INVITE_LONG,      /* longer than INVITE_LINE_MAX */
	INVITE_CHARACTER, /* something in it that can't be */
	INVITE_SHORT,     /* ends too early */
};

/* What a result means, in words. */
const char *invite_result_text(enum invite_result result);

/*
 * Write bytes as a line, ended by NUL.  Its length, or 0 where they are
 * more than INVITE_BYTES_MAX.
 */
size_t invite_write(char line[INVITE_LINE_MAX + 1], const void *bytes,
		    size_t len);

/* Read a line of len bytes; blanks and ends of line are passed over. */
enum invite_result invite_read(uint8_t out[INVITE_BYTES_MAX], size_t *out_len,
			       const char *line, size_t len);

#endif
