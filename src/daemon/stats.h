/*
 * What a daemon says of itself: as a table for a person, as JSON for a
 * script, as metrics (daemon/prometheus.h).  Names are stable.
 */
#ifndef TAP_DAEMON_STATS_H
#define TAP_DAEMON_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define STATS_MAX 128u       /* a server has 93 */
#define STATS_TEXT_MAX 8192u /* all texts, which have bounds of their own */

enum stat_kind {
	STAT_TEXT,
	STAT_NUMBER, /* which, or when; no metric */
	STAT_COUNT,  /* only counts up, from the start on */
	STAT_LEVEL,  /* goes up and down */
};

struct stat_item {
	enum stat_kind kind;
	const char *name;  /* in JSON, or NULL; "refused.mac" is in an object */
	const char *label; /* in the table, or NULL */
	const char *text;
	uint64_t number;
	const char *help; /* of the metric, which all of an object share */
};

/* Items in their order; those of one object follow each other. */
struct stats {
	struct stat_item items[STATS_MAX];
	size_t count;
	char texts[STATS_TEXT_MAX];
	size_t texts_len;
};

/* Begin with what all daemons have; the alarm is empty where there is none. */
void stat_begin(struct stats *s, const char *command, const char *alarm,
		uint64_t uptime_seconds);
/* Names and labels stay the caller's; the text is copied. */
void stat_text(struct stats *s, const char *name, const char *label,
	       const char *text);
void stat_number(struct stats *s, const char *name, const char *label,
		 uint64_t number);
void stat_count(struct stats *s, const char *name, const char *label,
		uint64_t number, const char *help);
void stat_level(struct stats *s, const char *name, const char *label,
		uint64_t number, const char *help);

/* The worker: its state and number of restarts; and lines that the log lost. */
void stat_worker(struct stats *s, const char *state, uint64_t restarts,
		 uint64_t lines_lost);

/* Seconds as "3 d 04:05:06". */
void stat_duration(char out[32], uint64_t seconds);

void stat_write(struct text *t, const struct stats *s, bool json);

#endif
