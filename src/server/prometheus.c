#include "server/prometheus.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "daemon/log.h"

#define TEXT_MAX 16384u /* a hundred metrics of 160 bytes */

/* What goes up and down; all else only counts up. */
static bool
is_gauge(const struct stat_item *item)
{
	static const char *const gauges[] = {
		"rules",      "keys",    "held",
		"assembling", "replays", "rules_contested",
	};

	for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
		if (strcmp(item->name, gauges[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* "refused.mac" is one of several series of tap_server_refused_total. */
static void
put_item(struct text *t, const char *prefix, const struct stat_item *item,
	 const char *before)
{
	const char *dot = strchr(item->name, '.');
	int len = dot ? (int)(dot - item->name) : (int)strlen(item->name);
	bool gauge = is_gauge(item);
	bool same = dot && before &&
		strncmp(before, item->name, (size_t)len + 1) == 0;
	const char *total = gauge ? "" : "_total";

	if (!same) {
		text_put(t, "# HELP %s_%.*s%s %s.\n# TYPE %s_%.*s%s %s\n",
			 prefix, len, item->name, total,
			 dot ? "Groups and SYNs refused, by reason"
			     : item->label,
			 prefix, len, item->name, total,
			 gauge ? "gauge" : "counter");
	}
	text_put(t, "%s_%.*s%s", prefix, len, item->name, total);
	if (dot) {
		text_put(t, "{reason=\"%s\"}", dot + 1);
	}
	text_put(t, " %" PRIu64 "\n", item->number);
}

static void
put_all(struct text *t, const char *prefix, const struct stat_item *items,
	size_t count)
{
	const char *before = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct stat_item *item = &items[i];

		if (!item->name || item->text ||
		    strcmp(item->name, "queue") == 0 ||
		    strcmp(item->name, "pid") == 0) {
			continue;
		}
		if (strcmp(item->name, "uptime") == 0) {
			text_put(t,
				 "# HELP %s_uptime_seconds Time since the "
				 "start.\n# TYPE %s_uptime_seconds gauge\n"
				 "%s_uptime_seconds %" PRIu64 "\n",
				 prefix, prefix, prefix, item->number);
		} else if (item->label) {
			put_item(t, prefix, item, before);
			before = item->name;
		}
	}
}

int
metrics_write(const char *path, const char *prefix,
	      const struct stat_item *items, size_t count)
{
	static char text[TEXT_MAX];
	struct text t = text_over(text, sizeof text);
	char temporary[4096];
	int rc = 0;
	int fd;

	put_all(&t, prefix, items, count);
	/* The collector passes over what does not end in .prom. */
	if (snprintf(temporary, sizeof temporary, "%s.new", path) >=
	    (int)sizeof temporary) {
		return -ENAMETOOLONG;
	}
	unlink(temporary);
	fd = open(temporary,
		  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		return -errno;
	}
	errno = 0; /* a full disk may take a part, and say nothing */
	if (write(fd, text, t.len) != (ssize_t)t.len || fchmod(fd, 0644) < 0 ||
	    rename(temporary, path) < 0) {
		rc = errno ? -errno : -ENOSPC;
		unlink(temporary);
	}
	close(fd);
	return rc;
}

struct writing {
	const char *path, *prefix;
	const struct stat_item *items;
	size_t count;
};

static int
write_in_child(void *context)
{
	const struct writing *w = context;

	return -metrics_write(w->path, w->prefix, w->items, w->count);
}

static void
tell(struct metrics *m, const char *path, int error)
{
	/* Once is enough for what goes on. */
	if (error != 0 && error != m->error) {
		log_say(LOG_LEVEL_ERROR, "%s: %s", path, strerror(error));
	}
	m->error = error;
}

bool
metrics_due(struct metrics *m, const char *path, uint64_t now_ms)
{
	int error;

	if (m->writer != 0 && spawn_ended(m->writer, &error)) {
		m->writer = 0;
		tell(m, path, error);
	}
	if (now_ms - m->begun_ms < METRICS_EVERY_MS) {
		return false;
	}
	if (m->writer != 0) {
		tell(m, path, ETIMEDOUT);
		return false;
	}
	m->begun_ms = now_ms;
	return true;
}

void
metrics_start(struct metrics *m, const char *path, const char *prefix,
	      const struct stat_item *items, size_t count)
{
	struct writing w = { path, prefix, items, count };

	m->writer = spawn_function(write_in_child, &w);
	if (m->writer < 0) {
		tell(m, path, (int)-m->writer);
		m->writer = 0;
	}
}
