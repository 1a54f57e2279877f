#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int
why_set(char why[WHY_MAX], int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_MAX, format, args);
	va_end(args);
	text_clean(why);
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
