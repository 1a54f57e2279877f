#include "daemon/watch_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "daemon/stats.h"

#define LABEL 19u /* columns of a field's label */
#define RATE 9u
#define TOTAL 11u
/* What has more digits than there is room for is rounded. */
#define TOTAL_EXACT 10000000000u
#define CELL (LABEL + RATE + TOTAL)
#define GAP 2u /* between two of them */
/* What wraps begins there again. */
#define INDENT 12u

/* ---- an answer, read */

/* As much as there is room for, with nothing in it that commands a terminal. */
static void
copy(char *out, size_t size, const char *text)
{
	size_t len = 0;

	while (*text) {
		const unsigned char *at = (const unsigned char *)text;
		const size_t bytes = text_sequence(text);
		const bool plain = bytes > 0 && at[0] >= ' ' && at[0] != 0x7f &&
			!(at[0] == 0xc2 && at[1] < 0xa0); /* C1 controls */

		if (len + (plain ? bytes : 1) >= size) {
			break;
		}
		if (plain) {
			memcpy(out + len, text, bytes);
			len += bytes;
		} else {
			out[len++] = '?';
		}
		text += bytes > 0 ? bytes : 1;
	}
	out[len] = '\0';
}

static void
take_field(struct watch_status *s, const struct watch_side *side,
	   const char *name, const char *value)
{
	const uint64_t number = strtoull(value, NULL, 10);

	if (strcmp(name, "alarm") == 0) {
		copy(s->alarm, sizeof s->alarm, value);
	} else if (strcmp(name, "pid") == 0) {
		s->pid = number;
	} else if (strcmp(name, "uptime") == 0) {
		s->uptime = number;
	} else if (strcmp(name, "queue") == 0) {
		s->queue = number;
	}
	for (size_t i = 0; i < side->count; i++) {
		if (strcmp(side->fields[i].name, name) == 0) {
			s->numbers[i] = number;
			copy(s->texts[i], sizeof s->texts[i], value);
			return;
		}
	}
}

/* "row" comes first in a row. */
static void
take_cell(struct watch_status *s, struct watch_row *row, const char *name,
	  const char *value)
{
	const struct {
		const char *name;
		char *text;
		size_t size;
		uint64_t *number;
	} cells[] = {
		{ "key", row->key, sizeof row->key, NULL },
		{ "name", row->name, sizeof row->name, NULL },
		{ "address", row->address, sizeof row->address, NULL },
		{ "time", row->time, sizeof row->time, NULL },
		{ "skew", row->skew, sizeof row->skew, NULL },
		{ "from_port", NULL, 0, &row->from_port },
		{ "port", NULL, 0, &row->port },
		{ "count", NULL, 0, &row->count },
		{ "opening", NULL, 0, &row->opening },
	};

	if (strcmp(name, "row") == 0) {
		row->accepted = strcmp(value, "accepted") == 0;
		/* Its count is all there is of it. */
		row->port = strcmp(value, "others") == 0 ? UINT64_MAX : 0;
		return;
	}
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		if (strcmp(cells[i].name, name) != 0) {
			continue;
		}
		if (cells[i].number) {
			*cells[i].number = strtoull(value, NULL, 10);
		} else {
			copy(cells[i].text, cells[i].size, value);
		}
	}
	s->others = row->port == UINT64_MAX ? row->count : s->others;
}

/* A line: the first is the status. */
static bool
read_object(struct watch_status *s, const struct watch_side *side,
	    struct watch_row *row, const char *line, size_t len)
{
	char object[32] = "", name[64] = "", whole[96];
	enum json_token token;
	struct json_read j;

	json_read_init(&j, line, len);
	while ((token = json_read_next(&j)) > JSON_END) {
		if (token == JSON_NAME) {
			copy(name, sizeof name, j.text);
		} else if (token == JSON_OBJECT) {
			copy(object, sizeof object, name);
		} else if (token == JSON_OBJECT_END) {
			object[0] = '\0';
		} else if (row) {
			take_cell(s, row, name, j.text);
		} else {
			snprintf(whole, sizeof whole, "%s%s%s", object,
				 object[0] ? "." : "", name);
			take_field(s, side, whole, j.text);
		}
	}
	return token == JSON_END;
}

