#include "acl/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/acl_conf.h"
#include "conf/server_files.h"
#include "os/clock.h"
#include "base/json.h"
#include "conf/keyfile.h"
#include "base/table.h"
#include "tap.h"

#define MESSAGE_MAX (2 * CONF_ERROR_MAX)

struct check {
	const struct access_options *o;
	struct access_paths paths;
	struct server_conf *conf;
	uint64_t now;
	unsigned errors, warnings, findings;
	struct numset known;   /* keys in the key file */
	struct numset usable;  /* that are not past their end */
	struct numset served;  /* ports that some usable key may use */
	struct numset guarded; /* ports that some rule protects */
};

/*
 * Errors go to standard error, warnings to standard output; JSON has both.
 * Line 0 means the file as a whole.
 */
static void
report(struct check *c, bool error, const char *kind, const char *path,
       unsigned line, const char *message)
{
	int fd = error ? STDERR_FILENO : STDOUT_FILENO;
	const char *colour = error ? "\033[31m" : "\033[33m";
	char object[8 * MESSAGE_MAX];
	struct text t = text_over(object, sizeof object);
	bool coloured = table_colour(fd);
	FILE *out = error ? stderr : stdout;

	*(error ? &c->errors : &c->warnings) += 1;
	if (c->o->json) {
		text_put(&t, "%s{", c->findings++ ? ",\n " : "");
		json_member(&t, "level", error ? "error" : "warning");
		json_member(&t, "kind", kind);
		json_member(&t, "file", path);
		json_number(&t, "line", line);
		json_member(&t, "message", message);
		printf("%s}", object);
		return;
	}
	fputs(coloured ? colour : "", out);
	fputs(path, out);
	if (line > 0) {
		fprintf(out, ":%u", line);
	}
	fprintf(out, ": %s%s%s\n", error ? "" : "warning: ", message,
		coloured ? "\033[0m" : "");
}

static void finding(struct check *c, bool error, const char *kind,
		    const char *path, unsigned line, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

static void
finding(struct check *c, bool error, const char *kind, const char *path,
	unsigned line, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	report(c, error, kind, path, line, message);
}

/*
 * An error as the loaders write it, "path:line: why" or "path: why", of the
 * file or one that it includes.
 */
static void
load_error(struct check *c, const char *path, const char *err)
{
	char included[CONF_ERROR_MAX];
	size_t len = strlen(path);
	unsigned long line = 0;
	const char *why;
	char *end;

	if (strncmp(err, path, len) != 0 || err[len] != ':') {
		len = strcspn(err, ":");
		snprintf(included, sizeof included, "%.*s", (int)len, err);
		path = included;
	}
	why = err + len + (err[len] == ':');
	if (*why >= '0' && *why <= '9') {
		line = strtoul(why, &end, 10);
		why = *end == ':' ? end + 1 : why;
	}
	why += *why == ' ';
	finding(c, true, "malformed", path, (unsigned)line, "%s", why);
}

/*
 * Check each file, so that one run reports the errors of all. Returns 0, or
 * -ENOMEM with the error said.
 */
static int
load(struct check *c)
{
	const char *const paths[] = {
		c->paths.rules,
		c->paths.keys,
		c->paths.acl,
	};
	enum { RULES, KEYS, ACL, FILES };
	char err[FILES][CONF_ERROR_MAX];
	struct acl *acl = &c->conf->acl;
	struct key_file keys;
	int rc[FILES];

	rc[RULES] = server_conf_read_path(c->conf, paths[RULES], err[RULES]);
	rc[KEYS] = key_load(paths[KEYS], &keys, err[KEYS]);
	acl->keys = keys.keys;
	acl->keys_count = keys.count;
	rc[ACL] = acl_conf_load(acl, paths[ACL], err[ACL]);
	for (size_t i = 0; i < FILES; i++) {
		if (rc[i] == -ENOMEM) {
			fprintf(stderr, "%s\n", err[i]);
			return rc[i];
		}
	}
	if (c->o->json) {
		printf("{\"findings\":[");
	}
	for (size_t i = 0; i < FILES; i++) {
		if (rc[i] < 0) {
			load_error(c, paths[i], err[i]);
		}
	}
	return 0;
}

static bool
is_any(const struct acl_range *ranges, size_t count)
{
	return count == 1 && ranges->low == 0 && ranges->high == UINT16_MAX;
}

static void
collect(struct check *c)
{
	const struct acl *acl = &c->conf->acl;
	const struct acl_range all = { 0, UINT16_MAX };

	for (size_t i = 0; i < acl->keys_count; i++) {
		struct acl_range no = { acl->keys[i].no, acl->keys[i].no };

		numset_add(&c->known, &no, 1);
		if (acl->keys[i].not_after > c->now) {
			numset_add(&c->usable, &no, 1);
		}
	}
	for (size_t i = 0; i < acl->entries_count; i++) {
		const struct acl_entry *entry = &acl->entries[i];
		struct numset keys = { 0 };

		numset_add(&keys, entry->keys, entry->keys_count);
		numset_intersect(&keys, &c->usable);
		if (!numset_empty(&keys)) {
			numset_add(&c->served, &entry->ports, 1);
		}
	}
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		if (rule->ports_count == 0) {
			numset_add(&c->guarded, &all, 1);
		}
		numset_add(&c->guarded, rule->ports, rule->ports_count);
	}
}

