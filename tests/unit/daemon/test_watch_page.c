/* SPDX-License-Identifier: ISC */
/* The live page: an answer of anybody, read, drawn, and cut to a terminal. */
#include "unit/files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/connected.h"
#include "daemon/watch_page.h"

static const struct watch_field fields[] = {
	{ "hidden", "hidden", WATCH_TEXT, true },
	{ "syns", "SYNs seen", WATCH_COUNT, true },
	{ "refused.mac", "refused: mac", WATCH_COUNT, false },
	{ "refused.acl", "refused: acl", WATCH_COUNT, false },
	{ "held", "held SYNs", WATCH_NUMBER, false },
};

static const struct watch_side side = {
	.title = "tap server",
	.fields = fields,
	.count = LENGTH(fields),
	.peer = "FROM",
};

static struct watch_status now, before;
static char page[WATCH_PAGE_MAX], view[WATCH_VIEW_MAX];

static void
draw(const char *trouble, size_t columns)
{
	struct text t = text_over(page, sizeof page);

	watch_draw(&t, &side, &now, &before, trouble, columns);
	assert_false(t.full);
}

static void
shows(const char *text)
{
	if (!strstr(page, text)) {
		fail_msg("'%s' is not on the page:\n%s", text, page);
	}
}

static void
lacks(const char *text)
{
	if (strstr(page, text)) {
		fail_msg("'%s' is on the page:\n%s", text, page);
	}
}

/* What changed in the time between two answers, of the same process. */
static void
rates(void **state)
{
	(void)state;
	watch_read(&before, &side,
		   "{\"pid\":7,\"uptime\":60,\"queue\":5040,\"syns\":100,"
		   "\"refused\":{\"mac\":1,\"acl\":0},\"held\":3}\n",
		   1000);
	watch_read(&now, &side,
		   "{\"pid\":7,\"uptime\":62,\"queue\":5040,\"syns\":125,"
		   "\"refused\":{\"mac\":2,\"acl\":0},\"held\":4}\n",
		   3000);
	assert_true(before.valid && now.valid);
	draw(NULL, 40);
	shows("#tap server, up 00:01:02, queue 5040, process 7\n");
	shows(" SYNs seen               12.5        125\n");
	shows(" refused: mac             0.5          2\n");
	/* It goes up and down. */
	shows(" held SYNs                             4\n");
	/* What has never been is left out. */
	lacks("refused: acl");
	/* Two halves, down and then right. */
	draw(NULL, 80);
	shows(" SYNs seen               12.5        125"
	      "  held SYNs                             4\n"
	      " refused: mac             0.5          2\n");
	/* The next process begins at 0. */
	now.pid = 8;
	draw(NULL, 40);
	shows(" SYNs seen                           125\n");
	/* No answer before, nor time between. */
	now.pid = 7;
	before.ms = now.ms;
	draw(NULL, 40);
	shows(" SYNs seen                           125\n");
	before.valid = false;
	draw(NULL, 40);
	shows(" SYNs seen                           125\n");
}

static void
large_numbers(void **state)
{
	(void)state;
	watch_read(&before, &side, "{\"pid\":7,\"syns\":0}", 1000);
	watch_read(&now, &side, "{\"pid\":7,\"syns\":18446744073709551615}",
		   1001);
	draw(NULL, 40);
	shows(" SYNs seen           1.84e+22  1.845e+19\n");
}

static void
alarms_first(void **state)
{
	(void)state;
	memset(&before, 0, sizeof before);
	watch_read(&now, &side,
		   "{\"alarm\":\"rules lost; clock not synchronised\","
		   "\"hidden\":\"22 filtered; 80 decoy 192.0.2.7:80\"}",
		   1000);
	draw("it has ended", 40);
	shows("process 0\n"
	      "!WAITING     it has ended\n"
	      "!ALARM       rules lost\n"
	      "!ALARM       clock not synchronised\n"
	      " hidden      22 filtered; 80 decoy 192.0.\n"
	      "             2.7:80\n");
}

static void
rows(void **state)
{
	(void)state;
	watch_read(&now, &side,
		   "{\"pid\":7}\n"
		   "{\"row\":\"accepted\",\"key\":10,\"name\":\"alice\","
		   "\"address\":\"192.0.2.2\",\"from_port\":58018,"
		   "\"port\":22,\"skew\":\"+0.004\","
		   "\"time\":\"2026-12-01T09:00:00Z\"}\n"
		   "{\"row\":\"connected\",\"address\":\"2001:db8::1\","
		   "\"port\":22,\"count\":2,\"opening\":1}\n"
		   "{\"row\":\"others\",\"count\":5}\n",
		   1000);
	assert_int_equal(now.rows_count, 2);
	draw(NULL, 80);
	shows("#LAST ACCEPTED          KEY NAME               SKEW  PORT "
	      "FROM\n"
	      " 2026-12-01T09:00:00Z    10 alice            +0.004    22 "
	      "192.0.2.2:58018\n");
	shows("#  KEY NAME            PORT CONNECTIONS FROM\n"
	      "     - -                 22           2 2001:db8::1 "
	      "(1 not answered yet)\n"
	      "  and 5 more\n");
	watch_read(&now, &side, "{\"pid\":7}\n", 1000);
	draw(NULL, 80);
	shows("#nobody is connected\n");
	lacks("LAST ACCEPTED");
}

