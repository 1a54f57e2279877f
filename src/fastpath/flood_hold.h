/*
 * How long the program of XDP stays where it is after a flood.  To put it on
 * a device or take it off makes some drivers reset the device, and whoever
 * sends a burst now and then could have that done each time.  So it stays
 * the longer, the sooner the next flood follows: ten seconds at first, twice
 * as long each time, and an hour at most; after an hour without one it
 * begins anew.
 *
 * Pure.
 */
#ifndef TAP_FASTPATH_FLOOD_HOLD_H
#define TAP_FASTPATH_FLOOD_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#define FLOOD_HOLD_MIN_MS 10000u
#define FLOOD_HOLD_MAX_MS 3600000u

struct flood_hold {
	bool on;
	uint64_t seen_ms; /* of the last flood */
	uint64_t hold_ms; /* 0: there was none */
};

/*
 * Whether it is to be there now.  seen: when a flood was seen last, 0 for
 * never; both by a clock that never goes back.
 */
bool flood_hold(struct flood_hold *h, uint64_t now_ms, uint64_t seen_ms);

#endif
