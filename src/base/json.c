#include "base/json.h"

#include <stddef.h>

/* The length of the UTF-8 sequence at `at` (RFC 3629), or 0. */
static size_t
sequence(const unsigned char *at)
{
	static const struct {
		unsigned char low, high, second_low, second_high, len;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (at[0] < 0x80) {
		return 1;
	}
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		size_t n = 2;

		if (at[0] < forms[i].low || at[0] > forms[i].high ||
		    at[1] < forms[i].second_low ||
		    at[1] > forms[i].second_high) {
			continue;
		}
		while (n < forms[i].len && at[n] >= 0x80 && at[n] <= 0xbf) {
			n++;
		}
		return n == forms[i].len ? n : 0;
	}
	return 0;
}

void
json_string(struct text *t, const char *string)
{
	const unsigned char *at = (const unsigned char *)string;

	text_put(t, "\"");
	while (*at) {
		size_t len = sequence(at);

		if (len == 0) {
			text_put(t, "\\ufffd");
			len = 1;
		} else if (*at == '"' || *at == '\\') {
			text_put(t, "\\%c", *at);
		} else if (*at < ' ') {
			text_put(t, "\\u%04x", *at);
		} else {
			text_put(t, "%.*s", (int)len, (const char *)at);
		}
		at += len;
	}
	text_put(t, "\"");
}

void
json_name(struct text *t, const char *name)
{
	bool first = t->len > 0 && t->out[t->len - 1] == '{';

	text_put(t, "%s\"%s\":", first ? "" : ",", name);
}

void
json_member(struct text *t, const char *name, const char *value)
{
	json_name(t, name);
	if (value) {
		json_string(t, value);
	} else {
		text_add(t, "null");
	}
}

void
json_bool(struct text *t, const char *name, bool value)
{
	json_name(t, name);
	text_add(t, value ? "true" : "false");
}

void
json_number(struct text *t, const char *name, unsigned long long value)
{
	json_name(t, name);
	text_number(t, value);
}