void
watch_read(struct watch_status *s, const struct watch_side *side,
	   const char *answer, uint64_t ms)
{
	size_t len = strcspn(answer, "\n");

	memset(s, 0, sizeof *s);
	s->ms = ms;
	s->valid = *answer == '{' && read_object(s, side, NULL, answer, len);
	answer += len;
	while (s->valid && *answer == '\n' && s->rows_count < WATCH_ROWS_MAX) {
		struct watch_row *row = &s->rows[s->rows_count];

		answer++;
		len = strcspn(answer, "\n");
		if (len > 0 && read_object(s, side, row, answer, len) &&
		    row->port != UINT64_MAX) {
			s->rows_count++;
		} else {
			memset(row, 0, sizeof *row);
		}
		answer += len;
	}
}

/* ---- a page, drawn */

/* So many characters of it at the most; their bytes. */
static size_t
fitting(const char *text, size_t columns, size_t *used)
{
	const char *at = text;

	for (*used = 0; *at && *used < columns; (*used)++) {
		const size_t bytes = text_sequence(at);

		at += bytes > 0 ? bytes : 1;
	}
	return (size_t)(at - text);
}

/* In so many columns, to their left or right; cut where it is longer. */
static void
put_cell(struct text *t, const char *text, size_t columns, bool right)
{
	size_t used;
	const size_t bytes = fitting(text, columns, &used);
	const int blanks = (int)(columns - used);

	text_put(t, "%*s%.*s%*s", right ? blanks : 0, "", (int)bytes, text,
		 right ? 0 : blanks, "");
}

/* Over as many lines as it takes. */
static void
put_wrapped(struct text *t, char mark, const char *label, const char *text,
	    size_t columns)
{
	const size_t room = columns > INDENT + 8 ? columns - INDENT : 8;

	do {
		size_t used;
		const size_t bytes = fitting(text, room, &used);

		text_put(t, "%c", mark);
		put_cell(t, label, INDENT, false);
		text_put(t, "%.*s\n", (int)bytes, text);
		text += bytes;
		label = "";
	} while (*text);
}

static void
put_rate(char out[24], const struct watch_status *now,
	 const struct watch_status *before, size_t field)
{
	const uint64_t was = before->numbers[field];
	const uint64_t is = now->numbers[field];
	double rate;

	out[0] = '\0';
	/* Another process begins at 0. */
	if (!before->valid || before->pid != now->pid || is < was ||
	    now->ms <= before->ms) {
		return;
	}
	rate = (double)(is - was) * 1000 / (double)(now->ms - before->ms);
	snprintf(out, 24, rate < 100000 ? "%.1f" : "%.3g", rate);
}

static bool
is_shown(const struct watch_field *f, const struct watch_status *s, size_t i)
{
	return f->kind == WATCH_TEXT ? s->texts[i][0] != '\0'
				     : f->always || s->numbers[i] != 0;
}

static void
put_number(struct text *t, const struct watch_field *f,
	   const struct watch_status *now, const struct watch_status *before,
	   size_t i)
{
	char rate[24] = "", total[24];

	if (f->kind == WATCH_COUNT) {
		put_rate(rate, now, before, i);
	}
	if (now->numbers[i] < TOTAL_EXACT) {
		snprintf(total, sizeof total, "%" PRIu64, now->numbers[i]);
	} else {
		snprintf(total, sizeof total, "%.4g", (double)now->numbers[i]);
	}
	put_cell(t, f->label, LABEL, false);
	put_cell(t, rate, RATE, true);
	text_put(t, " ");
	put_cell(t, total, TOTAL - 1, true);
}

/* In two halves, where there is room for them: down, and then right. */
static void
put_numbers(struct text *t, const struct watch_side *side,
	    const struct watch_status *now, const struct watch_status *before,
	    size_t columns)
{
	const size_t halves = columns >= 2 * CELL + GAP ? 2 : 1;
	size_t shown[WATCH_FIELDS_MAX], count = 0, lines;

	for (size_t i = 0; i < side->count; i++) {
		if (side->fields[i].kind != WATCH_TEXT &&
		    is_shown(&side->fields[i], now, i)) {
			shown[count++] = i;
		}
	}
	lines = (count + halves - 1) / halves;
	text_put(t, "#");
	for (size_t half = 0; half < halves; half++) {
		text_put(t, "%*s%*s%*s", half ? (int)GAP : 0, "",
			 (int)(LABEL + RATE), "PER SECOND", (int)TOTAL,
			 "TOTAL");
	}
	text_put(t, "\n");
	for (size_t line = 0; line < lines; line++) {
		text_put(t, " ");
		for (size_t at = line; at < count; at += lines) {
			const size_t i = shown[at];

			text_put(t, "%*s", at > line ? (int)GAP : 0, "");
			put_number(t, &side->fields[i], now, before, i);
		}
		text_put(t, "\n");
	}
}

