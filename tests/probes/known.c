/* SPDX-License-Identifier: ISC */
#include "probes/known.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 64u

struct known {
	char line[256], *pattern, *kinds; /* kinds: its last part */
	bool used;
};

static struct known known[KNOWN_MAX];
static size_t known_count;

void
known_read(const char *path)
{
	FILE *file = path ? fopen(path, "re") : NULL;

	if (path && !file) {
		die(path);
	}
	while (file && known_count < KNOWN_MAX &&
	       fgets(known[known_count].line, sizeof known->line, file)) {
		struct known *k = &known[known_count];
		char *tab = strchr(k->line, '\t');

		if (k->line[0] == '#' || k->line[0] == '\n') {
			continue;
		}
		if (!tab || !memchr(k->line, '/', (size_t)(tab - k->line))) {
			fprintf(stderr, "probes: %s: no kind and reason: %s",
				path, k->line);
			exit(2);
		}
		*tab = '\0';
		/* What comes and goes need not be seen. */
		k->used = k->line[0] == '~';
		k->pattern = k->line + k->used;
		k->kinds = strrchr(k->line, '/') + 1;
		known_count++;
	}
	if (file) {
		fclose(file);
	}
}

bool
known_has(const char *variant, const char *group, const char *kind)
{
	char name[256];
	bool found = false;

	snprintf(name, sizeof name, "%s/%s/%s", variant, group, kind);
	for (size_t i = 0; i < known_count; i++) {
		if (fnmatch(known[i].pattern, name, 0) == 0) {
			known[i].used = found = true;
		}
	}
	return found;
}

size_t
known_tell_gone(const struct words *w)
{
	size_t gone = 0;

	for (size_t i = 0; i < known_count; i++) {
		for (size_t k = 0; k < w->group_count && !known[i].used; k++) {
			char name[256], pattern[256];

			snprintf(name, sizeof name, "%s/%s/", w->variant,
				 w->groups[k].name);
			snprintf(pattern, sizeof pattern, "%.*s",
				 (int)(known[i].kinds - known[i].pattern),
				 known[i].pattern);
			if (fnmatch(pattern, name, 0) == 0) {
				printf("%s: known to differ, and does not any "
				       "more\n",
				       known[i].pattern);
				gone++;
				break;
			}
		}
	}
	return gone;
}
