#include "os/clock.h"

#include <stdio.h>
#include <sys/timex.h>
#include <time.h>

#include "protocol/frame.h"

#define SAME_MOMENT_NS 50000000u

/* Nanoseconds that the namespace's clocks are ahead; they wrap. */
static uint64_t monotonic_ahead, boot_ahead;

void
clock_note_namespace(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds, rest;

	if (!file) {
		return;
	}
	if (fscanf(file, "monotonic %lld %lld", &seconds, &rest) == 2) {
		monotonic_ahead =
			(uint64_t)seconds * 1000000000u + (uint64_t)rest;
	}
	if (fscanf(file, " boottime %lld %lld", &seconds, &rest) == 2) {
		boot_ahead = (uint64_t)seconds * 1000000000u + (uint64_t)rest;
	}
	fclose(file);
}

static uint64_t
read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC) - monotonic_ahead;
}

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
	return read_ns(CLOCK_REALTIME);
}

uint64_t
clock_ms(void)
{
	return (read_ns(CLOCK_BOOTTIME) - boot_ahead) / 1000000;
}

uint64_t
clock_us(void)
{
	return monotonic_ns() / 1000;
}

uint64_t
clock_utc_offset_ns(void)
{
	return clock_ns() - monotonic_ns();
}

struct clock_tai
clock_tai(void)
{
	uint64_t before, utc, monotonic, after;

	/* Read again: the clock must not have been set in between. */
	do {
		before = read_ns(CLOCK_TAI);
		utc = clock_ns();
		monotonic = monotonic_ns();
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
