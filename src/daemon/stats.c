#include "daemon/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "tap.h"

static void
add(struct stats *s, const struct stat_item *item)
{
	if (s->count < STATS_MAX) {
		s->items[s->count++] = *item;
	}
}

void
stat_text(struct stats *s, const char *name, const char *label,
	  const char *text)
{
	const size_t room = sizeof s->texts - s->texts_len;
	struct text copy = text_over(s->texts + s->texts_len, room);

	text_add(&copy, text);
	/* The last byte stays: an empty text, for those that come then. */
	s->texts_len += copy.len + (copy.len + 1 < room);
	add(s, &(struct stat_item){ STAT_TEXT, name, label, copy.out, 0, "" });
}

void
stat_number(struct stats *s, const char *name, const char *label,
	    uint64_t number)
{
	add(s, &(struct stat_item){ STAT_NUMBER, name, label, "", number, "" });
}

void
stat_count(struct stats *s, const char *name, const char *label,
	   uint64_t number, const char *help)
{
	add(s,
	    &(struct stat_item){ STAT_COUNT, name, label, "", number, help });
}

void
stat_level(struct stats *s, const char *name, const char *label,
	   uint64_t number, const char *help)
{
	add(s,
	    &(struct stat_item){ STAT_LEVEL, name, label, "", number, help });
}

void
stat_duration(char out[32], uint64_t seconds)
{
	struct text t = text_over(out, 32);

	if (seconds >= 86400) {
		text_put(&t, "%" PRIu64 " d ", seconds / 86400);
	}
	text_put(&t, "%02u:%02u:%02u", (unsigned)(seconds / 3600 % 24),
		 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

void
stat_begin(struct stats *s, const char *command, const char *alarm,
	   uint64_t uptime_seconds)
{
	char up[32];

	s->count = s->texts_len = 0;
	stat_duration(up, uptime_seconds);
	stat_text(s, "alarm", alarm[0] ? "ALARM" : NULL, alarm);
	stat_text(s, "command", NULL, command);
	stat_text(s, "version", NULL, tap_version);
	stat_number(s, "pid", "process", (uint64_t)getpid());
	stat_number(s, "uptime", NULL, uptime_seconds);
	stat_text(s, NULL, "up", up);
}

void
stat_worker(struct stats *s, const char *state, uint64_t restarts,
	    uint64_t lines_lost)
{
	stat_count(s, "log_lost", "log lines lost", lines_lost,
		   "Lines of the log that could not be written");
	stat_text(s, "worker", "worker", state);
	stat_count(s, "worker_restarts", "worker restarts", restarts,
		   "Times that the worker was started again");
}

static void
write_table(struct text *t, const struct stats *s)
{
	for (const struct stat_item *item = s->items;
	     item < s->items + s->count; item++) {
		if (item->label && item->kind == STAT_TEXT) {
			text_put(t, "%-24s %s\n", item->label, item->text);
		} else if (item->label) {
			text_put(t, "%-24s %" PRIu64 "\n", item->label,
				 item->number);
		}
	}
}

/* What fields were called: in the JSON by both names, for one release. */
static const struct {
	const char *name, *before;
} renamed[] = {
	{ "ingress_syns", "sieve_syns" },
	{ "ingress_taken", "sieve_taken" },
	{ "ingress_passed", "sieve_passed" },
	{ "ingress_verified", "sieve_verified" },
	{ "ingress_accepted", "sieve_accepted" },
	{ "ingress_mac", "sieve_mac" },
	{ "ingress_dropped", "sieve_dropped" },
	{ "ingress_lost", "sieve_lost" },
	{ "untracked_passed", "stray_passed" },
	{ "untracked_dropped", "stray_dropped" },
};

static void
write_member(struct text *t, const char *name, const struct stat_item *item)
{
	if (item->kind == STAT_TEXT) {
		json_member(t, name, item->text);
	} else {
		json_number(t, name, item->number);
	}
}

/* An item by its name, and by the one that it had. */
static void
write_item(struct text *t, const char *name, const struct stat_item *item)
{
	write_member(t, name, item);
	for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
		if (strcmp(renamed[i].name, item->name) == 0) {
			write_member(t, renamed[i].before, item);
		}
	}
}

static void
write_json(struct text *t, const struct stats *s)
{
	char object[32] = "";

	text_put(t, "{");
	for (size_t i = 0; i < s->count; i++) {
		const char *name = s->items[i].name;
		const char *dot = name ? strchr(name, '.') : NULL;
		char part[sizeof object] = "";

		if (!name) {
			continue;
		}
		if (dot) {
			snprintf(part, sizeof part, "%.*s", (int)(dot - name),
				 name);
		}
		if (strcmp(part, object) != 0) {
			text_put(t, "%s", object[0] ? "}" : "");
			if (part[0]) {
				json_name(t, part);
				text_put(t, "{");
			}
			memcpy(object, part, sizeof object);
		}
		write_item(t, dot ? dot + 1 : name, &s->items[i]);
	}
	text_put(t, "%s}\n", object[0] ? "}" : "");
}

void
stat_write(struct text *t, const struct stats *s, bool json)
{
	if (json) {
		write_json(t, s);
	} else {
		write_table(t, s);
	}
}
