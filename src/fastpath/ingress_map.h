/*
 * What the ingress program's program in the kernel (ingress program.bpf.c) and
 * tap share: the layout of its maps.  Numbers are in host order unless said
 * otherwise.
 */
#ifndef TAP_FASTPATH_INGRESS_MAP_H
#define TAP_FASTPATH_INGRESS_MAP_H

#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/reason.h"
#include "protocol/kernel_suite.h"

/* SYN0 to SYN6; in SYN0's place, what has none of its own. */
#define INGRESS_FRAMES FRAME_MAX
/* Frames of one role that a group has: the right one, and three of others. */
#define INGRESS_LAYERS 4
/* Rules looked at for one port; a port with more is left to the receiver. */
#define INGRESS_RULES_MAX 8
/*
 * As many as the receiver has in one group, REASSEMBLY_FRAMES_STRICT, seen by
 * two programs each.
 */
#define INGRESS_SLOW_MAX 64
#define INGRESS_RANGE_STEPS 17 /* of a search among 65,536 ranges */
#define INGRESS_BLOCK 64       /* bytes of a block of both hashes */

/* All in network order; IPv4 in the first four bytes, then zeros. */
struct ingress_addr {
	uint64_t word[2];
};

/* An address of this host. */
struct ingress_local {
	struct ingress_addr addr;
	uint64_t family;
};

/*
 * By how much the time of a group that is accepted there may be ahead: where
 * nobody has read of it, all is refused that is not later than so much after
 * the next one's start.
 */
#define INGRESS_AHEAD_MS 250
#define INGRESS_AHEAD (INGRESS_AHEAD_MS * FRAME_SECOND / 1000)

/* One entry, mapped by tap: what may change at any time. */
struct ingress_config {
	uint64_t utc_offset; /* ns to add to the monotonic clock; wraps */
	uint64_t assembly;   /* ns */
	int64_t flood;       /* SYNs a second; above, what fails is dropped */
	/* For groups that are accepted there; instants are those of frame.h. */
	uint64_t accept;   /* 0: all are left to the receiver */
	uint64_t mark;     /* a bit of the packet's mark: it was accepted */
	uint64_t floor;    /* instant: what is not later is the receiver's */
	uint64_t begin_ms; /* since boot: what was sent before, too */
	uint64_t tai_utc;  /* ns: TAI less UTC; wraps, as the next does */
	uint64_t tai_monotonic; /* ns: TAI less the monotonic clock */
	uint64_t woken; /* ns, monotonic: the program's last call of tap */
	/*
	 * ns, monotonic: of a group that begins before, a frame may have gone
	 * by before the program was there, so that it is the receiver's.
	 */
	uint64_t settled;
	uint64_t locals_turn; /* another one when an address was taken out */
	uint64_t relay; /* wherever the program of XDP is, that of tc is, too */
	int64_t credit; /* frames that tc may get and say nothing */
	/*
	 * A bit of the mark: a stranger's, which goes on as to any port; with
	 * the other one, too, it was accepted on its way through this host.
	 */
	uint64_t strangers;
};

/*
 * Other programs of tc may keep all packets from ours: so many groups are
 * lost until XDP goes on without it.
 */
#define INGRESS_CREDIT 64

/*
 * Of each port; 0: not accepted in the kernel, or no key at all.  Behind those
 * of this host, where there are such rules, the ports of what goes through it.
 */
#define INGRESS_PORTS 65536u
struct ingress_port {
	uint16_t list;  /* index + 1 */
	uint16_t entry; /* index + 1 */
	uint32_t keys;  /* of the entry, to the door: see door_map.h */
};

struct ingress_list {
	uint16_t count;
	uint16_t rule[INGRESS_RULES_MAX];
};

struct ingress_rule {
	struct ingress_addr src, src_mask, dst, dst_mask;
	uint16_t tolerance;             /* s */
	uint8_t src_family, dst_family; /* 4, 6, or 0: any */
	uint8_t closed;                 /* hide=closed */
	uint8_t device;  /* its place in the table of devices + 1; 0: any */
	uint32_t checks; /* that a group has to pass; see reason.h */
};

/* Key numbers from ranges[first] on, sorted, disjoint. */
struct ingress_entry {
	uint32_t first, count;
};

struct ingress_range {
	uint16_t low, high;
};

struct ingress_key {
	uint32_t inner[8], outer[8];    /* states of the hash, as numbers */
	uint8_t block[INGRESS_BLOCK];   /* of the inner hash, padded */
	uint64_t not_before, not_after; /* s of UTC */
	uint8_t suite;                  /* enum suite_kernel */
	uint8_t extra;
	uint8_t port_at;    /* where port, S0, S1 and S2 go into the block */
	uint8_t port_bytes; /* of the port: 2, or 0 */
	uint8_t unused[4];
};

