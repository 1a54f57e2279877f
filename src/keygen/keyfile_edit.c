#include "keygen/keyfile_edit.h"

#include <string.h>

#include "base/bytes.h"

static void
note_place(struct key_edit *edit, const struct conf_line *line)
{
	const struct conf_word *last = &line->words[line->count - 1];

	edit->has_old = true;
	edit->words_end = edit_place_of(edit->file, last).end;
	for (size_t i = 0; i < line->count; i++) {
		if (strcmp(line->words[i].name, "not_after") == 0) {
			edit->end = edit_place_of(edit->file, &line->words[i]);
			edit->old_ends = true;
		}
	}
}

static int
read_line(struct key_edit *edit, const struct conf_line *line, long wanted,
	  char *err)
{
	struct acl_range no;
	struct key_spec spec;
	struct acl_key key;
	char why[VALUE_WHY_MAX];
	int rc = key_read(edit->file, line, &spec, err);

	if (rc == 0 && key_finish(&spec, &key, why) < 0) {
		rc = conf_fail(err, edit->file, line->line, "%s", why);
	}
	no.low = no.high = (uint16_t)spec.no;
	if (rc == 0 && numset_has(&edit->taken, no.low)) {
		rc = conf_fail(err, edit->file, line->line,
			       "key_no %u stands in line %u already", no.low,
			       edit->line[no.low]);
	}
	if (rc == 0) {
		numset_add(&edit->taken, &no, 1);
		edit->line[no.low] = line->line;
		if (wanted == no.low) {
			edit->old = spec;
			note_place(edit, line);
		}
	}
	key_spec_wipe(&spec);
	bytes_wipe(&key, sizeof key);
	return rc;
}

int
key_edit_read(struct key_edit *edit, struct conf_file *file, long wanted,
	      char *err)
{
	struct conf_line line;
	int rc;

	memset(edit, 0, sizeof *edit);
	edit->file = file;
	while ((rc = conf_next(file, &line, err)) > 0) {
		rc = read_line(edit, &line, wanted, err);
		if (rc < 0) {
			return rc;
		}
	}
	return rc;
}

static int
note_included(struct key_edit *edit, const struct conf_file *file,
	      const struct conf_line *line, char *err)
{
	char place[CONF_PLACE_MAX];
	struct acl_range no;
	struct key_spec spec;
	int rc = key_read(file, line, &spec, err);

	no.low = no.high = (uint16_t)spec.no;
	key_spec_wipe(&spec);
	if (rc < 0) {
		return rc;
	}
	if (numset_has(&edit->taken, no.low)) {
		return conf_fail(err, file, line->line,
				 "key_no %u stands in %s already", no.low,
				 conf_place(place, file, edit->included[no.low],
					    edit->line[no.low]));
	}
	numset_add(&edit->taken, &no, 1);
	edit->line[no.low] = line->line;
	edit->included[no.low] = conf_included(file);
	return 0;
}

int
key_edit_read_included(struct key_edit *edit, const char *path, char *err)
{
	struct conf_file file;
	struct conf_line line;
	int rc = conf_open(&file, path, CONF_SECRET, err);

	if (rc < 0) {
		return rc;
	}
	while ((rc = conf_next(&file, &line, err)) > 0) {
		rc = conf_included(&file)
			? note_included(edit, &file, &line, err)
			: 0;
		if (rc < 0) {
			break;
		}
	}
	conf_close(&file);
	return rc;
}

/* Never write a file that could not be read. */
static int
check(const struct key_edit *edit, const struct secret_buf *text, char *err)
{
	struct conf_file file;
	struct key_file keys;
	int rc = conf_open_text(&file, edit->file->path, text->bytes, text->len,
				err);

	if (rc < 0) {
		return rc;
	}
	rc = key_load_conf(&file, &keys, err);
	if (rc == 0) {
		key_free(&keys);
	}
	conf_close(&file);
	return rc;
}

int
key_edit_write(const struct key_edit *edit, uint64_t not_after,
	       const struct secret_buf *lines, struct secret_buf *out,
	       char *err)
{
	const struct conf_file *file = edit->file;
	static const char word[] = ", not_after=";
	char when[sizeof word + VALUE_TIME_MAX];
	struct edit change = { .at = edit->words_end, .with = when };
	const char *gap = edit_gap(file);

	memcpy(when, word, sizeof word);
	value_time_text(when + sizeof word - 1, not_after);
	if (edit->old_ends) {
		change.at = edit->end.at;
		change.len = edit->end.len;
		change.with += sizeof word - 1;
	}
	change.with_len = strlen(change.with);
	if (edit_apply(out, file->text, file->len, &change,
		       edit->has_old ? 1 : 0) < 0 ||
	    secret_puts(out, gap) < 0 ||
	    secret_append(out, lines->bytes, lines->len) < 0) {
		return conf_no_memory(err, file, 0);
	}
	return check(edit, out, err);
}
