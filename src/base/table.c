#include "base/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"

enum report_form
report_form(bool json)
{
	return json                     ? REPORT_JSON
		: isatty(STDOUT_FILENO) ? REPORT_TABLE
					: REPORT_PLAIN;
}

void
table_init(struct table *table, const char *const *heads, size_t columns)
{
	*table = (struct table){ .heads = heads, .columns = columns };
}

int
table_add(struct table *table, const char *const *cells)
{
	char **row;

	if (grow(&table->cells, table->rows, &table->room,
		 table->columns * sizeof *table->cells) < 0) {
		return -ENOMEM;
	}
	row = table->cells + table->rows * table->columns;
	for (size_t i = 0; i < table->columns; i++) {
		row[i] = strdup(cells[i]);
		if (!row[i]) {
			while (i > 0) {
				free(row[--i]);
			}
			return -ENOMEM;
		}
	}
	table->rows++;
	return 0;
}

/* Characters, not bytes, of UTF-8. */
static size_t
width(const char *text)
{
	size_t count = 0;

	for (; *text; text++) {
		count += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return count;
}

static void
print_aligned(const char *const *cells, const size_t *widths, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		fputs(cells[i], stdout);
		if (i + 1 < columns) {
			printf("%*s", (int)(widths[i] - width(cells[i]) + 2),
			       "");
		}
	}
	putchar('\n');
}

void
table_print(const struct table *table, bool aligned)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };
	char *const *cells = table->cells;

	if (aligned) {
		for (size_t i = 0; i < table->columns; i++) {
			widths[i] = width(table->heads[i]);
		}
		for (size_t i = 0; i < table->rows * table->columns; i++) {
			size_t *most = &widths[i % table->columns];
			size_t mine = width(cells[i]);

			*most = mine > *most ? mine : *most;
		}
		print_aligned(table->heads, widths, table->columns);
	}
	for (size_t row = 0; row < table->rows; row++) {
		const char *const *at =
			(const char *const *)cells + row * table->columns;

		if (aligned) {
			print_aligned(at, widths, table->columns);
			continue;
		}
		for (size_t i = 0; i < table->columns; i++) {
			printf("%s%s", i ? "\t" : "", at[i]);
		}
		putchar('\n');
	}
}

void
table_free(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++) {
		free(table->cells[i]);
	}
	free(table->cells);
	*table = (struct table){ 0 };
}

bool
table_colour(int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fd) && (!no || !*no) && term && strcmp(term, "dumb") != 0;
}