/* The runs of a set as text, cut short where there are many. */
static void
list(char *out, size_t size, const struct numset *set)
{
	struct text t = text_over(out, size);
	struct acl_range run;
	unsigned count = 0;
	uint32_t from = 0;

	for (; numset_next(set, from, &run); count++) {
		if (count == 8) {
			text_put(&t, ",...");
			return;
		}
		text_put(&t, "%s%s", count ? "," : "", access_range(run));
		from = (uint32_t)run.high + 1;
	}
}

static void
check_entries(struct check *c)
{
	const struct acl *acl = &c->conf->acl;
	char text[256];

	for (size_t i = 0; i < acl->entries_count; i++) {
		const struct acl_entry *entry = &acl->entries[i];
		struct numset set = { 0 };

		numset_add(&set, entry->keys, entry->keys_count);
		numset_subtract(&set, &c->known);
		if (!is_any(entry->keys, entry->keys_count) &&
		    !numset_empty(&set)) {
			list(text, sizeof text, &set);
			finding(c, true, "unknown-key",
				access_file(entry->file, c->paths.acl),
				entry->line, "key_no %s: not in %s", text,
				c->paths.keys);
		}
		memset(&set, 0, sizeof set);
		numset_add(&set, &entry->ports, 1);
		numset_subtract(&set, &c->guarded);
		if (!is_any(&entry->ports, 1) && !numset_empty(&set)) {
			list(text, sizeof text, &set);
			finding(c, false, "unprotected-port",
				access_file(entry->file, c->paths.acl),
				entry->line,
				"port %s: no rule of %s protects "
				"it",
				text, c->paths.rules);
		}
	}
}

static void
check_rules(struct check *c)
{
	const struct acl *acl = &c->conf->acl;
	char text[256];

	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];
		struct numset set = { 0 };

		numset_add(&set, rule->ports, rule->ports_count);
		numset_subtract(&set, &c->served);
		if (rule->ports_count > 0 && !numset_empty(&set)) {
			list(text, sizeof text, &set);
			finding(c, false, "unusable-port",
				access_file(rule->file, c->paths.rules),
				rule->line, "port %s: no key may use it", text);
		}
		if (rule->ports_count == 0 && numset_empty(&c->served)) {
			finding(c, false, "unusable-port",
				access_file(rule->file, c->paths.rules),
				rule->line, "no key may use any port");
		}
	}
}

static void
check_end(struct check *c, const struct acl_key *key)
{
	char when[VALUE_TIME_MAX];

	if (key->not_after == UINT64_MAX) {
		return;
	}
	value_time_text(when, key->not_after);
	if (key->not_after <= c->now) {
		finding(c, false, "past", access_file(key->file, c->paths.keys),
			key->line, "key %u%s: ended at %s (not_after)", key->no,
			access_name(key), when);
	} else if (key->not_after - c->now <= c->o->within) {
		finding(c, false, "ending",
			access_file(key->file, c->paths.keys), key->line,
			"key %u%s: ends at %s (not_after)", key->no,
			access_name(key), when);
	}
}

static void
check_keys(struct check *c)
{
	const struct acl *acl = &c->conf->acl;

	for (size_t i = 0; i < acl->keys_count; i++) {
		const struct acl_key *key = &acl->keys[i];
		const struct suite *suite = &suites[key->mac.suite];

		check_end(c, key);
		if (suite->extra_max == 0) {
			finding(c, false, suite->name,
				access_file(key->file, c->paths.keys),
				key->line, "key %u%s: %s, with 30 bits",
				key->no, access_name(key), suite->name);
		} else if (key->bits == 30) {
			finding(c, false, "30-bits",
				access_file(key->file, c->paths.keys),
				key->line,
				"key %u%s: 30 bits, which can be guessed",
				key->no, access_name(key));
		}
	}
}

static void
summary(const struct check *c)
{
	const struct acl *acl = &c->conf->acl;

	if (c->o->json) {
		printf("],\n \"rules\":%zu,\"keys\":%zu,\"entries\":%zu,"
		       "\"errors\":%u,\"warnings\":%u}\n",
		       acl->rules_count, acl->keys_count, acl->entries_count,
		       c->errors, c->warnings);
		return;
	}
	printf("%zu rule%s, %zu key%s, %zu entr%s: %u error%s, %u warning%s\n",
	       acl->rules_count, text_s(acl->rules_count), acl->keys_count,
	       text_s(acl->keys_count), acl->entries_count,
	       acl->entries_count == 1 ? "y" : "ies", c->errors,
	       text_s(c->errors), c->warnings, text_s(c->warnings));
}

static int
judge(struct check *c)
{
	/* Stop here: findings about half a configuration would be wrong. */
	if (c->errors == 0) {
		collect(c);
		check_entries(c);
		check_rules(c);
		check_keys(c);
	}
	summary(c);
	return c->errors                      ? TAP_USAGE
		: c->warnings && c->o->strict ? TAP_NO
					      : TAP_OK;
}

int
access_check(const struct access_options *o)
{
	struct check *c = calloc(1, sizeof *c);
	int status;

	if (c) {
		c->conf = server_conf_new();
	}
	if (!c || !c->conf) {
		free(c);
		return access_no_memory();
	}
	c->o = o;
	c->paths = access_paths(o);
	c->now = clock_instant();
	status = load(c) < 0 ? TAP_SYSTEM : judge(c);
	server_conf_free(c->conf);
	free(c);
	return status;
}
