#include "conf/splice.h"

#include <string.h>

int
edit_apply(struct secret_buf *out, const char *text, size_t len,
	   const struct edit *edits, size_t count)
{
	size_t at = 0;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = secret_append(out, text + at, edits[i].at - at);
		if (rc == 0) {
			rc = secret_append(out, edits[i].with,
					   edits[i].with_len);
		}
		at = edits[i].at + edits[i].len;
	}
	return rc < 0 ? rc : secret_append(out, text + at, len - at);
}

const char *
edit_newline(const struct conf_file *file)
{
	const char *end =
		file->len ? memchr(file->text, '\n', file->len) : NULL;

	return end && end > file->text && end[-1] == '\r' ? "\r\n" : "\n";
}

const char *
edit_gap(const struct conf_file *file)
{
	bool crlf = edit_newline(file)[0] == '\r';

	if (file->len == 0) {
		return "";
	}
	if (file->text[file->len - 1] == '\r') {
		/*
		 * LF completes the line's end; with CR LF, its CR would become
		 * text.
		 */
		return !file->more ? "\n" : crlf ? "\n\r\n" : "\n\n";
	}
	if (file->text[file->len - 1] != '\n') {
		/* A backslash at the end would continue the line. */
		if (file->more) {
			return crlf ? "\r\n\r\n" : "\n\n";
		}
		return crlf ? "\r\n" : "\n";
	}
	if (file->more) {
		return crlf ? "\r\n" : "\n";
	}
	return "";
}

struct edit_place
edit_place_of(const struct conf_file *file, const struct conf_word *word)
{
	size_t len = strlen(word->value);
	struct edit_place place;
	size_t last;

	/* The parser leaves the quote before a value where it was. */
	place.quoted = word->value[-1] == '"';
	place.at = conf_offset(file, word->value);
	last = conf_offset(file, word->value + len - 1) + 1;
	place.len = last - place.at;
	place.end =
		place.quoted ? conf_offset(file, word->value + len) + 1 : last;
	return place;
}
