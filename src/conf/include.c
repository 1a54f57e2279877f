#include "conf/include.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/splice.h"

#define PATTERN_MAX 4096u /* as the kernel's paths */

struct conf_include {
	glob_t found;
	size_t next;
	const char *path;      /* of the one that is open; kept by keep() */
	struct conf_file file; /* open where path is not NULL */
};

bool
include_is(const struct conf_line *line)
{
	return !line->is_rule && line->count == 1 &&
		strcmp(line->words[0].name, "include") == 0;
}

/*
 * A path that lives as long as the process, as what names it in an error
 * or a rule may; each but once, however often it is read.
 */
static const char *
keep(const char *path)
{
	static char **paths;
	static size_t count;
	char **more;
	char *copy;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(paths[i], path) == 0) {
			return paths[i];
		}
	}
	more = realloc(paths, (count + 1) * sizeof *paths);
	if (!more) {
		return NULL;
	}
	paths = more;
	copy = strdup(path);
	if (copy) {
		paths[count++] = copy;
	}
	return copy;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A missing directory counts as empty. */
static int
stops(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static int
find(const struct conf_file *file, const char *name, glob_t *found, char *err)
{
	const char *slash = strrchr(file->path, '/');
	char pattern[PATTERN_MAX];
	int rc;

	if (name[0] == '/' || !slash) {
		rc = snprintf(pattern, sizeof pattern, "%s", name);
	} else {
		rc = snprintf(pattern, sizeof pattern, "%.*s/%s",
			      (int)(slash - file->path), file->path, name);
	}
	if (rc < 0 || (size_t)rc >= sizeof pattern) {
		return conf_fail(err, file, file->line, "include: %s",
				 strerror(ENAMETOOLONG));
	}
	rc = glob(pattern, GLOB_NOSORT, stops, found);
	if (rc == GLOB_NOMATCH && !strpbrk(name, "*?[")) {
		return conf_fail(err, file, file->line, "include: %.128s: %s",
				 pattern, strerror(ENOENT));
	}
	if (rc == GLOB_NOSPACE) {
		return conf_no_memory(err, file, file->line);
	}
	if (rc != 0 && rc != GLOB_NOMATCH) {
		return conf_fail(err, file, file->line,
				 "include: %.128s: its directory can't be "
				 "read",
				 pattern);
	}
	if (found->gl_pathc > INCLUDE_FILES_MAX) {
		return conf_fail(err, file, file->line,
				 "include: more than %u files",
				 INCLUDE_FILES_MAX);
	}
	if (found->gl_pathc > 1) {
		qsort(found->gl_pathv, found->gl_pathc, sizeof *found->gl_pathv,
		      by_bytes);
	}
	return 0;
}

int
include_open(struct conf_file *file, const struct conf_line *line, char *err)
{
	struct conf_include *include = calloc(1, sizeof *include);
	int rc;

	if (!include) {
		return conf_no_memory(err, file, line->line);
	}
	rc = find(file, line->words[0].value, &include->found, err);
	if (rc < 0) {
		globfree(&include->found);
		free(include);
		return rc;
	}
	file->include = include;
	return 0;
}

/* 1, 0 where there is none more, or below 0. */
static int
open_next(struct conf_file *file, char *err)
{
	struct conf_include *include = file->include;
	const char *path;
	int rc;

	if (include->next == include->found.gl_pathc) {
		return 0;
	}
	path = keep(include->found.gl_pathv[include->next++]);
	if (!path) {
		return conf_no_memory(err, file, file->line);
	}
	rc = conf_open(&include->file, path, file->secrecy, err);
	if (rc < 0) {
		return rc;
	}
	include->file.includes = CONF_INCLUDES_REFUSED;
	include->path = path;
	return 1;
}

int
include_next(struct conf_file *file, struct conf_line *line, char *err)
{
	struct conf_include *include = file->include;

	for (;;) {
		int rc;

		if (include->path) {
			rc = conf_next(&include->file, line, err);
			if (rc != 0) {
				return rc;
			}
			conf_close(&include->file);
			include->path = NULL;
		}
		rc = open_next(file, err);
		if (rc <= 0) {
			return rc;
		}
	}
}

void
include_close(struct conf_file *file)
{
	struct conf_include *include = file->include;

	if (!include) {
		return;
	}
	if (include->path) {
		conf_close(&include->file);
	}
	globfree(&include->found);
	free(include);
	file->include = NULL;
}

const struct conf_file *
include_current(const struct conf_file *file)
{
	return file->include && file->include->path ? &file->include->file
						    : file;
}

/* The files of one line, each ended as a file whose next line follows. */
static int
flatten_line(struct secret_buf *out, struct conf_file *file,
	     const struct conf_line *line, char *err)
{
	int rc = include_open(file, line, err);

	while (rc == 0 && (rc = open_next(file, err)) > 0) {
		struct conf_include *include = file->include;
		struct conf_line ignored;

		/* The position at the end of the file, for edit_gap(). */
		while ((rc = conf_next(&include->file, &ignored, err)) > 0) {
		}
		if (rc == 0 &&
		    (secret_append(out, include->file.text, include->file.len) <
			     0 ||
		     secret_puts(out, edit_gap(&include->file)) < 0)) {
			rc = conf_no_memory(err, file, 0);
		}
		conf_close(&include->file);
		include->path = NULL;
	}
	include_close(file);
	return rc;
}

int
include_flatten(struct secret_buf *out, const char *path,
		enum conf_secrecy secrecy, char *err)
{
	struct conf_file file;
	struct conf_line line;
	size_t at = 0;
	int rc = conf_open(&file, path, secrecy, err);

	if (rc < 0) {
		return rc;
	}
	file.includes = CONF_INCLUDES_GIVEN;
	while ((rc = conf_next(&file, &line, err)) > 0) {
		if (!include_is(&line)) {
			continue;
		}
		rc = secret_append(out, file.text + at, file.start - at) < 0
			? conf_no_memory(err, &file, 0)
			: flatten_line(out, &file, &line, err);
		if (rc < 0) {
			break;
		}
		at = file.pos;
	}
	if (rc == 0 && secret_append(out, file.text + at, file.len - at) < 0) {
		rc = conf_no_memory(err, &file, 0);
	}
	conf_close(&file);
	return rc;
}
