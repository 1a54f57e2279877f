#include "acl/acl_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "conf/acl_conf.h"
#include "conf/splice.h"
#include "protocol/numset.h"

/* A list longer than this is broken into lines of that width. */
#define LIST_MAX 1000u
#define LIST_WIDTH 70u

/* All that a change consists of; with->bytes of an edit are offsets. */
struct edits {
	struct edit *list;
	size_t count, room;
	struct secret_buf text; /* of all of them, one after the other */
};

struct work {
	struct conf_file *file;
	const struct acl_change *change;
	struct edits edits;
	struct numset keys; /* of the entry at hand, changed */
	struct numset before;
	struct numset covered; /* ports that have an entry */
	struct acl acl;        /* its entries only */
};

static int
put(struct edits *edits, size_t at, size_t len, const struct secret_buf *with)
{
	if (grow(&edits->list, edits->count, &edits->room,
		 sizeof *edits->list) < 0) {
		return -ENOMEM;
	}
	edits->list[edits->count++] = (struct edit){
		.at = at,
		.len = len,
		.with_len = with->len,
	};
	return secret_append(&edits->text, with->bytes, with->len);
}

static int
put_range(struct secret_buf *out, const struct acl_range *range)
{
	char text[16];

	if (range->low == range->high) {
		snprintf(text, sizeof text, "%u", range->low);
	} else {
		snprintf(text, sizeof text, "%u-%u", range->low, range->high);
	}
	return secret_puts(out, text);
}

/* As a port: 0 is none, only ANY has it. */
static int
put_ports(struct secret_buf *out, struct acl_range ports)
{
	if (ports.low == 0 && ports.high == UINT16_MAX) {
		return secret_puts(out, "ANY");
	}
	if (ports.low == 0) {
		ports.low = 1;
	}
	return put_range(out, &ports);
}

static int
put_list(struct secret_buf *out, const struct numset *keys, const char *newline)
{
	struct acl_range run = { 0, 0 };
	size_t column = 0;
	uint32_t from = 0;
	int rc = 0;

	while (rc == 0 && numset_next(keys, from, &run)) {
		size_t before = out->len;

		if (from > 0) {
			rc = secret_puts(out, ",");
		}
		if (rc == 0 && newline && column > LIST_WIDTH) {
			rc = secret_puts(out, "\\") < 0 ||
					secret_puts(out, newline) < 0 ||
					secret_puts(out, "\t") < 0
				? -ENOMEM
				: 0;
			column = 0;
		}
		if (rc == 0) {
			rc = put_range(out, &run);
		}
		column += out->len - before;
		from = (uint32_t)run.high + 1;
	}
	return rc;
}

/* The value of key_no=, without quotes. */
static int
put_keys(struct secret_buf *out, const struct numset *keys, const char *newline)
{
	struct secret_buf list = { 0 };
	struct acl_range run;
	int rc;

	if (!numset_next(keys, 0, &run)) {
		return secret_puts(out, "NONE");
	}
	if (run.low == 0 && run.high == UINT16_MAX) {
		return secret_puts(out, "ANY");
	}
	rc = put_list(&list, keys, NULL);
	if (rc == 0 && list.len <= LIST_MAX) {
		rc = secret_append(out, list.bytes, list.len);
	} else if (rc == 0) {
		rc = put_list(out, keys, newline);
	}
	secret_drop(&list);
	return rc;
}

/* A whole line. */
static int
put_line(struct secret_buf *out, struct acl_range ports,
	 const struct numset *keys, const char *newline)
{
	if (secret_puts(out, "port=") < 0 || put_ports(out, ports) < 0 ||
	    secret_puts(out, ", key_no=\"") < 0 ||
	    put_keys(out, keys, newline) < 0 || secret_puts(out, "\"") < 0) {
		return -ENOMEM;
	}
	return secret_puts(out, newline);
}

