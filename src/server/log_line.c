#include "server/log_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "conf/value.h"
#include "protocol/frame.h"

/* The time that a line begins with: seconds of the journal, or as text. */
static uint64_t
leading_time(const char *line)
{
	const size_t len = strcspn(line, " .");
	char text[VALUE_TIME_MAX], why[VALUE_WHY_MAX];
	uint64_t instant = 0;

	if (len < sizeof text) {
		snprintf(text, sizeof text, "%.*s", (int)len, line);
		if (value_time(text, &instant, why) < 0) {
			instant = 0;
		}
	}
	return instant;
}

/* As much of it as there is room for. */
static void
copy(char *out, size_t size, const char *text)
{
	const size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
	/* JSON can spell what would command a terminal. */
	for (char *at = out; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) {
			*at = '?';
		}
	}
}

/* Addresses and a number, as the log has them, and so as JSON has them. */
static bool
is_sound(const struct log_line *line)
{
	static const char addr[] = "0123456789abcdef:.";
	static const char number[] = "+-.0123456789";

	return line->src[strspn(line->src, addr)] == '\0' && line->src[0] &&
		line->dst[strspn(line->dst, addr)] == '\0' && line->dst[0] &&
		line->skew[strspn(line->skew, number)] == '\0' &&
		(line->skew[0] == '+' || line->skew[0] == '-') &&
		strlen(line->skew) > 1;
}

/*
 * The value of the field that *at stands before, without its quotes; *at is
 * behind it then.  False where it is another one, or too long.
 */
static bool
take(const char **at, const char *name, char *out, size_t size)
{
	const char *value = *at + strlen(name);
	bool quoted;
	size_t len;

	if (strncmp(*at, name, strlen(name)) != 0) {
		return false;
	}
	quoted = *value == '"';
	value += quoted;
	len = strcspn(value, quoted ? "\"" : " ");
	if (len >= size) {
		return false;
	}
	memcpy(out, value, len);
	out[len] = '\0';
	*at = value + len;
	*at += quoted && **at == '"';
	*at += strspn(*at, " ");
	return true;
}

static bool
take_number(const char *text, uint16_t *out)
{
	char why[VALUE_WHY_MAX];
	unsigned long number;

	if (value_number(text, 0, UINT16_MAX, &number, why) < 0) {
		return false;
	}
	*out = (uint16_t)number;
	return true;
}

/* 192.0.2.1:22, or [2001:db8::1]:22 */
static bool
take_address(const char **at, const char *name, char *addr, uint16_t *port)
{
	char text[LOG_LINE_ADDRESS_MAX + sizeof "[]:65535"];
	char *colon, *host = text;

	if (!take(at, name, text, sizeof text)) {
		return false;
	}
	colon = strrchr(text, ':');
	if (!colon || !take_number(colon + 1, port)) {
		return false;
	}
	*colon = '\0';
	if (*host == '[' && colon[-1] == ']') {
		host++;
		colon[-1] = '\0';
	}
	copy(addr, LOG_LINE_ADDRESS_MAX, host);
	return strlen(host) < LOG_LINE_ADDRESS_MAX;
}

static bool
read_text(const char *fields, struct log_line *out)
{
	char key[8];

	if (!take(&fields, "key=", key, sizeof key) ||
	    !take_number(key, &out->key_no)) {
		return false;
	}
	take(&fields, "name=", out->name, sizeof out->name);
	if (!take_address(&fields, "src=", out->src, &out->sport) ||
	    !take_address(&fields, "dst=", out->dst, &out->dport) ||
	    !take(&fields, "skew=", out->skew, sizeof out->skew)) {
		return false;
	}
	out->skew[strcspn(out->skew, "s")] = '\0';
	return true;
}

static void
take_json(struct log_line *out, const char *name, const char *value,
	  unsigned *seen)
{
	char why[VALUE_WHY_MAX];

	if (strcmp(name, "event") == 0) {
		*seen |= strcmp(value, "accepted") == 0;
	} else if (strcmp(name, "time") == 0) {
		if (value_time(value, &out->instant, why) < 0) {
			out->instant = 0;
		}
	} else if (strcmp(name, "key") == 0) {
		*seen |= take_number(value, &out->key_no) ? 2 : 0;
	} else if (strcmp(name, "src_port") == 0) {
		*seen |= take_number(value, &out->sport) ? 4 : 0;
	} else if (strcmp(name, "dst_port") == 0) {
		*seen |= take_number(value, &out->dport) ? 8 : 0;
	} else if (strcmp(name, "name") == 0) {
		copy(out->name, sizeof out->name, value);
	} else if (strcmp(name, "src") == 0) {
		copy(out->src, sizeof out->src, value);
	} else if (strcmp(name, "dst") == 0) {
		copy(out->dst, sizeof out->dst, value);
	} else if (strcmp(name, "skew") == 0) {
		snprintf(out->skew, sizeof out->skew, "%+.3f",
			 strtod(value, NULL));
	}
}

static bool
read_json(const char *object, struct log_line *out)
{
	char name[JSON_READ_TEXT_MAX] = "";
	enum json_token token;
	struct json_read j;
	unsigned seen = 0;

	json_read_init(&j, object, strlen(object));
	while ((token = json_read_next(&j)) > JSON_END) {
		if (token == JSON_NAME) {
			memcpy(name, j.text, sizeof name);
		} else if (token == JSON_STRING || token == JSON_NUMBER) {
			take_json(out, name, j.text, &seen);
		}
	}
	return token == JSON_END && seen == 15;
}

bool
log_line_accepted(const char *line, struct log_line *out)
{
	static const char text[] = ": accepted ";
	const char *at;

	memset(out, 0, sizeof *out);
	/* What goes to a terminal is not to command it. */
	for (at = line; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) {
			return false;
		}
	}
	out->instant = leading_time(line);
	at = strstr(line, text);
	if (at) {
		return read_text(at + sizeof text - 1, out) && is_sound(out);
	}
	at = strchr(line, '{');
	return at && read_json(at, out) && is_sound(out);
}
