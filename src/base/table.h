/*
 * Reports: a table with a heading for a person, columns parted by tabs
 * for a script.
 */
#ifndef TAP_BASE_TABLE_H
#define TAP_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum report_form {
	REPORT_TABLE, /* for a terminal */
	REPORT_PLAIN, /* columns parted by tabs */
	REPORT_JSON,
};

/* JSON where that is asked for; else by what standard output is. */
enum report_form report_form(bool json);

#define TABLE_COLUMNS_MAX 12u

struct table {
	const char *const *heads; /* of the columns */
	size_t columns;
	char **cells; /* owned */
	size_t rows, room;
};

void table_init(struct table *table, const char *const *heads, size_t columns);
/* Add a row: a cell for each column, copied.  0 or -ENOMEM. */
int table_add(struct table *table, const char *const *cells);
/* Print to standard output. */
void table_print(const struct table *table, bool aligned);
void table_free(struct table *table);

/*
 * Whether what goes to a descriptor may have colour: a terminal, and
 * nobody said NO_COLOR.
 */
bool table_colour(int fd);

#endif