/* What makes frames one group. */
struct ingress_group_key {
	struct ingress_addr src, dst;
	uint16_t dport, tag;
	uint32_t family;
};

/*
 * What else is in its family.  That it is of a port that is not protected, so
 * that nothing comes of it; and the device that the rule names, as there.
 */
#define INGRESS_FAMILY(family) ((family)&0xffu)
#define INGRESS_FAMILY_OTHER 0x100u
#define INGRESS_FAMILY_ROUTED 0x200u /* through this host, not to it */
#define INGRESS_FAMILY_DEVICE 16     /* bits to its right */
/* Devices that rules name; a port with a rule that names more is left. */
#define INGRESS_NAMES_MAX 64u

/* A frame that was taken off the wire; 0: none yet. */
#define INGRESS_FRAME(seq, sport) ((uint64_t)(seq) << 32 | (sport) << 1 | 1)
#define INGRESS_FRAME_TOLD ((uint64_t)1 << 31) /* the receiver knows of it */
/* When it came: 2^20 ns, monotonic; wraps after more than a group lives. */
#define INGRESS_FRAME_TICKS 0x3fffu
#define INGRESS_FRAME_TICK(frame)                                              \
	((uint32_t)((frame) >> 17) & INGRESS_FRAME_TICKS)
#define INGRESS_FRAME_NOTES                                                    \
	(INGRESS_FRAME_TOLD | (uint64_t)INGRESS_FRAME_TICKS << 17)
#define INGRESS_FRAME_SEQ(frame) ((uint32_t)((frame) >> 32))
#define INGRESS_FRAME_SPORT(frame) ((uint16_t)((frame) >> 1))

struct ingress_group {
	uint64_t since; /* ns; of its last frame */
	uint64_t frame[INGRESS_LAYERS][INGRESS_FRAMES]; /* newest first */
	uint32_t slow;   /* not 0: the receiver has it from here on */
	uint32_t passed; /* frames since */
	int64_t macs;    /* HMACs that it may still cost */
	/* Not 0: it is no group that is sent in order, and all is told. */
	uint64_t odd;
};

/* Of slow: it always had, and judges for a closed port, too. */
#define INGRESS_SLOW_SPLIT 0x10000u

/*
 * HMACs: at first, with each frame, and at most.  So many that a group is
 * found among two forged frames of each of seven roles, wherever they come.
 */
#define INGRESS_MACS_FIRST 80
#define INGRESS_MACS_FRAME 4
#define INGRESS_MACS_MAX 160

/*
 * When a group was last heard of, by some bits of its mark: where that is
 * longer ago than a group lives, groups need not be looked through.
 */
#define INGRESS_MARKS 65536u
struct ingress_marks {
	uint32_t heard[INGRESS_MARKS]; /* 2^20 ns, monotonic; wraps */
};

/*
 * SYNs but those of accepted groups: for a moment it may be below 0.  Two of
 * them: of protected ports, and of all others.
 */
struct ingress_rate {
	uint64_t since;
	int64_t count, before;
};

#define INGRESS_RECORDS_SIZE (1u << 21) /* bytes */
#define INGRESS_RECORDS_MAX                                                    \
	(INGRESS_RECORDS_SIZE / 128) /* with their headers */

/*
 * To tap, ahead of a packet that it belongs to: what was taken before.  Or
 * a whole group that was accepted: how the replay memory knows it, the
 * instants that it carries and when that was; else these are 0.  But a SYN
 * with data has a tag of 1.
 */
struct ingress_record {
	struct ingress_group_key group_key;
	uint64_t frame[INGRESS_FRAMES];
	uint64_t tag, instant, now;
};

/* What was accepted wakes tap, but no more often than this. */
#define INGRESS_WAKE_MS 100

/* To tap: a wrong guess at a key of 30 bits. */
struct ingress_charge {
	struct ingress_addr src;
	uint32_t family;
	uint32_t guesses;
};

/* Verdicts of tc: to the next program (TCX_NEXT), or none (TC_ACT_SHOT). */
#define INGRESS_TC_NEXT (-1)
#define INGRESS_TC_DROP 2

enum ingress_count {
	INGRESS_SEEN,     /* SYNs to protected ports */
	INGRESS_TAKEN,    /* frames of groups in assembly */
	INGRESS_PASSED,   /* SYNs left to the receiver */
	INGRESS_VERIFIED, /* groups with a right authenticator */
	INGRESS_ACCEPTED, /* of these, not left to the receiver */
	INGRESS_PROVEN,   /* SYNs that the latter were made of */
	INGRESS_MAC,      /* groups dropped for a wrong one */
	INGRESS_DROPPED,  /* SYNs dropped that can't be of a group */
	INGRESS_LOST,     /* groups that could not be handed over */
	INGRESS_COUNTS,
};

#endif
