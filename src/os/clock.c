#include "os/clock.h"

#include <sys/timex.h>
#include <time.h>

#include "protocol/frame.h"

#define SAME_MOMENT_NS 50000000u

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

static uint64_t
read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
clock_utc_offset_ns(void)
{
	return clock_ns() - read_ns(CLOCK_MONOTONIC);
}

struct clock_tai
clock_tai(void)
{
	uint64_t before, utc, monotonic, after;

	/* Nobody may have set one in between. */
	do {
		before = read_ns(CLOCK_TAI);
		utc = clock_ns();
		monotonic = read_ns(CLOCK_MONOTONIC);
		after = read_ns(CLOCK_TAI);
	} while (after - before > SAME_MOMENT_NS);
	return (struct clock_tai){
		.utc = (before - utc + 500000000u) / 1000000000u * 1000000000u,
		.monotonic = before - monotonic,
	};
}

bool
clock_is_synchronised(void)
{
	struct timex timex = { .modes = 0 };

	return adjtimex(&timex) != TIME_ERROR;
}