static void
put_key(struct text *t, const struct watch_row *row)
{
	put_cell(t, row->key[0] ? row->key : "-", 5, true);
	text_put(t, " ");
	put_cell(t, row->name[0] ? row->name : "-", 14, false);
}

static void
put_accepted(struct text *t, const struct watch_row *row)
{
	const bool v6 = strchr(row->address, ':') != NULL;

	text_put(t, " %-20s ", row->time);
	put_key(t, row);
	text_put(t, " %8s %5" PRIu64 " %s%s%s:%" PRIu64 "\n", row->skew,
		 row->port, v6 ? "[" : "", row->address, v6 ? "]" : "",
		 row->from_port);
}

static void
put_connected(struct text *t, const struct watch_row *row)
{
	text_put(t, " ");
	put_key(t, row);
	text_put(t, " %5" PRIu64 " %11" PRIu64 " %s", row->port, row->count,
		 row->address);
	if (row->opening > 0) {
		text_put(t, " (%" PRIu64 " not answered yet)", row->opening);
	}
	text_put(t, "\n");
}

static void
put_rows(struct text *t, const struct watch_side *side,
	 const struct watch_status *s, bool accepted)
{
	bool none = true;

	for (size_t i = 0; i < s->rows_count; i++) {
		const struct watch_row *row = &s->rows[i];

		if (row->accepted != accepted) {
			continue;
		}
		if (none && accepted) {
			text_put(t, " \n#%-20s %5s %-14s %8s %5s %s\n",
				 "LAST ACCEPTED", "KEY", "NAME", "SKEW", "PORT",
				 "FROM");
		} else if (none) {
			text_put(t, " \n#%5s %-14s %5s %11s %s\n", "KEY",
				 "NAME", "PORT", "CONNECTIONS", side->peer);
		}
		none = false;
		if (accepted) {
			put_accepted(t, row);
		} else {
			put_connected(t, row);
		}
	}
	if (none && !accepted) {
		text_put(t, " \n#nobody is connected\n");
	} else if (s->others > 0 && !accepted) {
		text_put(t, "  and %" PRIu64 " more\n", s->others);
	}
}

static void
put_alarms(struct text *t, const char *alarm, size_t columns)
{
	while (*alarm) {
		char one[WATCH_TEXT_MAX];
		const char *end = strstr(alarm, "; ");
		const size_t len = end ? (size_t)(end - alarm) : strlen(alarm);

		memcpy(one, alarm, len);
		one[len] = '\0';
		put_wrapped(t, '!', "ALARM", one, columns);
		alarm += len;
		alarm += end ? 2 : 0;
	}
}

void
watch_draw(struct text *page, const struct watch_side *side,
	   const struct watch_status *now, const struct watch_status *before,
	   const char *trouble, size_t columns)
{
	char up[32];

	stat_duration(up, now->uptime);
	text_put(page, "#%s, up %s, queue %" PRIu64 ", process %" PRIu64 "\n",
		 side->title, up, now->queue, now->pid);
	if (trouble) {
		put_wrapped(page, '!', "WAITING", trouble, columns);
	}
	put_alarms(page, now->alarm, columns);
	for (size_t i = 0; i < side->count; i++) {
		if (side->fields[i].kind == WATCH_TEXT &&
		    is_shown(&side->fields[i], now, i)) {
			put_wrapped(page, ' ', side->fields[i].label,
				    now->texts[i], columns);
		}
	}
	text_put(page, " \n");
	put_numbers(page, side, now, before, columns);
	put_rows(page, side, now, true);
	put_rows(page, side, now, false);
}

/* ---- as much of it as there is room for */

static const char *
colour_of(const struct watch_window *w, char mark)
{
	if (!w->colour || (mark != '!' && mark != '#')) {
		return "";
	}
	return mark == '!' ? "\033[1;31m" : "\033[1m";
}

