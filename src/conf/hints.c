#include "conf/hints.h"

#include <stdio.h>
#include <string.h>

/* Shorter than any key. */
#define ITEM_MAX 15u

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A number, a range or the name of a service; of len bytes. */
static bool
is_item(const char *at, size_t len)
{
	static const char digits[] = "0123456789-";
	static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const bool number = *at >= '0' && *at <= '9';

	if (len == 0 || len > ITEM_MAX ||
	    (!number && (*at < 'a' || *at > 'z'))) {
		return false;
	}
	return strspn(at, number ? digits : name) >= len;
}

bool
hint_list(char text[HINTS_TEXT_MAX], const struct conf_word *word,
	  const char *rest)
{
	size_t at = 0;
	bool any = false;

	if (word->value[-1] == '"' ||
	    !is_item(word->value, strlen(word->value))) {
		return false;
	}
	at = (size_t)snprintf(text, HINTS_TEXT_MAX, "%s=\"%s", word->name,
			      word->value);
	for (;;) {
		size_t len = strcspn(rest, ",");
		size_t item = len;

		while (item > 0 && is_blank(rest[item - 1])) {
			item--;
		}
		if (!is_item(rest, item) || at + item + 3 > HINTS_TEXT_MAX) {
			break;
		}
		at += (size_t)snprintf(text + at, HINTS_TEXT_MAX - at, ",%.*s",
				       (int)item, rest);
		any = true;
		rest += len + (rest[len] == ',');
		rest += strspn(rest, " \t");
	}
	snprintf(text + at, HINTS_TEXT_MAX - at, "\"");
	return any;
}

bool
hint_comma(char text[HINTS_TEXT_MAX], const struct conf_word *word,
	   const struct conf_words *words)
{
	if (word->value[-1] == '"') {
		return false;
	}
	for (const char *at = strpbrk(word->value, " \t"); at;
	     at = strpbrk(at, " \t")) {
		size_t len;

		at += strspn(at, " \t");
		len = strcspn(at, "= \t");
		for (size_t i = 0; i < words->count; i++) {
			const char *value = at + len + strspn(at + len, " \t");
			const char *name = words->types[i].name;

			if (strlen(name) != len || memcmp(name, at, len) != 0 ||
			    *value++ != '=') {
				continue;
			}
			value += strspn(value, " \t");
			snprintf(text, HINTS_TEXT_MAX, "%s=%s", name,
				 is_item(value, strlen(value)) ? value : "...");
			return true;
		}
	}
	return false;
}

int
hint_place(char *err, const struct conf_file *file,
	   const struct conf_line *line, const struct conf_word *word)
{
	const char *value = word->value;

	if (line->is_rule) {
		return conf_fail(err, file, line->line,
				 "%s is a setting: it stands in a line "
				 "before the rules",
				 word->name);
	}
	return conf_fail(err, file, line->line,
			 "%s belongs in a rule: RULE:%s=%s", word->name,
			 word->name,
			 is_item(value, strlen(value)) ? value : "...");
}
