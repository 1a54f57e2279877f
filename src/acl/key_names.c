#include "acl/key_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keyfile.h"
#include "tap.h"

struct names {
	const char *path;
	struct key_file file;
	struct numset *keys;
};

static bool
has_names(const char *text)
{
	return strcmp(text, "ANY") != 0 &&
		text[strspn(text, "0123456789-, \t")] != '\0';
}

/* How many keys have the name; it need not end with NUL. */
static size_t
add_name(const struct names *n, const char *name, size_t len)
{
	size_t found = 0;

	for (size_t i = 0; i < n->file.count; i++) {
		const struct acl_key *key = &n->file.keys[i];
		const struct acl_range no = { key->no, key->no };

		if (strlen(key->name) == len &&
		    memcmp(key->name, name, len) == 0) {
			numset_add(n->keys, &no, 1);
			found++;
		}
	}
	return found;
}

/* An item of a list: numbers, or a name. */
static int
add_item(const struct names *n, const char *item, size_t len)
{
	struct acl_range *ranges;
	char text[ACL_NAME_MAX + 1];
	char why[VALUE_WHY_MAX];
	size_t count;
	int rc;

	snprintf(text, sizeof text, "%.*s", (int)len, item);
	if (has_names(text)) {
		if (add_name(n, item, len) > 0) {
			return TAP_OK;
		}
		fprintf(stderr, "%s: no key is called '%s'\n", n->path, text);
		return TAP_NO;
	}
	rc = value_ranges(text, false, &ranges, &count, why);
	if (rc < 0) {
		fprintf(stderr, "tap acl: --key: %s\n", why);
		return rc == -ENOMEM ? TAP_SYSTEM : TAP_USAGE;
	}
	numset_add(n->keys, ranges, count);
	free(ranges);
	return TAP_OK;
}

static int
add_items(const struct names *n, const char *text)
{
	int status = TAP_OK;

	/* A name may hold a comma. */
	if (add_name(n, text, strlen(text)) > 0) {
		return TAP_OK;
	}
	for (const char *at = text; at && status == TAP_OK;) {
		size_t len;

		at += strspn(at, " \t");
		len = strcspn(at, ",");
		while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
			len--;
		}
		status = add_item(n, at, len);
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return status;
}

/* The set as ranges, which the options have. */
static int
keep(struct access_options *o, const struct numset *keys)
{
	struct acl_range run;
	uint32_t from = 0;

	free(o->keys);
	o->keys_count = 0;
	o->keys = calloc(UINT16_MAX / 2 + 1, sizeof *o->keys);
	if (!o->keys) {
		return access_no_memory();
	}
	while (numset_next(keys, from, &run)) {
		o->keys[o->keys_count++] = run;
		from = (uint32_t)run.high + 1;
	}
	return TAP_OK;
}

static int
resolve(struct access_options *o, struct numset *keys)
{
	static const struct acl_range all = { 0, UINT16_MAX };
	struct names n = { .path = access_paths(o).keys, .keys = keys };
	char err[CONF_ERROR_MAX];
	int status;
	int rc;

	if (strcmp(o->keys_text, "ANY") == 0) {
		numset_add(keys, &all, 1);
		return keep(o, keys);
	}
	if (has_names(o->keys_text)) {
		rc = key_load(n.path, &n.file, err);
		if (rc < 0) {
			fprintf(stderr, "%s\n", err);
			return conf_status(rc);
		}
	}
	status = add_items(&n, o->keys_text);
	key_free(&n.file);
	return status == TAP_OK ? keep(o, keys) : status;
}

int
access_resolve_keys(struct access_options *o)
{
	struct numset *keys;
	int status;

	if (!o->has_key) {
		return TAP_OK;
	}
	keys = calloc(1, sizeof *keys);
	if (!keys) {
		return access_no_memory();
	}
	status = resolve(o, keys);
	free(keys);
	return status;
}
