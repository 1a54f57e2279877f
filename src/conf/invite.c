#include "conf/invite.h"

#include <stdbool.h>
#include <string.h>

#include "base/base64.h"

#define SCHEME "tap:"
#define START SCHEME "1:"
#define START_LEN (sizeof START - 1)

_Static_assert(START_LEN + BASE64_DIGITS(INVITE_BYTES_MAX) <= INVITE_LINE_MAX,
	       "what can be written can be read");

const char *
invite_result_text(enum invite_result result)
{
	switch (result) {
	case INVITE_OK:
		return "an invitation";
	case INVITE_NONE:
		return "no invitation: that is a line that begins with tap:";
	case INVITE_NEWER:
		return "an invitation of a newer tap: update this one";
	case INVITE_LONG:
		return "longer than any invitation";
	case INVITE_CHARACTER:
		return "damaged: it has a character that no invitation has";
	case INVITE_SHORT:
		return "cut short: its end is missing";
	}
	return "damaged";
}

size_t
invite_write(char line[INVITE_LINE_MAX + 1], const void *bytes, size_t len)
{
	size_t at = START_LEN;

	if (len > INVITE_BYTES_MAX) {
		return 0;
	}
	memcpy(line, START, START_LEN);
	at += base64_write(line + at, bytes, len);
	line[at] = '\0';
	return at;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What stands before the digits: how long it is, of a line without blanks. */
static enum invite_result
read_start(const char *line, size_t len)
{
	size_t at = sizeof SCHEME - 1;

	if (len < at || memcmp(line, SCHEME, at) != 0) {
		return INVITE_NONE;
	}
	while (at < len && line[at] >= '0' && line[at] <= '9') {
		at++;
	}
	if (at == len) {
		return INVITE_SHORT;
	}
	if (at == sizeof SCHEME - 1 || line[at] != ':') {
		return INVITE_NONE;
	}
	return at + 1 == START_LEN && memcmp(line, START, START_LEN) == 0
		? INVITE_OK
		: INVITE_NEWER;
}

static enum invite_result
read_digits(uint8_t *out, size_t *out_len, const char *line, size_t len)
{
	static const enum invite_result results[] = {
		[BASE64_OK] = INVITE_OK,
		[BASE64_CHARACTER] = INVITE_CHARACTER,
		[BASE64_SHORT] = INVITE_SHORT,
	};

	return results[base64_read(out, out_len, line, len)];
}

enum invite_result
invite_read(uint8_t out[INVITE_BYTES_MAX], size_t *out_len, const char *line,
	    size_t len)
{
	char plain[INVITE_LINE_MAX];
	enum invite_result result;
	size_t count = 0;

	*out_len = 0;
	for (size_t i = 0; i < len; i++) {
		if (is_blank(line[i])) {
			continue;
		}
		if (count == sizeof plain) {
			return INVITE_LONG;
		}
		plain[count++] = line[i];
	}
	result = read_start(plain, count);
	return result == INVITE_OK
		? read_digits(out, out_len, plain + START_LEN,
			      count - START_LEN)
		: result;
}
