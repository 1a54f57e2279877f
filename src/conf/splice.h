/*
 * Changes to a text that leave the rest of it byte for byte as it is.
 */
#ifndef TAP_CONF_SPLICE_H
#define TAP_CONF_SPLICE_H

#include <stddef.h>

#include "conf/grammar.h"
#include "base/secret.h"

/* Put text[at .. at + len) away, and `with` in its place. */
struct edit {
	size_t at, len;
	const char *with; /* with_len bytes */
	size_t with_len;
};

/*
 * Append the changed text to out.  Edits stand in their order and do not
 * overlap; those at the same place follow each other.  0 or -ENOMEM.
 */
int edit_apply(struct secret_buf *out, const char *text, size_t len,
	       const struct edit *edits, size_t count);

/* How the lines of a file end: "\n" or "\r\n". */
const char *edit_newline(const struct conf_file *file);

/*
 * What has to stand between a file, read to its end, and a line that is
 * appended to it: "" where the file's last line has an end.
 */
const char *edit_gap(const struct conf_file *file);

/* Where the value of a word stands in a file, within its quotes if any. */
struct edit_place {
	size_t at, len;
	bool quoted;
	size_t end; /* behind the value and its quotes */
};

/* For a word of the line read last. */
struct edit_place edit_place_of(const struct conf_file *file,
				const struct conf_word *word);

#endif
