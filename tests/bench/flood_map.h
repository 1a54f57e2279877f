/* What flood.c and its program in the kernel share; see flood.c. */
#ifndef FLOOD_MAP_H
#define FLOOD_MAP_H

#include <stdint.h>

struct flood_config {
	uint64_t utc_offset; /* ns to add to the monotonic clock */
	uint64_t begin;      /* ns of that clock */
	uint64_t rate;       /* frames a second; 0: as many as may be */
	uint32_t device;     /* index; frames leave by it */
	uint32_t ip6;
	uint32_t group; /* frames of groups, not random ones */
	uint32_t key_no, extra;
	uint32_t src, src_mask;   /* the last 32 bits of the source */
	uint32_t ip_sum, tcp_sum; /* of all that stays the same */
};

/* What was sent so far, and the group that is being sent. */
struct flood_state {
	uint64_t sent;
	uint32_t step, src, mark, fraction, second;
};

#endif
