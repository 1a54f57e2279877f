#include "fastpath/flood_hold.h"

static uint64_t
next_hold(const struct flood_hold *h, uint64_t seen_ms)
{
	const uint64_t quiet = seen_ms - h->seen_ms;

	if (h->hold_ms == 0 || quiet >= h->hold_ms + FLOOD_HOLD_MAX_MS) {
		return FLOOD_HOLD_MIN_MS;
	}
	return 2 * h->hold_ms < FLOOD_HOLD_MAX_MS ? 2 * h->hold_ms
						  : FLOOD_HOLD_MAX_MS;
}

bool
flood_hold(struct flood_hold *h, uint64_t now_ms, uint64_t seen_ms)
{
	if (seen_ms != 0 && seen_ms != h->seen_ms) {
		if (!h->on) {
			h->hold_ms = next_hold(h, seen_ms);
			h->on = true;
		}
		h->seen_ms = seen_ms;
	}
	if (h->on && now_ms - h->seen_ms >= h->hold_ms) {
		h->on = false;
	}
	return h->on;
}
