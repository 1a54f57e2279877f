/*
 * The frames of TAP: the sequence numbers of the SYNs in one group
 * (papers: 000, 3.3, "TAP frame protocol").
 *
 * An instant is a count of 1/256 s since the epoch of UTC: what a group
 * can carry of the time, but for the bits that 29 bits of seconds lose.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_FRAME_H
#define TAP_PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_role {
	FRAME_SYN0, /* the kernel's own ISN; has no mark */
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
#define FRAME_SECOND 256u   /* of an instant's units */
#define FRAME_AUTH_BYTES 15 /* 118 bits, the longest authenticator */

/* What SYN1 and SYN2 carry. */
struct frame_head {
	uint8_t flags; /* 5 bits; the number of extra frames, so far */
	uint16_t key_no;
	uint64_t instant; /* encoding drops the seconds above 29 bits */
};

/* The mark of a role in the top bits of its sequence number. */
uint32_t frame_mark(enum frame_role role);
/* The bits of a sequence number of that role that are not mark. */
uint32_t frame_mask(enum frame_role role);
/* The one role among SYN1 to SYN6 that bears this number's mark. */
enum frame_role frame_role_of(uint32_t seq);

uint32_t frame_syn1(const struct frame_head *head);
uint32_t frame_syn2(const struct frame_head *head);
uint8_t frame_flags(uint32_t syn1);
uint16_t frame_key_no(uint32_t syn1);

/*
 * The instant that syn1 and syn2 carry, taken as the one nearest to now
 * (an instant) of all that end in these 29 bits of seconds.
 */
uint64_t frame_instant(uint32_t syn1, uint32_t syn2, uint64_t now);
/* The seconds alone, likewise: the earliest instant of that second. */
uint64_t frame_second(uint32_t syn2, uint64_t now);

/* Bits of authenticator in 3 + extra + 1 frames: 30, 60, 89 or 118. */
unsigned frame_auth_bits(unsigned extra);
/* The number of extra frames for so many bits, or -1 for no such length. */
int frame_extra_for(unsigned bits);

/*
 * The sequence numbers of SYN3 and of `extra` frames after it: the
 * leftmost bits of an authenticator of FRAME_AUTH_BYTES or more bytes.
 * Writes 1 + extra numbers.
 */
void frame_auth(uint32_t *seq, unsigned extra, const uint8_t *auth);

/* Seconds and nanoseconds of UTC as an instant. */
uint64_t frame_instant_of(int64_t sec, uint32_t nsec);

#endif
