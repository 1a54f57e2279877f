/*
 * A line of progress on standard error, where that is a terminal, for
 * what takes long.
 */
#ifndef TAP_PROGRESS_H
#define TAP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t started, shown; /* ms */
	bool is_there;
};

void progress_begin(struct progress *p);
/* Milliseconds since then. */
uint64_t progress_ms(const struct progress *p);

/* Whether it takes long by now, and the line is old. */
bool progress_is_due(const struct progress *p);
/* Show it. */
void progress_show(struct progress *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Take it away, before anything else is printed. */
void progress_clear(struct progress *p);

#endif
