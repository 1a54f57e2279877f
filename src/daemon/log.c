#include "daemon/log.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utc.h"
#include "daemon/log_sink.h"
#include "tap.h"

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
		fstat(STDERR_FILENO, &st) == 0 &&
		(unsigned long long)st.st_dev == device && st.st_ino == inode;
}

void
log_open(const char *who, bool debug)
{
	log_who = who;
	log_json = false;
	log_debug = debug;
	log_journal = is_journal();
}

void
log_configure(const struct settings *settings)
{
	log_json = settings->log_json;
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

/* Formatted once a second. */
static const char *
stamp(void)
{
	static char text[UTC_TEXT_MAX];
	static time_t at = -1;
	time_t now = time(NULL);

	if (now != at) {
		utc_text(text, (uint64_t)now);
		at = now;
	}
	return text;
}

static void
begin_line(struct log_record *r, enum log_level level)
{
	r->level = level;
	r->text = text_over(r->line, sizeof r->line - LINE_END);
	if (log_json) {
		text_add(&r->text, "{\"time\":\"");
		text_add(&r->text, stamp());
		text_add(&r->text, "\",\"level\":\"");
		text_add(&r->text, level_name(level));
		text_add(&r->text, "\"");
	} else if (log_journal) {
		text_add(&r->text, "<");
		text_number(&r->text, level);
		text_add(&r->text, ">");
	} else {
		text_add(&r->text, stamp());
		text_add(&r->text, " ");
		text_add(&r->text, log_who);
		text_add(&r->text, ": ");
	}
}

static void
end_line(struct log_record *r)
{
	size_t len = r->text.len;

	if (!log_json) {
		/* Names of processes, for example, are anybody's. */
		r->line[len] = '\0';
		text_clean(r->line);
	} else {
		r->line[len++] = '}';
	}
	r->line[len++] = '\n';
	log_sink_put(r->line, len);
}

/* When lines can be written again, say how many were lost. */
static void
tell_lost(void)
{
	const uint64_t lost = log_sink_untold();
	struct log_record r;

	if (lost == 0 || !log_sink_is_clear()) {
		return;
	}
	log_sink_told(lost);
	begin_line(&r, LOG_LEVEL_WARNING);
	if (log_json) {
		text_add(&r.text, ",\"event\":\"message\",\"text\":\"");
	}
	text_number(&r.text, lost);
	text_add(&r.text,
		 " lines of the log are lost: "
		 "nobody took them in time");
	if (log_json) {
		text_add(&r.text, "\"");
	}
	end_line(&r);
}

static void
write_line(struct log_record *r)
{
	tell_lost();
	end_line(r);
}

void
log_never_wait(void)
{
	log_sink_never_wait();
}

void
log_leave(uint64_t *lost)
{
	log_sink_leave(lost);
}

void
log_gather(void)
{
	log_sink_gather();
}

void
log_flush(void)
{
	log_sink_flush();
	tell_lost();
	log_sink_flush();
}

void
log_close(void)
{
	log_sink_close();
}

void
log_note_others(uint64_t lost)
{
	log_sink_note_others(lost);
}

uint64_t
log_lost(void)
{
	return log_sink_lost();
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

int
log_fail(const char *what, int rc)
{
	log_say(LOG_LEVEL_ERROR, "%s: %s", what, strerror(-rc));
	return TAP_SYSTEM;
}

void
log_begin(struct log_record *r, enum log_level level, const char *event)
{
	begin_line(r, level);
	if (log_json) {
		text_add(&r->text, ",\"event\":\"");
		text_add(&r->text, event);
		text_add(&r->text, "\"");
	} else {
		text_add(&r->text, event);
	}
}

static void
put_name(struct text *t, const char *name)
{
	text_add(t, log_json ? ",\"" : " ");
	text_add(t, name);
	text_add(t, log_json ? "\":" : "=");
}

/* A field is written whole or not at all, so that JSON stays valid. */
static void
end_field(struct log_record *r, size_t before)
{
	if (r->text.full) {
		r->text.len = before;
	}
}

/* What it says ends at no quote of its own. */
static void
put_quoted(struct text *t, const char *value)
{
	text_add(t, "\"");
	for (; *value; value++) {
		const char part[] = { '\\', *value, '\0' };

		text_add(t, *value == '"' || *value == '\\' ? part : part + 1);
	}
	text_add(t, "\"");
}

void
log_text(struct log_record *r, const char *name, const char *value)
{
	const size_t before = r->text.len;

	put_name(&r->text, name);
	if (log_json) {
		json_string(&r->text, value);
	} else if (strpbrk(value, " =\"")) {
		put_quoted(&r->text, value);
	} else {
		text_add(&r->text, value);
	}
	end_field(r, before);
}

void
log_number(struct log_record *r, const char *name, long long value)
{
	const size_t before = r->text.len;
	const unsigned long long bits = (unsigned long long)value;

	put_name(&r->text, name);
	text_add(&r->text, value < 0 ? "-" : "");
	text_number(&r->text, value < 0 ? 0 - bits : bits);
	end_field(r, before);
}

static void
put_address(struct text *t, const struct packet_addr *addr)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (addr->family != 4) {
		inet_ntop(AF_INET6, addr->bytes, text, sizeof text);
		text_add(t, text);
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		text_add(t, i > 0 ? "." : "");
		text_number(t, addr->bytes[i]);
	}
}

void
log_address(struct log_record *r, const char *name,
	    const struct packet_addr *addr, uint16_t port)
{
	const size_t before = r->text.len;
	const bool v4 = addr->family == 4;
	struct text *t = &r->text;

	put_name(t, name);
	text_add(t, log_json ? "\"" : v4 ? "" : "[");
	put_address(t, addr);
	text_add(t, log_json ? "\"" : v4 ? "" : "]");
	if (log_json) {
		text_add(t, ",\"");
		text_add(t, name);
		text_add(t, "_port\":");
	} else {
		text_add(t, ":");
	}
	text_number(t, port);
	end_field(r, before);
}

/* Thousandths, the nearest; of two as near, the even one: as printf(3). */
static unsigned
thousandths(unsigned ticks)
{
	const unsigned exact = ticks * 125; /* of 1/32000 */
	const unsigned down = exact / 32, rest = exact % 32;

	return down + (rest > 16 || (rest == 16 && down % 2 == 1));
}

void
log_seconds(struct log_record *r, const char *name, int64_t ticks)
{
	const size_t before = r->text.len;
	const uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
	const unsigned part = thousandths(size % 256);
	struct text *t = &r->text;

	put_name(t, name);
	text_add(t, ticks < 0 ? "-" : log_json ? "" : "+");
	text_number(t, size / 256);
	text_add(t, part < 10 ? ".00" : part < 100 ? ".0" : ".");
	text_number(t, part);
	text_add(t, log_json ? "" : "s");
	end_field(r, before);
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
		limit->tokens = earned < LOG_LIMIT_BURST ? (unsigned)earned
							 : LOG_LIMIT_BURST;
		limit->since += (ms - limit->since) / 1000 * 1000;
	}
	if (limit->tokens == 0) {
		limit->left_out++;
		return false;
	}
	limit->tokens--;
	return true;
}