/* Names of other scripts are shown; commands for the terminal are not. */
static void
names(void **state)
{
	(void)state;
	watch_read(&now, &side,
		   "{\"hidden\":\"\\u001b[2J\"}\n"
		   "{\"row\":\"connected\",\"key\":1,"
		   "\"name\":\"j\xc3\xb6rg\xff\xc2\x9b\x7f\xe2\x82\","
		   "\"port\":1,\"count\":1,\"address\":\"x\"}\n"
		   "{\"row\":\"connected\",\"key\":2,"
		   "\"name\":\"\xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d"
		   "\xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d"
		   "\xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d"
		   "\xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d\","
		   "\"port\":1,\"count\":1,\"address\":\"x\"}\n",
		   1000);
	draw(NULL, 80);
	shows(" hidden      ?[2J\n");
	shows("     1 j\xc3\xb6rg?????          1           1 x\n");
	/* Fourteen characters of sixteen, none of them in parts. */
	shows("     2 \xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d"
	      "\xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d"
	      "\xe5\x90\x8d\xe5\x89\x8d\xe5\x90\x8d\xe5\x89\x8d"
	      "\xe5\x90\x8d\xe5\x89\x8d     1           1 x\n");
}

/* Whatever comes, there are bounds. */
static void
hostile_answers(void **state)
{
	static const char *const unreadable[] = {
		"", "\n", "[]", "{", "{}}", "tap", "{\"pid\":}", "{\"pid\"",
	};
	static char much[65536];
	size_t len;

	(void)state;
	for (size_t i = 0; i < LENGTH(unreadable); i++) {
		watch_read(&now, &side, unreadable[i], 1);
		assert_false(now.valid);
	}
	/* More rows than there is room for; broken ones are left out. */
	len = (size_t)snprintf(much, sizeof much, "{}\n{\"row\n");
	while (len + 100 < sizeof much) {
		len += (size_t)snprintf(much + len, sizeof much - len,
					"{\"row\":\"connected\"}\n");
	}
	watch_read(&now, &side, much, 1);
	assert_true(now.valid);
	assert_int_equal(now.rows_count, WATCH_ROWS_MAX);
	draw(NULL, 80);
	/* Names, texts and objects that end nowhere near. */
	len = (size_t)snprintf(much, sizeof much, "{\"hidden\":\"");
	memset(much + len, 'x', sizeof much - len);
	snprintf(much + sizeof much - 3, 3, "\"}");
	watch_read(&now, &side, much, 1);
	assert_true(now.valid);
	assert_int_equal(strlen(now.texts[0]), WATCH_TEXT_MAX - 1);
	memset(much, '{', sizeof much - 1);
	watch_read(&now, &side, much, 1);
	assert_false(now.valid);
}

/* How many characters a line of the view has at the most, and how many lines */
static void
measure(size_t *columns, size_t *lines)
{
	size_t column = 0;

	*columns = 0;
	*lines = 1;
	for (const char *at = view; *at; at++) {
		if (*at == '\033') {
			at += strcspn(at, "HJKm");
			column = *at == 'H' ? 0 : column;
		} else if (*at == '\n') {
			column = 0;
			(*lines)++;
		} else if (*at != '\r') {
			column += (*at & 0xc0) != 0x80;
			*columns = column > *columns ? column : *columns;
		}
	}
}

static void
look(struct watch_window *w)
{
	struct text t = text_over(view, sizeof view);

	watch_view(&t, page, w);
	assert_false(t.full);
}

/* No line is longer than the terminal, and there are no more of them. */
static void
fits_the_terminal(void **state)
{
	(void)state;
	watch_read(
		&now, &side,
		"{\"hidden\":\"22\",\"alarm\":\"a long one, with words\"}\n"
		"{\"row\":\"connected\",\"name\":\"\xe5\x90\x8d\xe5\x89\x8d\","
		"\"address\":\"2001:db8:1234:1234:1234:1234:1234:1234\"}\n",
		1000);
	for (size_t width = 1; width <= WATCH_COLUMNS_MAX; width += width + 3) {
		for (size_t height = 1; height <= 30; height++) {
			struct watch_window w = { width, height, 0, true };
			size_t columns, lines;

			draw("no answer", width);
			look(&w);
			measure(&columns, &lines);
			assert_in_range(columns, 1, width);
			/* The cursor stands below the last line of the page. */
			assert_in_range(lines, 1, height > 1 ? height : 2);
		}
	}
}

