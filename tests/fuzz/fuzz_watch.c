/* SPDX-License-Identifier: ISC */
/*
 * An answer of the control socket, which may be anybody's, as a page: nothing
 * of it commands the terminal, and no line is longer than that.
 */
#include "fuzz.h"

#include <string.h>

#include "daemon/watch_page.h"

static const struct watch_field fields[] = {
	{ "hidden", "hidden", WATCH_TEXT, true },
	{ "syns", "SYNs seen", WATCH_COUNT, true },
	{ "refused.mac", "refused: mac", WATCH_COUNT, false },
	{ "held", "held SYNs", WATCH_NUMBER, false },
};

static const struct watch_side side = {
	.title = "tap server",
	.fields = fields,
	.count = sizeof fields / sizeof fields[0],
	.peer = "FROM",
};

/* The page's own commands are these; all else is to be seen. */
static void
check_view(const char *view, size_t columns)
{
	size_t column = 0;

	for (; *view; view++) {
		const unsigned char c = (unsigned char)*view;

		if (c == '\033') {
			CHECK(view[1] == '[');
			view += 2 + strspn(view + 2, "0123456789;");
			CHECK(*view && strchr("HJKm", *view));
			column = *view == 'H' ? 0 : column;
		} else if (c == '\r') {
			CHECK(view[1] == '\n');
			column = 0;
		} else if (c != '\n') {
			CHECK(c >= ' ' && c != 0x7f);
			CHECK(!(c == 0xc2 && (unsigned char)view[1] < 0xa0));
			column += (c & 0xc0) != 0x80;
			CHECK(column <= columns);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct watch_status now, before;
	static char answer[65536], page[WATCH_PAGE_MAX], view[WATCH_VIEW_MAX];
	const size_t len = size < sizeof answer ? size : sizeof answer - 1;
	struct watch_window w = { .colour = true };
	struct text t = text_over(page, sizeof page);

	memcpy(answer, data, len);
	answer[len] = '\0';
	watch_read(&now, &side, answer, 2000);
	if (now.valid) {
		w.columns = 1 + len % WATCH_COLUMNS_MAX;
		w.lines = 1 + len % 50;
		watch_draw(&t, &side, &now, &before, NULL, w.columns);
		t = text_over(view, sizeof view);
		watch_view(&t, page, &w);
		CHECK(!t.full);
		check_view(view, w.columns);
	}
	before = now;
	before.ms = 1000;
	return 0;
}
