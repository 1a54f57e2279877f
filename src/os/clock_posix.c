#include "os/clock.h"

#include <time.h>

#include "protocol/frame.h"

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

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Not every system has it. */
bool
clock_is_synchronised(void)
{
	return true;
}