static const struct conf_word *
word_named(const struct conf_line *line, const char *name)
{
	const struct conf_word *word = line->words;

	while (strcmp(word->name, name) != 0) {
		word++;
	}
	return word;
}

/* Replace one value; keys NULL: the ports. */
static int
change_value(struct work *w, const struct edit_place *place,
	     const struct numset *keys, struct acl_range ports)
{
	struct secret_buf value = { 0 };
	int rc = 0;

	if (keys && !place->quoted) {
		rc = secret_puts(&value, "\"");
	}
	if (rc == 0) {
		rc = keys ? put_keys(&value, keys, edit_newline(w->file))
			  : put_ports(&value, ports);
	}
	if (rc == 0 && keys && !place->quoted) {
		rc = secret_puts(&value, "\"");
	}
	if (rc == 0) {
		rc = put(&w->edits, place->at, place->len, &value);
	}
	secret_drop(&value);
	return rc;
}

/* Change the line itself into its first part. */
static int
change_line(struct work *w, const struct conf_line *line,
	    const struct acl_entry *entry, struct acl_range ports,
	    const struct numset *keys)
{
	struct edit_place port_at =
		edit_place_of(w->file, word_named(line, "port"));
	struct edit_place keys_at =
		edit_place_of(w->file, word_named(line, "key_no"));
	bool new_ports = ports.low != entry->ports.low ||
		ports.high != entry->ports.high;
	int rc = 0;

	if (new_ports && port_at.at < keys_at.at) {
		rc = change_value(w, &port_at, NULL, ports);
	}
	if (rc == 0 && keys) {
		rc = change_value(w, &keys_at, keys, ports);
	}
	if (rc == 0 && new_ports && port_at.at > keys_at.at) {
		rc = change_value(w, &port_at, NULL, ports);
	}
	return rc;
}

/* Add the other parts as lines below it. */
static int
add_parts(struct work *w, const struct acl_range *parts, size_t count,
	  const struct numset *const *keys)
{
	const char *newline = edit_newline(w->file);
	struct secret_buf lines = { 0 };
	int rc = 0;

	if (w->file->pos == w->file->len) {
		rc = secret_puts(&lines, edit_gap(w->file));
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = put_line(&lines, parts[i], keys[i], newline);
	}
	if (rc == 0) {
		rc = put(&w->edits, w->file->pos, 0, &lines);
	}
	secret_drop(&lines);
	return rc;
}

static int
change_entry(struct work *w, const struct conf_line *line,
	     const struct acl_entry *entry)
{
	const struct acl_range asked = w->change->ports;
	const struct acl_range had = entry->ports;
	const struct numset *keys[3];
	struct acl_range parts[3];
	size_t count = 0;
	int rc;

	if (asked.low > had.low) {
		parts[count] = (struct acl_range){
			had.low,
			(uint16_t)(asked.low - 1),
		};
		keys[count++] = &w->before;
	}
	parts[count].low = asked.low > had.low ? asked.low : had.low;
	parts[count].high = asked.high < had.high ? asked.high : had.high;
	keys[count++] = &w->keys;
	if (asked.high < had.high) {
		parts[count] = (struct acl_range){
			(uint16_t)(asked.high + 1),
			had.high,
		};
		keys[count++] = &w->before;
	}
	rc = change_line(w, line, entry, parts[0],
			 keys[0] == &w->keys ? &w->keys : NULL);
	if (rc == 0 && count > 1) {
		rc = add_parts(w, parts + 1, count - 1, keys + 1);
	}
	return rc;
}

