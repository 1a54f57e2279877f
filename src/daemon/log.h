/*
 * The log: lines on standard error, as text or JSON, for a person or
 * for journald.  A record is an event with fields:
 *
 *   2026-11-20T09:00:00Z tap server: accepted key=10 name=alice ...
 *   {"time":"...","level":"info","event":"accepted","key":10,...}
 *
 * What does not fit in LOG_LINE_MAX is left out: the end of a text, or
 * whole fields from the first too long one on.
 */
#ifndef TAP_DAEMON_LOG_H
#define TAP_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/packet.h"
#include "base/text.h"
#include "conf/settings.h"

#define LOG_LINE_MAX 1024u

enum log_level {
	LOG_LEVEL_ERROR = 3, /* numbers of syslog(3), for journald */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Who writes ("tap server"), and whether debug lines are wanted. */
void log_open(const char *who, bool debug);
/* As a configuration wants lines, from now on. */
void log_configure(const struct settings *settings);
/* Only warnings and errors, from now on. */
void log_quiet(void);
/* Whether debug lines are wanted. */
bool log_is_verbose(void);

/*
 * A daemon's log, from now on: no line is waited for, whoever reads it.
 * Those that don't go are counted, and once lines go again, one says how
 * many were lost.  A command's lines are waited for.
 */
void log_never_wait(void);
/*
 * In a process that was forked: lines that wait are the parent's; those
 * lost from now on are added to *lost, and the parent tells of them.
 */
void log_leave(uint64_t *lost);
/* Keep lines together for one write(2), until log_flush(). */
void log_gather(void);
/* Write lines that wait, as far as they go.  Once in a while, in a loop. */
void log_flush(void);
/* The process ends: what does not go now is lost. */
void log_close(void);
/* What such processes have lost so far. */
void log_note_others(uint64_t lost);
/* Lines lost by this process. */
uint64_t log_lost(void);

/* One line of text. */
void log_say(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What the system refused, and why, -errno.  Returns TAP_SYSTEM. */
int log_fail(const char *what, int rc);

struct log_record {
	enum log_level level;
	struct text text;
	char line[LOG_LINE_MAX];
};

void log_begin(struct log_record *r, enum log_level level, const char *event);
void log_text(struct log_record *r, const char *name, const char *value);
void log_number(struct log_record *r, const char *name, long long value);
void log_address(struct log_record *r, const char *name,
		 const struct packet_addr *addr, uint16_t port);
/* Seconds, from units of 1/256. */
void log_seconds(struct log_record *r, const char *name, int64_t ticks);
void log_end(struct log_record *r);

/* At most so many lines a second, and more at first. */
struct log_limit {
	uint64_t since; /* ms */
	unsigned tokens;
	uint64_t left_out;
};

#define LOG_LIMIT_BURST 50u
#define LOG_LIMIT_PER_SECOND 10u

/* Whether a line may be written now; counts those that may not. */
bool log_limit_allows(struct log_limit *limit, uint64_t ms);

#endif
