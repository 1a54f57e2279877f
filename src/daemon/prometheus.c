#include "daemon/prometheus.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/spawn.h"
#include "daemon/log.h"

/* A file system that hangs does not hold up the end. */
#define REMOVE_MS 2000u
#define NAME_MAX_LEN 4096

void
metrics_put_head(const struct metrics *m, const char *name, const char *type,
		 const char *help)
{
	fprintf(m->file, "# HELP %s_%s %s.\n# TYPE %s_%s %s\n", m->prefix, name,
		help, m->prefix, name, type);
}

void
metrics_put_value(const struct metrics *m, const char *value)
{
	static const char bad[] = "\\ufffd";
	char quoted[512];
	struct text t = text_over(quoted, sizeof quoted);
	const char *at = quoted, *next;

	json_string(&t, value);
	/* This format knows no such escape; a name needs no other one. */
	while ((next = strstr(at, bad)) != NULL) {
		fprintf(m->file, "%.*s\xef\xbf\xbd", (int)(next - at), at);
		at = next + sizeof bad - 1;
	}
	fputs(at, m->file);
}

static void
put_gauge(const struct metrics *m, const char *name, const char *help,
	  uint64_t value)
{
	metrics_put_head(m, name, "gauge", help);
	fprintf(m->file, "%s_%s %" PRIu64 "\n", m->prefix, name, value);
}

/* "refused.mac" is one of several series of tap_server_refused_total. */
static void
put_number(const struct metrics *m, const struct stat_item *item,
	   const char *before)
{
	const bool counts = item->kind == STAT_COUNT;
	const char *dot = strchr(item->name, '.');
	const size_t len = strcspn(item->name, ".");
	char name[64];

	snprintf(name, sizeof name, "%.*s%s", (int)len, item->name,
		 counts ? "_total" : "");
	if (!dot || strncmp(before, item->name, len + 1) != 0) {
		metrics_put_head(m, name, counts ? "counter" : "gauge",
				 item->help);
	}
	fprintf(m->file, "%s_%s", m->prefix, name);
	if (dot) {
		fprintf(m->file, "{reason=\"%s\"}", dot + 1);
	}
	fprintf(m->file, " %" PRIu64 "\n", item->number);
}

static void
put_text(const struct metrics *m, const struct stat_item *item)
{
	if (strcmp(item->name, "alarm") == 0) {
		put_gauge(m, "alarm",
			  "Whether something is wrong, as --status says",
			  item->text[0] != '\0');
	} else if (strcmp(item->name, "worker") == 0) {
		put_gauge(m, "worker_up",
			  "Whether the process that handles packets works",
			  strcmp(item->text, "at work") == 0);
	} else if (strcmp(item->name, "version") == 0) {
		metrics_put_head(m, "build_info", "gauge",
				 "The version of tap that is running");
		fprintf(m->file, "%s_build_info{version=", m->prefix);
		metrics_put_value(m, item->text);
		fputs("} 1\n", m->file);
	}
}

/* Those of the items that are metrics, or can be one. */
static void
put_stats(const struct metrics *m, const struct stats *s)
{
	const char *before = "";

	put_gauge(m, "up", "1 while it is running; the file ends with it", 1);
	for (const struct stat_item *item = s->items;
	     item < s->items + s->count; item++) {
		if (item->kind == STAT_TEXT && item->name) {
			put_text(m, item);
		} else if (item->kind == STAT_COUNT ||
			   item->kind == STAT_LEVEL) {
			put_number(m, item, before);
			before = item->name;
		} else if (item->name && strcmp(item->name, "uptime") == 0) {
			put_gauge(m, "uptime_seconds", "Time since the start",
				  item->number);
		}
	}
}

/* Log an error once as long as it lasts. */
static void
tell(struct metrics *m, int error)
{
	if (error != 0 && error != m->error) {
		log_say(LOG_LEVEL_ERROR, "%s: %s", m->path, strerror(error));
	}
	m->error = error;
}

bool
metrics_due(struct metrics *m, uint64_t ms)
{
	int error;

	if (!m->path) {
		return false;
	}
	if (m->writer != 0 && spawn_ended(m->writer, &error)) {
		m->writer = 0;
		m->written |= error == 0;
		tell(m, error);
	}
	if (m->begun_ms != 0 && ms - m->begun_ms < METRICS_EVERY_MS) {
		return false;
	}
	if (m->writer != 0) {
		tell(m, ETIMEDOUT);
		return false;
	}
	m->begun_ms = ms;
	return true;
}

struct writing {
	struct metrics *metrics;
	const struct stats *stats;
	metrics_more *more;
	const void *context;
};

/* The collector passes over what does not end in .prom. */
static bool
name_new(char name[NAME_MAX_LEN], const struct metrics *m)
{
	return snprintf(name, NAME_MAX_LEN, "%s.new", m->path) < NAME_MAX_LEN;
}

/* In a process of its own.  0 or errno. */
static int
write_file(void *context)
{
	const struct writing *w = context;
	struct metrics *m = w->metrics;
	char name[NAME_MAX_LEN];
	int fd, error = 0;

	if (!name_new(name, m)) {
		return ENAMETOOLONG;
	}
	unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0644);
	if (fd < 0 || !(m->file = fdopen(fd, "w"))) {
		return errno;
	}
	put_stats(m, w->stats);
	if (w->more) {
		w->more(m, w->context);
	}
	errno = 0; /* a full disk may take a part, and say nothing */
	if (fflush(m->file) != 0 || ferror(m->file) || fchmod(fd, 0644) < 0 ||
	    rename(name, m->path) < 0) {
		error = errno ? errno : ENOSPC;
		unlink(name);
	}
	fclose(m->file);
	return error;
}

void
metrics_start(struct metrics *m, const struct stats *stats, metrics_more *more,
	      const void *context)
{
	struct writing w = { m, stats, more, context };

	m->writer = spawn_function(write_file, &w);
	if (m->writer < 0) {
		tell(m, (int)-m->writer);
		m->writer = 0;
	}
}

static int
remove_file(void *context)
{
	const struct metrics *m = context;
	char name[NAME_MAX_LEN];

	/* Of a writer that was killed. */
	if (name_new(name, m)) {
		unlink(name);
	}
	return unlink(m->path) < 0 ? errno : 0;
}

void
metrics_remove(struct metrics *m)
{
	int error;

	if (m->writer != 0 && !spawn_ended(m->writer, &error)) {
		kill(m->writer, SIGKILL);
		m->written = true; /* perhaps */
	} else if (m->writer != 0) {
		m->written |= error == 0;
	}
	if (m->written) {
		run_function(remove_file, m, REMOVE_MS);
	}
	m->writer = 0;
}