static int
visit(struct work *w, const struct conf_line *line)
{
	const struct acl_change *change = w->change;
	const struct acl_entry *entry =
		&w->acl.entries[w->acl.entries_count - 1];

	numset_add(&w->covered, &entry->ports, 1);
	if (entry->ports.low > change->ports.high ||
	    entry->ports.high < change->ports.low) {
		return 0;
	}
	memset(&w->before, 0, sizeof w->before);
	numset_add(&w->before, entry->keys, entry->keys_count);
	w->keys = w->before;
	if (change->allow) {
		numset_add(&w->keys, change->keys, change->keys_count);
	} else {
		numset_remove(&w->keys, change->keys, change->keys_count);
	}
	return numset_equal(&w->keys, &w->before)
		? 0
		: change_entry(w, line, entry);
}

/* Ports that had no entry get one, at the end of the file. */
static int
add_entries(struct work *w)
{
	const char *newline = edit_newline(w->file);
	struct secret_buf lines = { 0 };
	struct numset missing = { 0 };
	struct acl_range run = { 0, 0 };
	uint32_t from = 0;
	int rc = 0;

	numset_add(&missing, &w->change->ports, 1);
	numset_subtract(&missing, &w->covered);
	if (!w->change->allow || numset_empty(&missing)) {
		return 0;
	}
	memset(&w->keys, 0, sizeof w->keys);
	numset_add(&w->keys, w->change->keys, w->change->keys_count);
	/* An edit at the very end has seen to the gap, if there is one. */
	if (w->edits.count == 0 ||
	    w->edits.list[w->edits.count - 1].at < w->file->len) {
		rc = secret_puts(&lines, edit_gap(w->file));
	}
	while (rc == 0 && numset_next(&missing, from, &run)) {
		rc = put_line(&lines, run, &w->keys, newline);
		from = (uint32_t)run.high + 1;
	}
	if (rc == 0) {
		rc = put(&w->edits, w->file->len, 0, &lines);
	}
	secret_drop(&lines);
	return rc;
}

static int
apply(struct work *w, struct secret_buf *out)
{
	const char *with = w->edits.text.bytes;

	for (size_t i = 0; i < w->edits.count; i++) {
		w->edits.list[i].with = with;
		with += w->edits.list[i].with_len;
	}
	return edit_apply(out, w->file->text, w->file->len, w->edits.list,
			  w->edits.count);
}

/* Read the result again: never write a file that could not be read. */
static int
check(const struct conf_file *was, const struct secret_buf *out, char *err)
{
	struct conf_file file;
	struct acl *acl;
	int rc;

	if (out->len == 0) {
		return 0;
	}
	rc = conf_open_text(&file, was->path, out->bytes, out->len, err);
	if (rc < 0) {
		return rc;
	}
	acl = calloc(1, sizeof *acl);
	if (!acl) {
		rc = conf_no_memory(err, was, 0);
	} else {
		rc = acl_conf_read(acl, &file, err);
		acl_conf_free(acl);
	}
	free(acl);
	conf_close(&file);
	return rc;
}

static int
read_all(struct work *w, char *err)
{
	struct conf_line line;
	int rc;

	while ((rc = conf_next(w->file, &line, err)) > 0) {
		rc = acl_conf_entry(&w->acl, w->file, &line, err);
		if (rc < 0) {
			return rc;
		}
		if (visit(w, &line) < 0) {
			return conf_no_memory(err, w->file, 0);
		}
	}
	return rc;
}

int
acl_edit(struct conf_file *file, const struct acl_change *change,
	 struct secret_buf *out, char *err)
{
	struct work *w = calloc(1, sizeof *w);
	int rc;

	if (!w) {
		return conf_no_memory(err, file, 0);
	}
	w->file = file;
	w->change = change;
	rc = read_all(w, err);
	if (rc == 0 && (add_entries(w) < 0 || apply(w, out) < 0)) {
		rc = conf_no_memory(err, file, 0);
	}
	/* An unchanged file may be empty. */
	if (rc == 0 && w->edits.count > 0) {
		rc = check(file, out, err);
	}
	acl_conf_free(&w->acl);
	secret_drop(&w->edits.text);
	free(w->edits.list);
	free(w);
	return rc;
}
