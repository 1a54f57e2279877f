#include "daemon/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static void
write_table(struct text *t, const struct stat_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!items[i].label) {
			continue;
		}
		if (items[i].text) {
			text_put(t, "%-24s %s\n", items[i].label,
				 items[i].text);
		} else {
			text_put(t, "%-24s %" PRIu64 "\n", items[i].label,
				 items[i].number);
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
	text_put(t, "\"%s\":", name);
	if (item->text) {
		json_string(t, item->text);
	} else {
		text_put(t, "%" PRIu64, item->number);
	}
}

/* A member by its old name, if it has one. */
static void
write_renamed(struct text *t, const struct stat_item *item)
{
	for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
		if (strcmp(renamed[i].name, item->name) == 0) {
			text_put(t, ",");
			write_member(t, renamed[i].before, item);
		}
	}
}

static void
write_json(struct text *t, const struct stat_item *items, size_t count)
{
	char object[32] = "";
	bool first = true;

	text_put(t, "{");
	for (size_t i = 0; i < count; i++) {
		char part[32] = "";
		const char *dot;

		if (!items[i].name) {
			continue;
		}
		dot = strchr(items[i].name, '.');
		if (dot) {
			snprintf(part, sizeof part, "%.*s",
				 (int)(dot - items[i].name), items[i].name);
		}
		if (strcmp(part, object) != 0) {
			text_put(t, "%s", object[0] ? "}" : "");
			text_put(t, "%s", first ? "" : ",");
			if (part[0]) {
				text_put(t, "\"%s\":{", part);
			}
			memcpy(object, part, sizeof object);
		} else {
			text_put(t, "%s", first ? "" : ",");
		}
		first = false;
		write_member(t, dot ? dot + 1 : items[i].name, &items[i]);
		write_renamed(t, &items[i]);
	}
	text_put(t, "%s}\n", object[0] ? "}" : "");
}

void
stat_write(struct text *t, const struct stat_item *items, size_t count,
	   bool json)
{
	if (json) {
		write_json(t, items, count);
	} else {
		write_table(t, items, count);
	}
}

void
stat_duration(char out[32], uint64_t seconds)
{
	if (seconds >= 86400) {
		snprintf(out, 32, "%" PRIu64 " d %02u:%02u:%02u",
			 seconds / 86400, (unsigned)(seconds / 3600 % 24),
			 (unsigned)(seconds / 60 % 60),
			 (unsigned)(seconds % 60));
	} else {
		snprintf(out, 32, "%02u:%02u:%02u", (unsigned)(seconds / 3600),
			 (unsigned)(seconds / 60 % 60),
			 (unsigned)(seconds % 60));
	}
}
