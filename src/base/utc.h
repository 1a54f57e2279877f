/*
 * The time as people read it.  Libraries have this, too, but some of them open
 * a file of time zones for it, which a process that may open none dies of.
 *
 * Pure.
 */
#ifndef TAP_BASE_UTC_H
#define TAP_BASE_UTC_H

#include <stdbool.h>
#include <stdint.h>

#define UTC_TEXT_MAX 21u              /* bytes, with the NUL */
#define UTC_TEXT_SECONDS 253402300800 /* from the epoch to the year 10000 */

/*
 * Seconds since the epoch as 2027-01-01T00:00:00Z (ISO 8601, RFC 3339).
 * False, and nothing written, where the year has not four digits.
 */
bool utc_text(char out[UTC_TEXT_MAX], uint64_t seconds);

/* The same read, or a day alone: 2027-01-01.  False: it is no such time. */
bool utc_read(const char *text, uint64_t *seconds);

#endif
