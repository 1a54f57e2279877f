/* A line of progress on standard error, if that is a terminal. */
#ifndef TAP_MEASURE_PROGRESS_H
#define TAP_MEASURE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t started, shown; /* ms */
	bool line;               /* one is there */
};

void progress_begin(struct progress *p);
/* Milliseconds so far. */
uint64_t progress_ms(const struct progress *p);
/* Whether to show a line now: from two seconds on, five times a second. */
bool progress_due(struct progress *p);
/* Show a line in the place of the last one; none without a terminal. */
void progress_show(struct progress *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Clear the line before anything else is written. */
void progress_clear(struct progress *p);

#endif
