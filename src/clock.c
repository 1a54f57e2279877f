#include "clock.h"

#include <sys/timex.h>
#include <time.h>

#include "frame.h"

uint64_t
clock_instant(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return frame_instant_of(now.tv_sec, (uint32_t)now.tv_nsec);
}

uint64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t
nanoseconds(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

uint64_t
clock_utc_offset_ns(void)
{
	struct timespec utc, monotonic;

	clock_gettime(CLOCK_REALTIME, &utc);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return nanoseconds(&utc) - nanoseconds(&monotonic);
}

bool
clock_is_synchronised(void)
{
	struct timex timex = { .modes = 0 };

	return adjtimex(&timex) != TIME_ERROR;
}