static size_t
count_lines(const char *page)
{
	size_t lines = 0;

	for (; *page; page++) {
		lines += *page == '\n';
	}
	return lines;
}

/* A line of the page, behind its mark; where the next one begins. */
static const char *
put_line(struct text *out, const struct watch_window *w, const char *line)
{
	const char *colour = colour_of(w, line[0]);
	const size_t len = strcspn(line, "\n");
	size_t used, bytes = fitting(line + 1, w->columns, &used);

	bytes = bytes < len - 1 ? bytes : len - 1;
	text_put(out, "%s%.*s%s\033[K\r\n", colour, (int)bytes, line + 1,
		 colour[0] ? "\033[m" : "");
	return line + len + (line[len] == '\n');
}

void
watch_view(struct text *out, const char *page, struct watch_window *w)
{
	/* The last line says what the keys do. */
	const size_t body = w->lines > 1 ? w->lines - 1 : 1;
	const size_t lines = count_lines(page);
	const size_t most = lines > body ? lines - body : 0;
	char foot[96] = "q: end";
	size_t used;

	w->top = w->top < most ? w->top : most;
	for (size_t i = 0; i < w->top; i++) {
		page = strchr(page, '\n') + 1;
	}
	text_put(out, "\033[H");
	for (size_t i = 0; i < body && *page; i++) {
		page = put_line(out, w, page);
	}
	text_put(out, "\033[J");
	if (most > 0) {
		snprintf(foot, sizeof foot,
			 "q: end   lines %zu to %zu of %zu: arrows, page up, "
			 "page down, g, G",
			 w->top + 1, w->top + body, lines);
	}
	if (w->lines > 1) {
		text_put(out, "\033[%zu;1H%s%.*s%s\033[K", w->lines,
			 w->colour ? "\033[7m" : "",
			 (int)fitting(foot, w->columns, &used), foot,
			 w->colour ? "\033[m" : "");
	}
}

/* ---- keys */

enum { AT_REST, AFTER_ESCAPE, IN_SEQUENCE };

static const struct {
	char plain, sequence;
	enum watch_key key;
} keys[] = {
	{ 'q', 0, WATCH_KEY_END },         { 'Q', 0, WATCH_KEY_END },
	{ 3, 0, WATCH_KEY_END },           { 'k', 'A', WATCH_KEY_UP },
	{ 'j', 'B', WATCH_KEY_DOWN },      { 'b', '5', WATCH_KEY_PAGE_UP },
	{ ' ', '6', WATCH_KEY_PAGE_DOWN }, { 'g', 'H', WATCH_KEY_FIRST },
	{ 0, '1', WATCH_KEY_FIRST },       { 'G', 'F', WATCH_KEY_LAST },
	{ 0, '4', WATCH_KEY_LAST },
};

enum watch_key
watch_key(unsigned *state, char byte)
{
	const bool in_sequence = *state == IN_SEQUENCE;

	if (byte == '\033') {
		*state = AFTER_ESCAPE;
		return WATCH_KEY_NONE;
	}
	if (*state == AFTER_ESCAPE && (byte == '[' || byte == 'O')) {
		*state = IN_SEQUENCE;
		return WATCH_KEY_NONE;
	}
	/* The "~" that ends some is no key. */
	*state = AT_REST;
	for (size_t i = 0; byte && i < sizeof keys / sizeof keys[0]; i++) {
		if (byte == (in_sequence ? keys[i].sequence : keys[i].plain)) {
			return keys[i].key;
		}
	}
	return WATCH_KEY_NONE;
}

void
watch_scroll(struct watch_window *w, enum watch_key key)
{
	const size_t step = key == WATCH_KEY_UP || key == WATCH_KEY_DOWN ? 1
		: w->lines > 2 ? w->lines - 2
			       : 1;

	switch (key) {
	case WATCH_KEY_UP:
	case WATCH_KEY_PAGE_UP:
		w->top = w->top > step ? w->top - step : 0;
		break;
	case WATCH_KEY_DOWN:
	case WATCH_KEY_PAGE_DOWN:
		w->top += step; /* as far as watch_view() lets it */
		break;
	case WATCH_KEY_FIRST:
		w->top = 0;
		break;
	case WATCH_KEY_LAST:
		w->top = WATCH_PAGE_MAX;
		break;
	case WATCH_KEY_NONE:
	case WATCH_KEY_END:
		break;
	}
}
