#include "base/utc.h"

#define DAY 86400u

static bool
is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
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
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30,
					   31, 31, 30, 31, 30, 31 };
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
		const unsigned length =
			month == 1 && is_leap(year) ? 29 : lengths[month];

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
