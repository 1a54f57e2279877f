/* SPDX-License-Identifier: ISC */
/*
 * Text as JSON, in a room that may be too small for it:
 * what comes out is JSON and UTF-8, whatever went in.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The length of one character within quotes, or 0. */
static size_t
character(const char *at)
{
	unsigned char c = (unsigned char)*at;
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c < ' ' || c == '"' || (c >= 0x80 && c < 0xc2) || c > 0xf4) {
		return 0;
	}
	if (c == '\\' && at[1] == 'u') {
		return is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]) &&
				is_hex(at[5])
			? 6
			: 0;
	}
	if (c == '\\') {
		return at[1] == '\\' || at[1] == '"' ? 2 : 0;
	}
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)at[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return len;
}

static void
check_json(const char *out)
{
	size_t at = 1;

	CHECK(out[0] == '"');
	while (out[at] != '"') {
		size_t len = character(out + at);

		CHECK(len > 0);
		at += len;
	}
	CHECK(out[at + 1] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	size_t room = cursor_u16(&c) + 1u;
	size_t len = cursor_left(&c);
	char *text = malloc(len + 1);
	char *out = malloc(room);
	struct text t;

	CHECK(text && out);
	memcpy(text, c.pos, len);
	text[len] = '\0';
	t = text_over(out, room);
	json_string(&t, text);
	CHECK(strlen(out) == t.len && t.len < room);
	if (!t.full) {
		check_json(out);
	} else {
		/* The worst is six bytes for one. */
		CHECK(room < 6 * len + 3);
	}
	free(text);
	free(out);
	return 0;
}
