#include "base/json.h"

#include <stddef.h>

void
json_string(struct text *t, const char *string)
{
	const unsigned char *at = (const unsigned char *)string;

	text_put(t, "\"");
	while (*at) {
		size_t len = text_sequence((const char *)at);

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
