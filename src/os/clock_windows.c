#include "os/clock.h"

#include "protocol/frame.h"

#define TICKS_PER_SECOND 10000000u        /* of 100 ns */
#define TICKS_TO_1970 116444736000000000u /* since 1601 */

uint64_t
clock_instant(void)
{
	FILETIME now;
	uint64_t ticks;

	GetSystemTimePreciseAsFileTime(&now);
	ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
	ticks -= TICKS_TO_1970;
	return frame_instant_of((int64_t)(ticks / TICKS_PER_SECOND),
				(uint32_t)(ticks % TICKS_PER_SECOND) * 100);
}

uint64_t
clock_ms(void)
{
	return GetTickCount64();
}

bool
clock_is_synchronised(void)
{
	return true;
}
