#include "acl/diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

#define CONTEXT ((size_t)3)
/* Lines of both looked ahead for where two texts meet again. */
#define AHEAD ((size_t)400)

struct lines {
	const char *text;
	size_t *start; /* of each line, and the end; owned */
	size_t count;
};

/* Lines [a, a_end) of the old text became [b, b_end) of the new one. */
struct change {
	size_t a, a_end, b, b_end;
};

struct diff {
	struct lines a, b;
	struct change *changes; /* owned */
	size_t count, room;
};

static int
split(struct lines *lines, const char *text, size_t len)
{
	size_t most = 1;
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		most += text[i] == '\n';
	}
	lines->text = text;
	lines->count = 0;
	lines->start = calloc(most + 1, sizeof *lines->start);
	if (!lines->start) {
		return -ENOMEM;
	}
	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);

		lines->start[lines->count++] = at;
		at = end ? (size_t)(end - text) + 1 : len;
	}
	lines->start[lines->count] = len;
	return 0;
}

static bool
same(const struct diff *d, size_t a, size_t b)
{
	size_t len = d->a.start[a + 1] - d->a.start[a];

	return len == d->b.start[b + 1] - d->b.start[b] &&
		memcmp(d->a.text + d->a.start[a], d->b.text + d->b.start[b],
		       len) == 0;
}

/* The nearest place where both go on alike; the ends where there is none. */
static void
meet(const struct diff *d, struct change *change)
{
	for (size_t both = 1; both <= AHEAD; both++) {
		for (size_t skip = 0; skip <= both; skip++) {
			size_t a = change->a + skip;
			size_t b = change->b + both - skip;

			if (a < d->a.count && b < d->b.count && same(d, a, b)) {
				change->a_end = a;
				change->b_end = b;
				return;
			}
		}
	}
	change->a_end = d->a.count;
	change->b_end = d->b.count;
}

static int
note(struct diff *d, const struct change *change)
{
	if (grow(&d->changes, d->count, &d->room, sizeof *d->changes) < 0) {
		return -ENOMEM;
	}
	d->changes[d->count++] = *change;
	return 0;
}

static int
compare(struct diff *d)
{
	size_t a = 0;
	size_t b = 0;
	int rc = 0;

	while (rc == 0 && (a < d->a.count || b < d->b.count)) {
		struct change change = { a, d->a.count, b, d->b.count };

		if (a < d->a.count && b < d->b.count) {
			if (same(d, a, b)) {
				a++;
				b++;
				continue;
			}
			meet(d, &change);
		}
		rc = note(d, &change);
		a = change.a_end;
		b = change.b_end;
	}
	return rc;
}

static int
put(struct secret_buf *out, char mark, const struct lines *lines, size_t from,
    size_t to)
{
	for (; from < to; from++) {
		const char *at = lines->text + lines->start[from];
		size_t len = lines->start[from + 1] - lines->start[from];

		if (secret_append(out, &mark, 1) < 0 ||
		    secret_append(out, at, len) < 0 ||
		    (at[len - 1] != '\n' &&
		     secret_puts(out, "\n\\ No newline at end of file\n") <
			     0)) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Changes [first, last], with what is between and around them. */
static int
put_hunk(const struct diff *d, struct secret_buf *out,
	 const struct change *first, const struct change *last)
{
	size_t before = first->a < CONTEXT ? first->a : CONTEXT;
	size_t rest = d->a.count - last->a_end;
	size_t after = rest < CONTEXT ? rest : CONTEXT;
	size_t a = first->a - before;
	size_t lines_a = last->a_end + after - a;
	size_t lines_b = last->b_end + after - (first->b - before);
	char head[128];
	int rc;

	/* A side without lines is counted from 0. */
	snprintf(head, sizeof head, "@@ -%zu,%zu +%zu,%zu @@\n",
		 a + (lines_a > 0), lines_a, first->b - before + (lines_b > 0),
		 lines_b);
	rc = secret_puts(out, head);
	for (const struct change *at = first; at <= last && rc == 0; at++) {
		rc = put(out, ' ', &d->a, a, at->a);
		if (rc == 0) {
			rc = put(out, '-', &d->a, at->a, at->a_end);
		}
		if (rc == 0) {
			rc = put(out, '+', &d->b, at->b, at->b_end);
		}
		a = at->a_end;
	}
	return rc < 0 ? rc : put(out, ' ', &d->a, a, a + after);
}

static int
put_all(const struct diff *d, struct secret_buf *out, const char *path)
{
	int rc = 0;

	if (d->count == 0) {
		return 0;
	}
	if (secret_puts(out, "--- ") < 0 || secret_puts(out, path) < 0 ||
	    secret_puts(out, "\n+++ ") < 0 || secret_puts(out, path) < 0 ||
	    secret_puts(out, "\n") < 0) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < d->count && rc == 0; i++) {
		const struct change *first = &d->changes[i];

		/* Changes whose contexts overlap make one hunk. */
		while (i + 1 < d->count &&
		       d->changes[i + 1].a - d->changes[i].a_end <=
			       2 * CONTEXT) {
			i++;
		}
		rc = put_hunk(d, out, first, &d->changes[i]);
	}
	return rc;
}

int
diff_unified(struct secret_buf *out, const char *path, const char *old,
	     size_t old_len, const char *new, size_t new_len)
{
	struct diff d = { 0 };
	int rc = split(&d.a, old, old_len);

	if (rc == 0) {
		rc = split(&d.b, new, new_len);
	}
	if (rc == 0) {
		rc = compare(&d);
	}
	if (rc == 0) {
		rc = put_all(&d, out, path);
	}
	free(d.a.start);
	free(d.b.start);
	free(d.changes);
	return rc;
}
