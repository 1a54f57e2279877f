/*
 * Which frame of a group is SYN0: for the ingress program's program in the
 * kernel.
 */
#ifndef TAP_FASTPATH_BPF_ROLES_H
#define TAP_FASTPATH_BPF_ROLES_H

#include "fastpath/bpf_mac.h"

static inline_always bool
is_same(uint64_t one, uint64_t other)
{
	return ((one ^ other) & ~INGRESS_FRAME_TOLD) == 0;
}

/*
 * Sort the frames of a group: SYN0 is the one that has no place, or has
 * one that the key has no use for.  False while one is missing.
 */
static inline_always bool
sort(struct ingress_group *g, const struct ingress_key *key)
{
	if (extra_of(key) < 3 && g->frame[SYN6]) {
		g->frame[SYN0] = g->frame[SYN6];
		g->frame[SYN6] = 0;
	}
	if (extra_of(key) < 2 && g->frame[SYN5]) {
		g->frame[SYN0] = g->frame[SYN5];
		g->frame[SYN5] = 0;
	}
	if (extra_of(key) < 1 && g->frame[SYN4]) {
		g->frame[SYN0] = g->frame[SYN4];
		g->frame[SYN4] = 0;
	}
	return g->frame[SYN0] && g->frame[SYN2] && g->frame[SYN3] &&
		(extra_of(key) < 1 || g->frame[SYN4]) &&
		(extra_of(key) < 2 || g->frame[SYN5]) &&
		(extra_of(key) < 3 || g->frame[SYN6]);
}

/* The other way: what has no place has taken it from SYN0. */
static inline_always bool
swap(struct ingress_group *g)
{
	const uint64_t frame = g->frame[SYN0];

	switch (role_of(INGRESS_FRAME_SEQ(frame))) {
	case SYN1: /* of another key it was another group */
		if (INGRESS_FRAME_SEQ(frame ^ g->frame[SYN1]) >> 8) {
			return false;
		}
		g->frame[SYN0] = g->frame[SYN1];
		g->frame[SYN1] = frame;
		break;
	case SYN2:
		g->frame[SYN0] = g->frame[SYN2];
		g->frame[SYN2] = frame;
		break;
	case SYN3:
		g->frame[SYN0] = g->frame[SYN3];
		g->frame[SYN3] = frame;
		break;
	case SYN4:
		g->frame[SYN0] = g->frame[SYN4];
		g->frame[SYN4] = frame;
		break;
	case SYN5:
		g->frame[SYN0] = g->frame[SYN5];
		g->frame[SYN5] = frame;
		break;
	case SYN6:
		g->frame[SYN0] = g->frame[SYN6];
		g->frame[SYN6] = frame;
		break;
	default:
		return false;
	}
	return true;
}

#endif
