/*
 *         31                                                   0
 *   SYN0  | initial sequence number                       : 32 |
 *   SYN1  | 0 0 1 | flags : 5 | key_no : 16 | fraction    :  8 |
 *   SYN2  | 0 1 0 | second                                : 29 |
 *   SYN3  | 1 1 | authenticator                           : 30 |
 *   SYN4  | 1 0 | authenticator                           : 30 |
 *   SYN5  | 0 0 0 | authenticator                         : 29 |
 *   SYN6  | 0 1 1 | authenticator                         : 29 |
 *
 * The marks are a prefix code: SYN3 and SYN4 have two bits of mark, the
 * others three, and each number bears exactly one.
 */
#include "protocol/frame.h"

#define SECOND_BITS 29
#define SECOND_MASK ((1u << SECOND_BITS) - 1)

static const struct {
	uint32_t mark;
	uint8_t bits; /* payload */
} frames[FRAME_MAX] = {
	[FRAME_SYN0] = { 0, 32 },        [FRAME_SYN1] = { 1u << 29, 29 },
	[FRAME_SYN2] = { 2u << 29, 29 }, [FRAME_SYN3] = { 3u << 30, 30 },
	[FRAME_SYN4] = { 2u << 30, 30 }, [FRAME_SYN5] = { 0, 29 },
	[FRAME_SYN6] = { 3u << 29, 29 },
};

uint32_t
frame_mark(enum frame_role role)
{
	return frames[role].mark;
}

uint32_t
frame_mask(enum frame_role role)
{
	return (uint32_t)(((uint64_t)1 << frames[role].bits) - 1);
}

enum frame_role
frame_role_of(uint32_t seq)
{
	static const enum frame_role by_prefix[8] = {
		FRAME_SYN5, FRAME_SYN1, FRAME_SYN2, FRAME_SYN6,
		FRAME_SYN4, FRAME_SYN4, FRAME_SYN3, FRAME_SYN3,
	};

	return by_prefix[seq >> 29];
}

uint32_t
frame_syn1(const struct frame_head *head)
{
	return frames[FRAME_SYN1].mark | (uint32_t)(head->flags & 31) << 24 |
		(uint32_t)head->key_no << 8 | (uint32_t)(head->instant & 255);
}

uint32_t
frame_syn2(const struct frame_head *head)
{
	return frames[FRAME_SYN2].mark |
		((uint32_t)(head->instant >> 8) & SECOND_MASK);
}

uint8_t
frame_flags(uint32_t syn1)
{
	return syn1 >> 24 & 31;
}

uint16_t
frame_key_no(uint32_t syn1)
{
	return (uint16_t)(syn1 >> 8);
}

uint64_t
frame_second(uint32_t syn2, uint64_t now)
{
	uint64_t second = now >> 8;
	uint32_t ahead = (syn2 - (uint32_t)second) & SECOND_MASK;

	if (ahead <= SECOND_MASK / 2) {
		return (second + ahead) << 8;
	}
	/* Before the epoch there is nothing: a clock near zero stays there. */
	if (second + ahead < (uint64_t)SECOND_MASK + 1) {
		return (second + ahead) << 8;
	}
	return (second + ahead - SECOND_MASK - 1) << 8;
}

uint64_t
frame_instant(uint32_t syn1, uint32_t syn2, uint64_t now)
{
	return frame_second(syn2, now) | (syn1 & 255);
}

unsigned
frame_auth_bits(unsigned extra)
{
	static const unsigned bits[FRAME_EXTRA_MAX + 1] = { 30, 60, 89, 118 };

	return bits[extra];
}

int
frame_extra_for(unsigned bits)
{
	for (unsigned extra = 0; extra <= FRAME_EXTRA_MAX; extra++) {
		if (frame_auth_bits(extra) == bits) {
			return (int)extra;
		}
	}
	return -1;
}

/* The `count` bits that follow the first `skip` ones; at most 30. */
static uint32_t
bits_at(const uint8_t *bytes, unsigned skip, unsigned count)
{
	uint32_t value = 0;

	for (unsigned bit = skip; bit < skip + count; bit++) {
		value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
	}
	return value;
}

void
frame_auth(uint32_t *seq, unsigned extra, const uint8_t *auth)
{
	unsigned skip = 0;

	for (unsigned i = 0; i <= extra; i++) {
		unsigned role = FRAME_SYN3 + i;

		seq[i] = frames[role].mark |
			bits_at(auth, skip, frames[role].bits);
		skip += frames[role].bits;
	}
}

uint64_t
frame_instant_of(int64_t sec, uint32_t nsec)
{
	/* A clock before 1970 is broken; zero is refused as any old time. */
	if (sec < 0) {
		return 0;
	}
	return (uint64_t)sec << 8 | ((uint64_t)nsec << 8) / 1000000000;
}
