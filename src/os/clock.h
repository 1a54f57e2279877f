/*
 * The two clocks that the pure code is told, and those that it shares with
 * programs in the kernel.
 *
 * In a time namespace (time_namespaces(7)) clocks may be ahead of the
 * kernel's own, which its programs read, and the next process on this host
 * may not be in it.  So all times but UTC are the kernel's own, once
 * clock_note_namespace() was called.
 */
#ifndef TAP_OS_CLOCK_H
#define TAP_OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * For this process and those that it forks, before any time is read: how far
 * its clocks are ahead.  A kernel that does not tell has no such namespaces.
 */
void clock_note_namespace(void);

/* UTC as an instant (frame.h). */
uint64_t clock_instant(void);
/* UTC in nanoseconds since 1970. */
uint64_t clock_ns(void);
/* Milliseconds of a clock that never goes back, and counts sleep, too. */
uint64_t clock_ms(void);

/* Microseconds likewise, without sleep: for what is short. */
uint64_t clock_us(void);
/*
 * Nanoseconds of UTC less those of the kernel's monotonic clock, which
 * programs in the kernel read; wraps.
 */
uint64_t clock_utc_offset_ns(void);

/*
 * Nanoseconds of TAI, which goes with UTC when that is set, less those of
 * UTC, whole seconds, and of the monotonic clock; both wrap.
 */
struct clock_tai {
	uint64_t utc, monotonic;
};
struct clock_tai clock_tai(void);

/* Whether somebody keeps UTC right (adjtimex(2)), as far as is known. */
bool clock_is_synchronised(void);

#endif
