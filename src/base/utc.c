#include "base/utc.h"

#include <string.h>

#define DAY 86400u

static bool
is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Of a month, 0 to 11. */
static unsigned
days_of(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };

	return month == 1 && is_leap(year) ? 29 : days[month];
}

/* A number of so many digits, and what stands behind it. */
static char *
put(char *at, unsigned value, unsigned digits, char behind)
{
	for (unsigned i = digits; i-- > 0; value /= 10) {
		at[i] = (char)('0' + value % 10);
	}
	at[digits] = behind;
	return at + digits + 1;
}

bool
utc_text(char out[UTC_TEXT_MAX], uint64_t seconds)
{
	unsigned days, in_day, year = 1970, month = 0;

	if (seconds >= UTC_TEXT_SECONDS) {
		return false;
	}
	days = (unsigned)(seconds / DAY);
	in_day = (unsigned)(seconds % DAY);
	for (; days >= 365u + is_leap(year); year++) {
		days -= 365u + is_leap(year);
	}
	for (;; month++) {
		const unsigned length = days_of(year, month);

		if (days < length) {
			break;
		}
		days -= length;
	}
	out = put(out, year, 4, '-');
	out = put(out, month + 1, 2, '-');
	out = put(out, days + 1, 2, 'T');
	out = put(out, in_day / 3600, 2, ':');
	out = put(out, in_day / 60 % 60, 2, ':');
	out = put(out, in_day % 60, 2, 'Z');
	*out = '\0';
	return true;
}

/* A number of one digit to so many, and what stands behind it. */
static bool
take(const char **at, unsigned *value, unsigned digits, char behind)
{
	const char *from = *at;

	*value = 0;
	while (**at >= '0' && **at <= '9' && (size_t)(*at - from) < digits) {
		*value = *value * 10 + (unsigned)(*(*at)++ - '0');
	}
	if (*at == from || **at != behind) {
		return false;
	}
	*at += behind != '\0';
	return true;
}

bool
utc_read(const char *text, uint64_t *seconds)
{
	unsigned year, month, day, hour = 0, minute = 0, second = 0;
	const bool whole = strchr(text, 'T') != NULL;
	unsigned days = 0;

	if (!take(&text, &year, 4, '-') || !take(&text, &month, 2, '-') ||
	    !take(&text, &day, 2, whole ? 'T' : '\0') ||
	    (whole &&
	     (!take(&text, &hour, 2, ':') || !take(&text, &minute, 2, ':') ||
	      !take(&text, &second, 2, 'Z'))) ||
	    *text != '\0' || year < 1970 || month - 1 >= 12 ||
	    day - 1 >= days_of(year, month - 1) || hour >= 24 || minute >= 60 ||
	    second >= 60) {
		return false;
	}
	for (unsigned i = 1970; i < year; i++) {
		days += 365u + is_leap(i);
	}
	for (unsigned i = 0; i < month - 1; i++) {
		days += days_of(year, i);
	}
	*seconds = (uint64_t)(days + day - 1) * DAY + hour * 3600u +
		minute * 60u + second;
	return true;
}
