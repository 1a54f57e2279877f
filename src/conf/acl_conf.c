#include "conf/acl_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "conf/words.h"

struct acl_entry *
acl_conf_add(struct acl *acl)
{
	struct acl_entry *entry;

	if (grow(&acl->entries, acl->entries_count, &acl->entries_room,
		 sizeof *entry) < 0) {
		return NULL;
	}
	entry = &acl->entries[acl->entries_count++];
	*entry = (struct acl_entry){ 0 };
	return entry;
}

void
acl_conf_free(struct acl *acl)
{
	for (size_t i = 0; i < acl->entries_count; i++) {
		free(acl->entries[i].keys);
	}
	free(acl->entries);
	acl->entries = NULL;
	acl->entries_count = acl->entries_room = 0;
}

static int
take_ports(void *into, const char *value, char *why)
{
	struct acl_entry *entry = into;

	if (strcmp(value, "ANY") == 0) {
		entry->ports.high = 65535;
		return 0;
	}
	return value_port_range(value, &entry->ports, why);
}

static int
take_keys(void *into, const char *value, char *why)
{
	struct acl_entry *entry = into;

	/* What `tap acl deny` leaves of a line: its place and comment. */
	if (strcmp(value, "NONE") == 0) {
		return 0;
	}
	if (strcmp(value, "ANY") == 0) {
		entry->keys = calloc(1, sizeof *entry->keys);
		if (!entry->keys) {
			return value_no_memory(why);
		}
		entry->keys->high = 65535;
		entry->keys_count = 1;
		return 0;
	}
	return value_ranges(value, false, &entry->keys, &entry->keys_count,
			    why);
}

static const struct conf_word_type entry_words[] = {
	{ .name = "port", CONF_OWN(take_ports), .needed = true },
	{ .name = "key_no", CONF_OWN(take_keys), .needed = true },
};

static int
by_low(const void *a, const void *b)
{
	const struct acl_range *left = a;
	const struct acl_range *right = b;

	return (left->low > right->low) - (left->low < right->low);
}

/* Sort an entry's keys; a number that is listed twice is an error. */
static int
settle_keys(const struct conf_file *file, const struct acl_entry *entry,
	    char *err)
{
	if (entry->keys_count == 0) {
		return 0;
	}
	qsort(entry->keys, entry->keys_count, sizeof *entry->keys, by_low);
	for (size_t i = 1; i < entry->keys_count; i++) {
		if (entry->keys[i].low <= entry->keys[i - 1].high) {
			return conf_fail(err, file, entry->line,
					 "key_no: %u is listed twice",
					 entry->keys[i].low);
		}
	}
	return 0;
}

static int
check_overlap(const struct conf_file *file, const struct acl *acl,
	      const struct acl_entry *entry, char *err)
{
	char place[CONF_PLACE_MAX];

	for (size_t i = 0; i + 1 < acl->entries_count; i++) {
		const struct acl_entry *other = &acl->entries[i];

		if (entry->ports.low <= other->ports.high &&
		    other->ports.low <= entry->ports.high) {
			return conf_fail(err, file, entry->line,
					 "port %u stands in %s already",
					 entry->ports.low > other->ports.low
						 ? entry->ports.low
						 : other->ports.low,
					 conf_place(place, file, other->file,
						    other->line));
		}
	}
	return 0;
}

int
acl_conf_entry(struct acl *acl, const struct conf_file *file,
	       const struct conf_line *line, char *err)
{
	static const struct conf_words words = CONF_WORDS(entry_words);
	struct acl_entry *entry;
	int rc;

	if (line->is_rule) {
		return conf_fail(err, file, line->line,
				 "an access list has no rules");
	}
	if (acl->entries_count == ACL_ENTRIES_MAX) {
		return conf_fail(err, file, line->line, "more than %u entries",
				 ACL_ENTRIES_MAX);
	}
	entry = acl_conf_add(acl);
	if (!entry) {
		return conf_no_memory(err, file, line->line);
	}
	entry->line = line->line;
	entry->file = conf_included(file);
	rc = conf_apply(file, line, &words, entry, NULL, err);
	if (rc < 0) {
		return rc;
	}
	if (settle_keys(file, entry, err) < 0) {
		return -1;
	}
	return check_overlap(file, acl, entry, err);
}

int
acl_conf_read(struct acl *acl, struct conf_file *file, char *err)
{
	struct conf_line line;
	int rc;

	while ((rc = conf_next(file, &line, err)) > 0) {
		rc = acl_conf_entry(acl, file, &line, err);
		if (rc < 0) {
			return rc;
		}
	}
	if (rc == 0 && acl->entries_count == 0) {
		return conf_fail(err, file, 0, "no entry in it");
	}
	return rc;
}

int
acl_conf_load(struct acl *acl, const char *path, char *err)
{
	struct conf_file file;
	int rc = conf_open(&file, path, CONF_PUBLIC, err);

	if (rc < 0) {
		return rc;
	}
	rc = acl_conf_read(acl, &file, err);
	conf_close(&file);
	return rc;
}
