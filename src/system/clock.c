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
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_utc_offset_ns(void)
{
	struct timespec monotonic;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return clock_ns() - ((uint64_t)monotonic.tv_sec * 1000000000u +
			     (uint64_t)monotonic.tv_nsec);
}

bool
clock_is_synchronised(void)
{
	struct timex timex = { .modes = 0 };

	return adjtimex(&timex) != TIME_ERROR;
}
