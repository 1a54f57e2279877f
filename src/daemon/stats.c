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
		text_put(t, "\"%s\":", dot ? dot + 1 : items[i].name);
		if (items[i].text) {
			json_string(t, items[i].text);
		} else {
			text_put(t, "%" PRIu64, items[i].number);
		}
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
