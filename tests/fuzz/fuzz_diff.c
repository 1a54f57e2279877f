/* SPDX-License-Identifier: ISC */
/*
 * The difference of two texts: what patch(1) would make of it and the old
 * text is the new one.  The length of the old text, then both.
 */
#include "fuzz.h"

#include <string.h>

#include "acl/diff.h"
#include "fuzz/piece.h"

struct text_left {
	const char *at;
	size_t len;
};

/* The next line, with its newline if it has one. */
static struct text_left
next_line(struct text_left *t)
{
	const char *end = t->len ? memchr(t->at, '\n', t->len) : NULL;
	struct text_left line = {
		t->at,
		end ? (size_t)(end - t->at) + 1 : t->len,
	};

	t->at += line.len;
	t->len -= line.len;
	return line;
}

static void
put(struct secret_buf *out, struct text_left line)
{
	CHECK(secret_append(out, line.at, line.len) == 0);
}

static bool
begins(struct text_left line, const char *with)
{
	size_t len = strlen(with);

	return line.len >= len && memcmp(line.at, with, len) == 0;
}

/* A line of a hunk, which may say that it has no newline. */
static struct text_left
content(struct text_left line, struct text_left *diff)
{
	line.at++;
	line.len--;
	if (begins(*diff, "\\ No newline")) {
		next_line(diff);
		line.len--;
	}
	return line;
}

/* Returns how many lines of the old text it had. */
static size_t
hunk(struct text_left *diff, struct text_left *old, struct secret_buf *out)
{
	size_t count = 0;

	while (diff->len > 0 && !begins(*diff, "@@")) {
		struct text_left line = next_line(diff);
		const char kind = *line.at;

		CHECK(kind == ' ' || kind == '+' || kind == '-');
		line = content(line, diff);
		if (kind != '+') {
			struct text_left was = next_line(old);

			CHECK(was.len == line.len &&
			      memcmp(was.at, line.at, was.len) == 0);
			count++;
		}
		if (kind != '-') {
			put(out, line);
		}
	}
	return count;
}

static void
patch(struct text_left diff, struct text_left old, struct secret_buf *out)
{
	size_t done = 0; /* lines of the old text */

	CHECK(begins(next_line(&diff), "--- f\n"));
	CHECK(begins(next_line(&diff), "+++ f\n"));
	while (diff.len > 0) {
		struct text_left head = next_line(&diff);
		char text[128] = "";
		size_t line, count;

		CHECK(begins(head, "@@ -") && head.len < sizeof text);
		memcpy(text, head.at, head.len);
		CHECK(sscanf(text, "@@ -%zu,%zu ", &line, &count) == 2);
		/* Up to there it is as it was; a side without lines is at 0. */
		for (; done + (count > 0) < line; done++) {
			CHECK(old.len > 0);
			put(out, next_line(&old));
		}
		CHECK(hunk(&diff, &old, out) == count);
		done += count;
	}
	put(out, old);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	size_t len = cursor_u16(&c);
	struct secret_buf diff = { 0 }, made = { 0 };
	struct text_left old, new;

	old.len = len;
	old.at = (const char *)piece(&c, &old.len);
	new.len = cursor_left(&c);
	new.at = (const char *)piece(&c, &new.len);
	CHECK(diff_unified(&diff, "f", old.at, old.len, new.at, new.len) == 0);
	if (diff.len == 0) {
		CHECK(old.len == new.len &&
		      (new.len == 0 || memcmp(old.at, new.at, new.len) == 0));
	} else {
		patch((struct text_left){ diff.bytes, diff.len }, old, &made);
		CHECK(made.len == new.len &&
		      (new.len == 0 ||
		       memcmp(made.bytes, new.at, new.len) == 0));
	}
	secret_drop(&diff);
	secret_drop(&made);
	return 0;
}
