#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 20 /* of 64 bits */

struct text
text_over(char *out, size_t size)
{
	out[0] = '\0';
	return (struct text){ .out = out, .size = size };
}

void
text_put(struct text *t, const char *format, ...)
{
	size_t room = t->size - t->len;
	va_list args;
	int len;

	if (t->full) {
		return;
	}
	va_start(args, format);
	len = vsnprintf(t->out + t->len, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room) {
		t->out[t->len] = '\0';
		t->full = true;
		return;
	}
	t->len += (size_t)len;
}

const char *
text_s(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Byte by byte: a call for so few of them costs more. */
/* What commands a terminal: C1, too, by itself or in UTF-8. */
static bool
is_control(const unsigned char *at, size_t len)
{
	return at[0] < ' ' || at[0] == 0x7f || (len == 0 && at[0] < 0xa0) ||
		(len == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

void
text_clean(char *text)
{
	while (*text) {
		size_t len = 1;

		if (*text < ' ' || *text >= 0x7f) {
			const size_t sequence = text_sequence(text);

			len = sequence > 0 ? sequence : 1;
			if (is_control((const unsigned char *)text, sequence)) {
				memset(text, '?', len);
			}
		}
		text += len;
	}
}

void
text_add(struct text *t, const char *string)
{
	const size_t before = t->len;

	if (t->full) {
		return;
	}
	while (*string && t->len + 1 < t->size) {
		t->out[t->len++] = *string++;
	}
	if (*string) {
		t->len = before;
		t->full = true;
	}
	t->out[t->len] = '\0';
}

void
text_number(struct text *t, unsigned long long number)
{
	char digits[DIGITS_MAX + 1];
	size_t at = DIGITS_MAX;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_add(t, digits + at);
}

size_t
text_sequence(const char *text)
{
	static const struct {
		unsigned char low, high, second_low, second_high, len;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	const unsigned char *at = (const unsigned char *)text;

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
