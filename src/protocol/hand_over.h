/*
 * What a receiver that ends leaves to its successor: the frames of groups
 * that are not complete yet, so that none of them has to come again.  The
 * one is no reason to trust the other: a frame is read as if the network
 * had brought it.  Pure.
 */
#ifndef TAP_PROTOCOL_HAND_OVER_H
#define TAP_PROTOCOL_HAND_OVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/receiver.h"

/* No pointer, and nothing that may not be anything. */
struct handed_frame {
	uint8_t src[16], dst[16]; /* of IPv4 the first four, the rest zeros */
	uint8_t family;           /* 4 or 6 */
	uint8_t loose, witnessed, held; /* 0 or else */
	uint16_t sport, dport;
	uint32_t mark; /* of the group */
	uint32_t seq;
	uint64_t arrived; /* ms, of receiver_now */
	uint64_t id;      /* of a packet that is held */
};

/*
 * Write the frames of all groups, those that wait longest first, `most` at
 * the most.  Their number.
 */
size_t hand_over(struct receiver *g, struct handed_frame *out, size_t most);

/*
 * Take such a frame, as if it had come then.  False where it can't be, or may
 * not: if its packet is held, it has to be dropped.
 */
bool hand_over_take(struct receiver *g, const struct receiver_now *now,
		    const struct handed_frame *in);

#endif
