#include "base/json_read.h"

#include <stdint.h>
#include <string.h>

void
json_read_init(struct json_read *j, const char *text, size_t len)
{
	memset(j, 0, sizeof *j);
	j->pos = text;
	j->end = text + len;
	j->line = 1;
	j->want = JSON_WANT_VALUE;
}

static enum json_token
fail(struct json_read *j, const char *why)
{
	j->why = why;
	j->pos = j->end;
	j->want = JSON_WANT_DONE;
	return JSON_ERROR;
}

/* The next character that is no blank, or NUL at the end. */
static char
skip_blanks(struct json_read *j)
{
	while (j->pos < j->end &&
	       (*j->pos == ' ' || *j->pos == '\t' || *j->pos == '\r' ||
		*j->pos == '\n')) {
		j->line += *j->pos == '\n';
		j->pos++;
	}
	return j->pos < j->end ? *j->pos : '\0';
}

/* A value is at its end: what may come now? */
static void
value_done(struct json_read *j)
{
	j->want = j->depth > 0 ? JSON_WANT_MORE : JSON_WANT_DONE;
	j->named = false;
}

static void
keep(struct json_read *j, size_t *len, char c)
{
	if (*len + 1 < JSON_READ_TEXT_MAX) {
		j->text[(*len)++] = c;
		j->text[*len] = '\0';
	} else {
		j->cut = true;
	}
}

/* \uXXXX; other than ASCII becomes '?', since nothing we look for has it. */
static int
unicode(struct json_read *j)
{
	unsigned code = 0;

	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		char c = j->pos < j->end ? *j->pos++ : '\0';
		const char *digit;

		c = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
		digit = c ? strchr(digits, c) : NULL;
		if (!digit) {
			return -1;
		}
		code = code << 4 | (unsigned)(digit - digits);
	}
	return code > 0 && code < 0x80 ? (int)code : '?';
}

static int
escaped(struct json_read *j)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	char c = j->pos < j->end ? *j->pos++ : '\0';
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u') {
		return unicode(j);
	}
	return at ? to[at - from] : -1;
}

/* A string, after its first quote. */
static int
string(struct json_read *j)
{
	size_t len = 0;

	j->text[0] = '\0';
	j->cut = false;
	while (j->pos < j->end) {
		char c = *j->pos++;
		int plain = (unsigned char)c;

		if (c == '"') {
			return 0;
		}
		if ((unsigned char)c < ' ') {
			return -1;
		}
		if (c == '\\') {
			plain = escaped(j);
			if (plain < 0) {
				return -1;
			}
		}
		keep(j, &len, (char)plain);
	}
	return -1;
}

static size_t
digits(struct json_read *j, size_t *len)
{
	size_t n = 0;

	while (j->pos < j->end && *j->pos >= '0' && *j->pos <= '9') {
		keep(j, len, *j->pos++);
		n++;
	}
	return n;
}

static bool
accept(struct json_read *j, size_t *len, const char *any)
{
	if (j->pos == j->end || *j->pos == '\0' || !strchr(any, *j->pos)) {
		return false;
	}
	keep(j, len, *j->pos++);
	return true;
}

static enum json_token
number(struct json_read *j)
{
	size_t len = 0;
	bool zero;

	j->text[0] = '\0';
	j->cut = false;
	accept(j, &len, "-");
	zero = j->pos < j->end && *j->pos == '0';
	if (zero ? (keep(j, &len, *j->pos++), false) : digits(j, &len) == 0) {
		return fail(j, "this is no value");
	}
	if (accept(j, &len, ".") && digits(j, &len) == 0) {
		return fail(j, "a number has no digits");
	}
	if (accept(j, &len, "eE")) {
		accept(j, &len, "+-");
		if (digits(j, &len) == 0) {
			return fail(j, "a number has no digits");
		}
	}
	value_done(j);
	return JSON_NUMBER;
}

static enum json_token
word(struct json_read *j)
{
	static const struct {
		const char *text;
		enum json_token token;
	} words[] = {
		{ "true", JSON_TRUE },
		{ "false", JSON_FALSE },
		{ "null", JSON_NULL },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t len = strlen(words[i].text);

		if ((size_t)(j->end - j->pos) >= len &&
		    memcmp(j->pos, words[i].text, len) == 0) {
			j->pos += len;
			value_done(j);
			return words[i].token;
		}
	}
	return number(j);
}

static enum json_token
begin(struct json_read *j, bool object)
{
	if (j->depth == JSON_READ_DEPTH_MAX) {
		return fail(j, "values are nested too deep");
	}
	j->pos++;
	j->in_object[j->depth++] = object;
	j->want = JSON_WANT_FIRST;
	j->named = false;
	return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_token
value(struct json_read *j, char c)
{
	switch (c) {
	case '{':
		return begin(j, true);
	case '[':
		return begin(j, false);
	case '"':
		j->pos++;
		if (string(j) < 0) {
			return fail(j, "a string is malformed");
		}
		value_done(j);
		return JSON_STRING;
	default:
		return word(j);
	}
}

static enum json_token
member_name(struct json_read *j, char c)
{
	if (c != '"') {
		return fail(j, "a name has no quotes");
	}
	j->pos++;
	if (string(j) < 0) {
		return fail(j, "a string is malformed");
	}
	if (skip_blanks(j) != ':') {
		return fail(j, "a name has no value");
	}
	j->pos++;
	j->named = true;
	j->want = JSON_WANT_VALUE;
	return JSON_NAME;
}

static enum json_token
finish(struct json_read *j)
{
	bool object = j->in_object[--j->depth];

	j->pos++;
	value_done(j);
	return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

enum json_token
json_read_next(struct json_read *j)
{
	char c = skip_blanks(j);
	bool object = j->depth > 0 && j->in_object[j->depth - 1];

	if (j->why) {
		return JSON_ERROR;
	}
	if (j->want == JSON_WANT_DONE) {
		return j->pos == j->end ? JSON_END
					: fail(j,
					       "something stands behind "
					       "the end");
	}
	if (j->want != JSON_WANT_VALUE && c == (object ? '}' : ']')) {
		return finish(j);
	}
	if (j->want == JSON_WANT_MORE) {
		if (c != ',') {
			return fail(j, "a comma or the end is missing");
		}
		j->pos++;
		c = skip_blanks(j);
	}
	if (j->pos == j->end) {
		return fail(j, "it ends in the middle");
	}
	return object && !j->named ? member_name(j, c) : value(j, c);
}