static void
scrolls(void **state)
{
	struct watch_window w = { 40, 4, 0, false };
	unsigned keys = 0;

	(void)state;
	snprintf(page, sizeof page, " 1\n#2\n!3\n 4\n 5\n 6\n");
	look(&w);
	assert_string_equal(view,
			    "\033[H1\033[K\r\n2\033[K\r\n3\033[K\r\n\033[J"
			    "\033[4;1Hq: end   lines 1 to 3 of 6: arrows, page"
			    "\033[K");
	watch_scroll(&w, watch_key(&keys, 'j'));
	look(&w);
	assert_int_equal(w.top, 1);
	watch_scroll(&w, watch_key(&keys, 'G'));
	look(&w);
	assert_int_equal(w.top, 3);
	watch_scroll(&w, watch_key(&keys, 'b'));
	assert_int_equal(w.top, 1);
	watch_scroll(&w, watch_key(&keys, 'b'));
	assert_int_equal(w.top, 0);
	watch_scroll(&w, watch_key(&keys, 'k'));
	assert_int_equal(w.top, 0);
	/* A larger terminal needs no scrolling. */
	w = (struct watch_window){ 40, 24, 3, true };
	look(&w);
	assert_int_equal(w.top, 0);
	assert_non_null(strstr(view, "\033[1m2\033[m\033[K"));
	assert_non_null(strstr(view, "\033[1;31m3\033[m\033[K"));
	assert_null(strstr(view, "lines"));
}

static enum watch_key
typed(const char *bytes)
{
	enum watch_key key = WATCH_KEY_NONE;
	unsigned keys = 0;

	for (; *bytes; bytes++) {
		const enum watch_key one = watch_key(&keys, *bytes);

		key = one != WATCH_KEY_NONE ? one : key;
	}
	return key;
}

static void
keys(void **state)
{
	(void)state;
	assert_int_equal(typed("q"), WATCH_KEY_END);
	assert_int_equal(typed("x\003"), WATCH_KEY_END);
	assert_int_equal(typed("\033[A"), WATCH_KEY_UP);
	assert_int_equal(typed("\033OB"), WATCH_KEY_DOWN);
	assert_int_equal(typed("\033[5~"), WATCH_KEY_PAGE_UP);
	assert_int_equal(typed("\033[6~"), WATCH_KEY_PAGE_DOWN);
	assert_int_equal(typed("\033[H"), WATCH_KEY_FIRST);
	assert_int_equal(typed("\033[4~"), WATCH_KEY_LAST);
	/* No key of ours, though they have letters that are. */
	assert_int_equal(typed("\033[q"), WATCH_KEY_NONE);
	assert_int_equal(typed("A5~"), WATCH_KEY_NONE);
	assert_int_equal(typed("\033\033[A"), WATCH_KEY_UP);
	assert_int_equal(typed("\033q"), WATCH_KEY_END);
}

static struct packet_addr
address(uint8_t last)
{
	return (struct packet_addr){ .family = 4,
				     .bytes = { 192, 0, 2, last } };
}

/* In order, whatever order they come in; and what finds no room is counted. */
static void
counts_connections(void **state)
{
	static struct connected c;
	char out[1024];
	struct text t = text_over(out, sizeof out);

	(void)state;
	for (int i = 5; i >= 0; i--) {
		connected_add(&c,
			      &(struct connected_row){
				      .key_no = i % 3 - 1,
				      .name = "a",
				      .addr = address(1),
				      .port = 22,
				      .count = 1,
				      .opening = i < 3,
			      });
	}
	connected_write(&t, &c);
	assert_string_equal(
		out,
		"{\"row\":\"connected\",\"address\":\"192.0.2.1\",\"port\":22,"
		"\"count\":2,\"opening\":1}\n"
		"{\"row\":\"connected\",\"key\":0,\"name\":\"a\","
		"\"address\":\"192.0.2.1\",\"port\":22,\"count\":2,"
		"\"opening\":1}\n"
		"{\"row\":\"connected\",\"key\":1,\"name\":\"a\","
		"\"address\":\"192.0.2.1\",\"port\":22,\"count\":2,"
		"\"opening\":1}\n");
	for (uint16_t port = 0; port < CONNECTED_MAX + 10; port++) {
		connected_add(&c,
			      &(struct connected_row){ .key_no = 2,
						       .name = "b",
						       .addr = address(2),
						       .port = port,
						       .count = 1 });
	}
	assert_int_equal(c.count, CONNECTED_MAX);
	assert_int_equal(c.others, 13);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(alarms_first),
		cmocka_unit_test(rows),
		cmocka_unit_test(names),
		cmocka_unit_test(hostile_answers),
		cmocka_unit_test(fits_the_terminal),
		cmocka_unit_test(scrolls),
		cmocka_unit_test(keys),
		cmocka_unit_test(counts_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
