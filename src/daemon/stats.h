/*
 * What a daemon says of itself: as a table for a person, as JSON for a
 * script.  Names are stable.
 */
#ifndef TAP_DAEMON_STATS_H
#define TAP_DAEMON_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct stat_item {
	const char *name;  /* in JSON, or NULL; "refused.mac" is in an object */
	const char *label; /* in the table, or NULL */
	const char *text;  /* or NULL: a number */
	uint64_t number;
};

/*
 * Write items, in their order.  Names with a dot and the same first
 * part, which must follow each other, go into one object.
 */
void stat_write(struct text *t, const struct stat_item *items, size_t count,
		bool json);

/* Seconds as "3 d 04:05:06". */
void stat_duration(char out[32], uint64_t seconds);

#endif
