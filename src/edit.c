#include "edit.h"

#include <stdio.h>
#include <string.h>

#define CONTEXT 3u

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
	const char *end = file->len ? memchr(file->text, '\n', file->len) :
				      NULL;

	return end && end > file->text && end[-1] == '\r' ? "\r\n" : "\n";
}

const char *
edit_gap(const struct conf_file *file)
{
	bool crlf = edit_newline(file)[0] == '\r';

	if (file->len == 0) {
		return "";
	}
	if (file->text[file->len - 1] != '\n') {
		/* A backslash would take in the next line. */
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
	place.end = place.quoted ?
			    conf_offset(file, word->value + len) + 1 : last;
	return place;
}

/* A text as lines, for comparing: [pos, end) is what is left of it. */
struct lines {
	const char *text;
	size_t len;
};

static size_t
line_end(const struct lines *t, size_t at)
{
	const char *end = at < t->len ?
				  memchr(t->text + at, '\n', t->len - at) :
				  NULL;

	return end ? (size_t)(end - t->text) + 1 : t->len;
}

/* Where the line before `at`, a line's beginning, begins. */
static size_t
line_back(const struct lines *t, size_t at)
{
	while (at > 0 && --at > 0 && t->text[at - 1] != '\n') {
		;
	}
	return at;
}

static size_t
count_lines(const struct lines *t, size_t from, size_t to)
{
	size_t count = 0;

	while (from < to) {
		from = line_end(t, from);
		count++;
	}
	return count;
}

static int
put_lines(struct secret_buf *out, char mark, const struct lines *t,
	  size_t from, size_t to)
{
	while (from < to) {
		size_t end = line_end(t, from);

		if (secret_append(out, &mark, 1) < 0 ||
		    secret_append(out, t->text + from, end - from) < 0) {
			return -1;
		}
		if (t->text[end - 1] != '\n' &&
		    secret_puts(out, "\n\\ No newline at end of file\n") < 0) {
			return -1;
		}
		from = end;
	}
	return 0;
}

/* What the two have in common at both ends, in whole lines. */
static void
trim(const struct lines *a, const struct lines *b, size_t *from, size_t *end_a,
     size_t *end_b)
{
	*from = 0;
	while (*from < a->len && *from < b->len) {
		size_t end = line_end(a, *from);

		if (end != line_end(b, *from) ||
		    memcmp(a->text + *from, b->text + *from, end - *from) !=
			    0) {
			break;
		}
		*from = end;
	}
	*end_a = a->len;
	*end_b = b->len;
	while (*end_a > *from && *end_b > *from) {
		size_t back_a = line_back(a, *end_a);
		size_t back_b = line_back(b, *end_b);

		if (*end_a - back_a != *end_b - back_b || back_a < *from ||
		    back_b < *from ||
		    memcmp(a->text + back_a, b->text + back_b,
			   *end_a - back_a) != 0) {
			break;
		}
		*end_a = back_a;
		*end_b = back_b;
	}
}

int
edit_diff(struct secret_buf *out, const char *path, const char *old,
	  size_t old_len, const char *new, size_t new_len)
{
	const struct lines a = { old, old_len };
	const struct lines b = { new, new_len };
	size_t from, end_a, end_b, start, stop, lines_a, lines_b;
	char head[64];

	trim(&a, &b, &from, &end_a, &end_b);
	if (from == end_a && from == end_b) {
		return 0;
	}
	start = from;
	stop = end_a;
	for (unsigned i = 0; i < CONTEXT; i++) {
		start = line_back(&a, start);
		stop = line_end(&a, stop);
	}
	lines_a = count_lines(&a, start, stop);
	lines_b = count_lines(&a, start, from) +
		  count_lines(&b, from, end_b) + count_lines(&a, end_a, stop);
	/* A side without lines is counted from 0. */
	snprintf(head, sizeof head, "@@ -%zu,%zu +%zu,%zu @@\n",
		 count_lines(&a, 0, start) + (lines_a > 0), lines_a,
		 count_lines(&a, 0, start) + (lines_b > 0), lines_b);
	if (secret_puts(out, "--- ") < 0 || secret_puts(out, path) < 0 ||
	    secret_puts(out, "\n+++ ") < 0 || secret_puts(out, path) < 0 ||
	    secret_puts(out, "\n") < 0 || secret_puts(out, head) < 0 ||
	    put_lines(out, ' ', &a, start, from) < 0 ||
	    put_lines(out, '-', &a, from, end_a) < 0 ||
	    put_lines(out, '+', &b, from, end_b) < 0 ||
	    put_lines(out, ' ', &a, end_a, stop) < 0) {
		return -1;
	}
	return 0;
}
