/*
 * The frames of TAP: the sequence numbers of the SYNs in one group
 * (papers: 000, 3.3, "TAP frame protocol").
 *
 *         31                                                   0
 *   SYN0  | initial sequence number                       : 32 |
 *   SYN1  | 0 0 1 | flags : 5 | key_no : 16 | fraction    :  8 |
 *   SYN2  | 0 1 0 | second                                : 29 |
 *   SYN3  | 1 1 | authenticator                           : 30 |
 *   SYN4  | 1 0 | authenticator                           : 30 |
 *   SYN5  | 0 0 0 | authenticator                         : 29 |
 *   SYN6  | 0 1 1 | authenticator                         : 29 |
 *
 * The first bits are a prefix code: SYN3 and SYN4 have two bits of it, the
 * others three, and each number bears exactly one.
 *
 * An instant is a count of 1/256 s since the epoch of UTC: what a group
 * can carry of the time, but for the bits that 29 bits of seconds lose.
 *
 * The programs in the kernel compile these functions, too: no tables, no
 * loops, nothing of a library.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_FRAME_H
#define TAP_PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/inline.h"

enum frame_role {
	FRAME_SYN0, /* the kernel's own ISN; has no prefix */
	FRAME_SYN1,
	FRAME_SYN2,
	FRAME_SYN3,
	FRAME_SYN4,
	FRAME_SYN5,
	FRAME_SYN6,
};

#define FRAME_BASE 4      /* SYN0 to SYN3: the papers' group */
#define FRAME_EXTRA_MAX 3 /* SYN4 to SYN6: longer authenticators */
#define FRAME_MAX (FRAME_BASE + FRAME_EXTRA_MAX)
#define FRAME_SECOND 256u                  /* of an instant's units */
#define FRAME_SECOND_MASK ((1u << 29) - 1) /* of the seconds in SYN2 */

/* What SYN1 and SYN2 carry. */
struct frame_head {
	uint8_t flags; /* 5 bits; the number of extra frames, so far */
	uint16_t key_no;
	uint64_t instant; /* encoding drops the seconds above 29 bits */
};

/* The prefix of a role, in the top bits of its sequence number. */
static inline_always uint32_t
frame_prefix(enum frame_role role)
{
	switch (role) {
	case FRAME_SYN1:
		return 1u << 29;
	case FRAME_SYN2:
		return 2u << 29;
	case FRAME_SYN3:
		return 3u << 30;
	case FRAME_SYN4:
		return 2u << 30;
	case FRAME_SYN6:
		return 3u << 29;
	default:
		return 0;
	}
}

/* The bits of a sequence number of that role that are not prefix. */
static inline_always uint32_t
frame_mask(enum frame_role role)
{
	switch (role) {
	case FRAME_SYN0:
		return UINT32_MAX;
	case FRAME_SYN3:
	case FRAME_SYN4:
		return (1u << 30) - 1;
	default:
		return (1u << 29) - 1;
	}
}

/* The one role among SYN1 to SYN6 that bears this number's prefix. */
static inline_always enum frame_role
frame_role_of(uint32_t seq)
{
	switch (seq >> 29) {
	case 0:
		return FRAME_SYN5;
	case 1:
		return FRAME_SYN1;
	case 2:
		return FRAME_SYN2;
	case 3:
		return FRAME_SYN6;
	case 4:
	case 5:
		return FRAME_SYN4;
	default:
		return FRAME_SYN3;
	}
}

/*
 * The order in which a group of `count` frames is sent: SYN2, SYN1, SYN3,
 * (SYN4, SYN5, SYN6,) SYN0.
 */
static inline_always enum frame_role
frame_sent_at(size_t position, size_t count)
{
	if (position + 1 >= count) {
		return FRAME_SYN0;
	}
	switch (position) {
	case 0:
		return FRAME_SYN2;
	case 1:
		return FRAME_SYN1;
	default:
		return (enum frame_role)(position + 1);
	}
}

static inline_always uint32_t
frame_syn1(const struct frame_head *head)
{
	return frame_prefix(FRAME_SYN1) | (uint32_t)(head->flags & 31) << 24 |
		(uint32_t)head->key_no << 8 | (uint32_t)(head->instant & 255);
}

static inline_always uint32_t
frame_syn2(const struct frame_head *head)
{
	return frame_prefix(FRAME_SYN2) |
		((uint32_t)(head->instant >> 8) & FRAME_SECOND_MASK);
}

static inline_always uint8_t
frame_flags(uint32_t syn1)
{
	return syn1 >> 24 & 31;
}

static inline_always uint16_t
frame_key_no(uint32_t syn1)
{
	return (uint16_t)(syn1 >> 8);
}

/*
 * The earliest instant of the second that syn2 carries, taken as the one
 * nearest to now (an instant) of all that end in these 29 bits.
 */
static inline_always uint64_t
frame_second(uint32_t syn2, uint64_t now)
{
	const uint64_t era = (uint64_t)FRAME_SECOND_MASK + 1;
	const uint64_t second = now >> 8;
	const uint64_t ahead = (syn2 - (uint32_t)second) & FRAME_SECOND_MASK;

	/* Before the epoch there is nothing: a clock near zero stays there. */
	if (ahead < era / 2 || second + ahead < era) {
		return (second + ahead) << 8;
	}
	return (second + ahead - era) << 8;
}

/* The instant that syn1 and syn2 carry, likewise. */
static inline_always uint64_t
frame_instant(uint32_t syn1, uint32_t syn2, uint64_t now)
{
	return frame_second(syn2, now) | (syn1 & 255);
}

/* Seconds and nanoseconds of UTC as an instant. */
static inline_always uint64_t
frame_instant_of(int64_t sec, uint32_t nsec)
{
	/* A clock before 1970 is broken; zero is refused as any old time. */
	if (sec < 0) {
		return 0;
	}
	return (uint64_t)sec << 8 | ((uint64_t)nsec << 8) / 1000000000;
}

/* Bits of authenticator in 3 + extra + 1 frames: 30, 60, 89 or 118. */
static inline_always unsigned
frame_auth_bits(unsigned extra)
{
	return extra < 2 ? 30 * (extra + 1) : 60 + 29 * (extra - 1);
}

/* The number of extra frames for so many bits, or -1 for no such length. */
static inline_always int
frame_extra_for(unsigned bits)
{
	switch (bits) {
	case 30:
		return 0;
	case 60:
		return 1;
	case 89:
		return 2;
	case 118:
		return 3;
	default:
		return -1;
	}
}

/*
 * The sequence number of a role from SYN3 on, of an authenticator's first
 * 128 bits: SYN3 has the leftmost 30, each further one those that follow.
 */
static inline_always uint32_t
frame_auth(enum frame_role role, uint64_t high, uint64_t low)
{
	uint32_t bits;

	switch (role) {
	case FRAME_SYN3:
		bits = (uint32_t)(high >> 34);
		break;
	case FRAME_SYN4:
		bits = (uint32_t)(high >> 4);
		break;
	case FRAME_SYN5:
		bits = (uint32_t)high << 25 | (uint32_t)(low >> 39);
		break;
	default:
		bits = (uint32_t)(low >> 10);
		break;
	}
	return frame_prefix(role) | (bits & frame_mask(role));
}

#endif
