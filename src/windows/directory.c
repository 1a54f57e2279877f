#include "windows/directory.h"

#include <errno.h>
#include <stdbool.h>
#include <wchar.h>

#include "windows/files.h"
#include "windows/text.h"

struct windows_dir {
	HANDLE find;
	bool read; /* the one found is told already */
	WIN32_FIND_DATAW found;
	struct windows_dirent entry;
};

/* Takes the path of a directory, and "\*" behind it. */
static DIR *
open_dir(wchar_t *path)
{
	DIR *dir = path ? calloc(1, sizeof *dir) : NULL;

	if (dir) {
		dir->find = FindFirstFileW(path, &dir->found);
		if (dir->find == INVALID_HANDLE_VALUE) {
			text_error(GetLastError());
			free(dir);
			dir = NULL;
		}
	}
	free(path);
	return dir;
}

DIR *
fdopendir(int fd)
{
	DIR *dir = open_dir(files_path_at(fd, "*"));

	if (dir) {
		windows_close(fd);
	}
	return dir;
}

struct windows_dirent *
readdir(DIR *dir)
{
	for (;;) {
		char *name;

		if (dir->read && !FindNextFileW(dir->find, &dir->found)) {
			return NULL;
		}
		dir->read = true;
		name = text_utf8(dir->found.cFileName);
		if (name && strlen(name) < sizeof dir->entry.d_name) {
			strcpy(dir->entry.d_name, name);
			free(name);
			return &dir->entry;
		}
		free(name);
	}
}

int
closedir(DIR *dir)
{
	FindClose(dir->find);
	free(dir);
	return 0;
}

/* [a-z] or [!a-z]: whether it has the letter; *end is behind it. */
static bool
in_set(const char *set, char letter, const char **end)
{
	const bool other = *set == '!' || *set == '^';
	const char *at = set + other;
	bool found = false;

	do {
		if (at[0] == '\0') {
			break;
		}
		if (at[1] == '-' && at[2] != ']' && at[2] != '\0') {
			found |= at[0] <= letter && letter <= at[2];
			at += 3;
		} else {
			found |= *at++ == letter;
		}
	} while (*at != ']');
	*end = *at ? at + 1 : at;
	return found != other;
}

static bool
matches(const char *pattern, const char *name)
{
	const char *end;

	for (; *pattern; name++) {
		switch (*pattern) {
		case '*':
			while (*name && !matches(pattern + 1, name)) {
				name++;
			}
			return matches(pattern + 1, name);
		case '?':
			end = pattern + 1;
			break;
		case '[':
			if (!in_set(pattern + 1, *name, &end)) {
				return false;
			}
			break;
		default:
			if (*pattern != *name) {
				return false;
			}
			end = pattern + 1;
		}
		if (*name == '\0') {
			return false;
		}
		pattern = end;
	}
	return *name == '\0';
}

/* 0 or GLOB_NOSPACE. */
static int
add(glob_t *found, const char *pattern, size_t dir_len, const char *name)
{
	char **more =
		realloc(found->gl_pathv, (found->gl_pathc + 1) * sizeof *more);
	const size_t size = dir_len + strlen(name) + 1;
	char *path;

	if (!more) {
		return GLOB_NOSPACE;
	}
	found->gl_pathv = more;
	path = calloc(size, 1);
	if (!path) {
		return GLOB_NOSPACE;
	}
	snprintf(path, size, "%.*s%s", (int)dir_len, pattern, name);
	more[found->gl_pathc++] = path;
	return 0;
}

static int
add_matching(glob_t *found, const char *pattern, size_t dir_len,
	     int (*stops)(const char *path, int error))
{
	const char *last = pattern + dir_len;
	struct windows_dirent *entry;
	char *all = calloc(dir_len + 2, 1);
	DIR *dir;
	int rc = 0;

	if (!all) {
		return GLOB_NOSPACE;
	}
	memcpy(all, pattern, dir_len);
	all[dir_len] = '*';
	dir = open_dir(text_path(all));
	free(all);
	if (!dir) {
		return stops(pattern, errno) ? GLOB_ABORTED : GLOB_NOMATCH;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if ((entry->d_name[0] != '.' || last[0] == '.') &&
		    matches(last, entry->d_name)) {
			rc = add(found, pattern, dir_len, entry->d_name);
		}
	}
	closedir(dir);
	return rc;
}

static int
find(glob_t *found, const char *pattern,
     int (*stops)(const char *path, int error))
{
	const char *slash = strrchr(pattern, '/');
	const size_t dir_len = slash ? (size_t)(slash - pattern) + 1 : 0;
	struct windows_stat st;

	if (strpbrk(pattern + dir_len, "*?[")) {
		return add_matching(found, pattern, dir_len, stops);
	}
	return windows_stat(pattern, &st) == 0 ? add(found, "", 0, pattern) : 0;
}

int
glob(const char *pattern, int flags, int (*error)(const char *path, int error),
     glob_t *found)
{
	char *slashed = strdup(pattern);
	const char *from = slashed;
	int rc = GLOB_NOSPACE;

	(void)flags;
	memset(found, 0, sizeof *found);
	for (char *at = slashed; at && *at; at++) {
		*at = *at == '\\' ? '/' : *at;
		/* A path from a drive on, behind a directory, is whole. */
		from = *at == ':' && at > slashed ? at - 1 : from;
	}
	if (slashed) {
		rc = find(found, from, error);
		free(slashed);
	}
	return rc != 0 || found->gl_pathc > 0 ? rc : GLOB_NOMATCH;
}

void
globfree(glob_t *found)
{
	for (size_t i = 0; i < found->gl_pathc; i++) {
		free(found->gl_pathv[i]);
	}
	free(found->gl_pathv);
	memset(found, 0, sizeof *found);
}
