#include "base/why.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Nothing that commands a terminal: C1, too, by itself or in UTF-8. */
static bool
is_control(const unsigned char *at, size_t len)
{
	return at[0] < ' ' || at[0] == 0x7f || (len == 0 && at[0] < 0xa0) ||
		(len == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

int
why_set(char why[WHY_MAX], int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_MAX, format, args);
	va_end(args);
	while (*why) {
		const size_t sequence = text_sequence(why);
		const size_t len = sequence > 0 ? sequence : 1;

		if (is_control((const unsigned char *)why, sequence)) {
			memset(why, '?', len);
		}
		why += len;
	}
	return result;
}

int
why_errno(char why[WHY_MAX], int error, const char *object)
{
	return why_set(why, error, "%s: %s", object, strerror(-error));
}

int
why_of(char why[WHY_MAX], int result, const char *object)
{
	char before[WHY_MAX];

	memcpy(before, why, sizeof before);
	return why_set(why, result, "%s: %s", object, before);
}
