/*
 * The live page of --watch: what a daemon answers to CONTROL_WATCH, read;
 * drawn, with what changed since the answer before; and the part of it that a
 * terminal has room for.
 *
 * The answer is lines of JSON: the object of --status, then an object for each
 * row of a table, by its "row": "accepted" (key, name, address, from_port,
 * port, skew, time), "connected" (key, name, address, port, count, opening),
 * "others" (count: connections that no row is for).  It may be anybody's.
 */
#ifndef TAP_DAEMON_WATCH_PAGE_H
#define TAP_DAEMON_WATCH_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define WATCH_FIELDS_MAX 48u /* of a side */
#define WATCH_TEXT_MAX 1024u
#define WATCH_ROWS_MAX 256u
/* Of a page: fields, rows with long texts, and what stands around them. */
#define WATCH_PAGE_MAX 65536u
/* Of a terminal; more is left empty. */
#define WATCH_COLUMNS_MAX 512u
#define WATCH_LINES_MAX 256u
/* A view: each character may have four bytes, each line its commands. */
#define WATCH_VIEW_MAX ((WATCH_COLUMNS_MAX * 4 + 32) * WATCH_LINES_MAX)

enum watch_kind {
	WATCH_TEXT,
	WATCH_NUMBER, /* as it is now */
	WATCH_COUNT,  /* that only goes up: also how much in a second */
};

struct watch_field {
	const char *name;  /* in the JSON; "refused.mac" is in an object */
	const char *label; /* of up to 19 characters */
	enum watch_kind kind;
	bool always; /* also where it is 0 */
};

/* What a page is of. */
struct watch_side {
	const char *title; /* "tap server" */
	const struct watch_field *fields;
	size_t count;
	const char *peer; /* the heading of whom one is connected with */
};

struct watch_row {
	bool accepted; /* or else connected */
	char key[8], name[64], address[48], time[24], skew[16];
	uint64_t from_port, port, count, opening;
};

/* An answer.  Large: not for the stack. */
struct watch_status {
	bool valid;
	uint64_t ms; /* when it came */
	uint64_t pid, uptime, queue;
	char alarm[WATCH_TEXT_MAX];
	uint64_t numbers[WATCH_FIELDS_MAX];
	char texts[WATCH_FIELDS_MAX][WATCH_TEXT_MAX];
	struct watch_row rows[WATCH_ROWS_MAX];
	size_t rows_count;
	uint64_t others;
};

/* Read an answer; where it can't be, it is not valid. */
void watch_read(struct watch_status *s, const struct watch_side *side,
		const char *answer, uint64_t ms);

/*
 * Draw a page for so many columns, each line ended by a newline, behind '!'
 * for what is wrong, '#' for a heading, or a blank.  before: the answer that
 * came before, or not valid.  trouble: why there is none that is newer, or
 * NULL.
 */
void watch_draw(struct text *page, const struct watch_side *side,
		const struct watch_status *now,
		const struct watch_status *before, const char *trouble,
		size_t columns);

struct watch_window {
	size_t columns, lines; /* of the terminal */
	size_t top;            /* the page's line that comes first */
	bool colour;
};

/*
 * What shows a page from window->top on, which is put right where the page is
 * shorter, as a terminal's commands.
 */
void watch_view(struct text *out, const char *page,
		struct watch_window *window);

enum watch_key {
	WATCH_KEY_NONE,
	WATCH_KEY_END,
	WATCH_KEY_UP,
	WATCH_KEY_DOWN,
	WATCH_KEY_PAGE_UP,
	WATCH_KEY_PAGE_DOWN,
	WATCH_KEY_FIRST,
	WATCH_KEY_LAST,
};

/*
 * What a byte from the terminal comes to; *state, at first 0, is of those
 * before.
 */
enum watch_key watch_key(unsigned *state, char byte);
/* Move the window so. */
void watch_scroll(struct watch_window *window, enum watch_key key);

#endif
