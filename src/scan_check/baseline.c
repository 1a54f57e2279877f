#include "scan_check/baseline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "base/json_read.h"

/* One object of "results". */
struct row {
	char address[JSON_READ_TEXT_MAX];
	unsigned long port;
	enum probe_scan scan;
	enum probe_state state;
};

static void
take_member(struct row *row, const char *name, enum json_token token,
	    const char *value)
{
	size_t len = strlen(value);

	if (token == JSON_NUMBER && strcmp(name, "port") == 0) {
		row->port = strtoul(value, NULL, 10);
	} else if (token != JSON_STRING) {
		return;
	} else if (strcmp(name, "address") == 0) {
		memcpy(row->address, value, len + 1);
	} else if (strcmp(name, "scan") == 0) {
		row->scan = probe_scan_find(value, len);
	} else if (strcmp(name, "state") == 0) {
		row->state = probe_state_find(value, len);
	}
}

static void
take_row(struct findings *f, const struct row *row, size_t *known)
{
	struct finding *finding;

	if (row->port < 1 || row->port > 65535 || row->scan == PROBE_SCANS) {
		return;
	}
	finding = finding_find(f, row->address, (uint16_t)row->port, row->scan);
	if (finding && row->state != PROBE_UNKNOWN) {
		*known += finding->before == PROBE_UNKNOWN;
		finding->before = (uint8_t)row->state;
	}
}

/* Depth 1 is the whole, 2 "results", 3 a row. */
static enum json_token
read_tokens(struct json_read *j, struct findings *f, bool *is_ours,
	    size_t *known)
{
	char name[JSON_READ_TEXT_MAX] = "";
	bool in_results = false;
	struct row row = { .scan = PROBE_SCANS };
	enum json_token token;

	while ((token = json_read_next(j)) > JSON_END) {
		if (token == JSON_NAME) {
			memcpy(name, j->text, sizeof name);
			continue;
		}
		if (j->depth == 2 && token == JSON_ARRAY) {
			in_results = strcmp(name, "results") == 0;
			*is_ours |= in_results;
		} else if (j->depth == 3 && token == JSON_OBJECT) {
			row = (struct row){ .scan = PROBE_SCANS };
		} else if (j->depth == 2 && token == JSON_OBJECT_END &&
			   in_results) {
			take_row(f, &row, known);
		} else if (j->depth == 3 && in_results) {
			take_member(&row, name, token, j->text);
		} else if (j->depth == 1) {
			in_results = false;
		}
	}
	return token;
}

static int
fail(char *why, const char *path, const char *reason)
{
	return why_set(why, -1, "%s: %s", path, reason);
}

static int
load(const char *path, char **text, size_t *len, char *why)
{
	FILE *file = fopen(path, "re");
	size_t size = 65536;
	size_t got;

	*text = NULL;
	*len = 0;
	if (!file) {
		int rc = errno == ENOMEM ? -ENOMEM : -1;

		fail(why, path, strerror(errno));
		return rc;
	}
	do {
		char *larger = realloc(*text, size);

		if (!larger) {
			fclose(file);
			fail(why, path, "out of memory");
			return -ENOMEM;
		}
		*text = larger;
		got = fread(*text + *len, 1, size - *len, file);
		*len += got;
		size *= *len == size ? 2 : 1;
	} while (got > 0 && size <= EARLIER_FILE_MAX);
	if (ferror(file) || size > EARLIER_FILE_MAX) {
		fail(why, path,
		     ferror(file) ? strerror(errno) : "larger than any result");
		fclose(file);
		return -1;
	}
	fclose(file);
	return 0;
}

int
earlier_read(const char *path, struct findings *findings, size_t *known,
	     char *why)
{
	struct json_read j;
	bool is_ours = false;
	char *text;
	size_t len;
	int rc = load(path, &text, &len, why);

	*known = 0;
	if (rc == 0) {
		json_read_init(&j, text, len);
		if (read_tokens(&j, findings, &is_ours, known) == JSON_ERROR) {
			why_set(why, -1, "%s:%lu: %s", path, j.line, j.why);
			rc = -1;
		} else if (!is_ours) {
			rc = fail(why, path,
				  "not what scan-check --json writes");
		}
	}
	free(text);
	return rc;
}
