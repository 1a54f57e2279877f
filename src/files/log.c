#include "log.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

#define LINE_END 2u /* "}\n" */

static const char *log_who = "tap";
static bool log_json;
static bool log_debug;
static bool log_only_trouble;
static bool log_journal;

/*
 * systemd names the journal's socket by device and inode; who inherited
 * the name but not the socket does not write to the journal.
 */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

void
log_open(const char *who, bool json, bool debug)
{
	log_who = who;
	log_json = json;
	log_debug = debug;
	log_journal = is_journal();
}

void
log_use_json(bool json)
{
	log_json = json;
}

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_INFO:
		return "info";
	default:
		return "debug";
	}
}

static void
begin_line(struct log_record *r, enum log_level level)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	r->level = level;
	r->text = text_over(r->line, sizeof r->line - LINE_END);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (log_json) {
		text_put(&r->text, "{\"time\":\"%s\",\"level\":\"%s\"", stamp,
			 level_name(level));
	} else if (log_journal) {
		text_put(&r->text, "<%d>", (int)level);
	} else {
		text_put(&r->text, "%s %s: ", stamp, log_who);
	}
}

static void
write_line(struct log_record *r)
{
	size_t len = r->text.len;

	if (log_json) {
		r->line[len++] = '}';
	}
	r->line[len++] = '\n';
	/* One write a line, so that lines of several writers don't mix. */
	if (write(STDERR_FILENO, r->line, len) < 0) {
		/* Nobody to tell. */
		return;
	}
}

static bool
is_wanted(enum log_level level)
{
	if (log_debug) {
		return true;
	}
	return level != LOG_LEVEL_DEBUG &&
	       (level != LOG_LEVEL_INFO || !log_only_trouble);
}

/* As much of the message as the line has room for. */
static void
put_message(struct text *t, char *message)
{
	const struct text before = *t;
	size_t len = strlen(message);

	for (;;) {
		*t = before;
		if (log_json) {
			json_string(t, message);
		} else {
			text_put(t, "%s", message);
		}
		if (!t->full || len == 0) {
			return;
		}
		len -= len / 32 + 1;
		message[len] = '\0';
	}
}

void
log_say(enum log_level level, const char *format, ...)
{
	struct log_record r;
	char message[LOG_LINE_MAX];
	va_list args;

	if (!is_wanted(level)) {
		return;
	}
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	begin_line(&r, level);
	if (log_json) {
		text_put(&r.text, ",\"event\":\"message\",\"text\":");
	}
	put_message(&r.text, message);
	write_line(&r);
}

void
log_begin(struct log_record *r, enum log_level level, const char *event)
{
	begin_line(r, level);
	text_put(&r->text, log_json ? ",\"event\":\"%s\"" : "%s", event);
}

void
log_text(struct log_record *r, const char *name, const char *value)
{
	size_t before = r->text.len;

	if (log_json) {
		text_put(&r->text, ",\"%s\":", name);
		json_string(&r->text, value);
	} else if (strpbrk(value, " =")) {
		text_put(&r->text, " %s=\"%s\"", name, value);
	} else {
		text_put(&r->text, " %s=%s", name, value);
	}
	/* A field goes in whole or not at all: the line is still JSON. */
	if (r->text.full) {
		r->text.len = before;
	}
}

void
log_number(struct log_record *r, const char *name, long long value)
{
	text_put(&r->text, log_json ? ",\"%s\":%lld" : " %s=%lld", name,
		 value);
}

void
log_address(struct log_record *r, const char *name,
	    const struct packet_addr *addr, uint16_t port)
{
	char text[INET6_ADDRSTRLEN] = "?";
	bool v4 = addr->family == 4;

	inet_ntop(v4 ? AF_INET : AF_INET6, addr->bytes, text, sizeof text);
	if (log_json) {
		text_put(&r->text, ",\"%s\":\"%s\",\"%s_port\":%u", name, text,
			 name, port);
	} else {
		text_put(&r->text, v4 ? " %s=%s:%u" : " %s=[%s]:%u", name,
			 text, port);
	}
}

void
log_seconds(struct log_record *r, const char *name, int64_t ticks)
{
	text_put(&r->text, log_json ? ",\"%s\":%.3f" : " %s=%+.3fs", name,
		 (double)ticks / 256);
}

void
log_quiet(void)
{
	log_only_trouble = true;
}

bool
log_is_verbose(void)
{
	return log_debug;
}

void
log_end(struct log_record *r)
{
	if (is_wanted(r->level)) {
		write_line(r);
	}
}

bool
log_limit_allows(struct log_limit *limit, uint64_t ms)
{
	if (limit->since == 0) {
		limit->tokens = LOG_LIMIT_BURST;
		limit->since = ms;
	}
	if (ms - limit->since >= 1000) {
		uint64_t earned =
			(ms - limit->since) / 1000 * LOG_LIMIT_PER_SECOND;

		earned += limit->tokens;
		limit->tokens = earned < LOG_LIMIT_BURST ? (unsigned)earned :
							   LOG_LIMIT_BURST;
		limit->since += (ms - limit->since) / 1000 * 1000;
	}
	if (limit->tokens == 0) {
		limit->left_out++;
		return false;
	}
	limit->tokens--;
	return true;
}
