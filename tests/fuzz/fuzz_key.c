/* SPDX-License-Identifier: ISC */
/*
 * server.key: whatever is accepted can be appended to and have a key
 * ended, and then reads as a key file.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "keygen/keyfile_edit.h"
#include "conf/key_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written, and reads the same. */
static void
write_again(const struct key_spec *spec)
{
	char line[KEY_LINE_MAX];
	struct text t = text_over(line, sizeof line);
	char err[CONF_ERROR_MAX];
	struct key_spec again;
	struct conf_file file;
	struct conf_line words;

	key_line_write(&t, spec);
	assert(!t.full);
	assert(conf_open_text(&file, "again", line, t.len, err) == 0);
	assert(conf_next(&file, &words, err) == 1);
	assert(key_read(&file, &words, &again, err) == 0);
	assert(strcmp(again.name, spec->name) == 0);
	assert(again.realm_len == spec->realm_len);
	assert(memcmp(again.realm, spec->realm, spec->realm_len) == 0);
	/* Written by the second. */
	assert(again.not_before / 256 == spec->not_before / 256);
	assert(again.not_after / 256 == spec->not_after / 256);
	key_spec_wipe(&again);
	conf_close(&file);
}

static void
change(struct conf_file *file, long rotate)
{
	struct key_edit *edit = secret_new(sizeof *edit);
	struct secret_buf lines = { 0 };
	struct secret_buf out = { 0 };
	char err[CONF_ERROR_MAX];

	assert(edit);
	if (key_edit_read(edit, file, rotate, err) == 0 && edit->has_old) {
		uint64_t end = edit->old.not_before + 256;

		write_again(&edit->old);
		if (end > 256 && end >> 8 > edit->old.not_before >> 8 &&
		    key_edit_write(edit, end, &lines, &out, err) < 0) {
			/* Too much for one line is the one thing allowed. */
			assert(strstr(err, "longer than") ||
			       strstr(err, "too long") ||
			       strstr(err, "more than"));
		}
	}
	secret_drop(&out);
	secret_free(edit);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[CONF_ERROR_MAX];
	struct key_file keys;
	struct conf_file file;
	long rotate = -1;

	if (conf_open_text(&file, "server.key", (const char *)data, size, err) <
	    0) {
		return 0;
	}
	if (key_load_conf(&file, &keys, err) == 0) {
		rotate = keys.keys[size % keys.count].no;
		key_free(&keys);
	}
	conf_close(&file);
	if (rotate >= 0 &&
	    conf_open_text(&file, "server.key", (const char *)data, size,
			   err) == 0) {
		change(&file, rotate);
		conf_close(&file);
	}
	return 0;
}
