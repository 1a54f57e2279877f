/*
 * What two ports show of themselves: everything about their answers to
 * the same probes that an observer can tell, and whether it differs.
 * A hidden port that differs from one that is truly dropped, or closed,
 * is given away by it.
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_DISTINGUISH_H
#define TAP_SCAN_CHECK_DISTINGUISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/reply.h"
#include "measure/probe.h"
#include "scan_check/twosample.h"

enum distinguish_what {
	DISTINGUISH_ANSWER,  /* whether there is one: flags, or an ICMP type,
				code */
	DISTINGUISH_PACKETS, /* how many came */
	DISTINGUISH_SOURCE, /* whether it is the port's own host that answers */
	DISTINGUISH_TTL,
	DISTINGUISH_TOS,
	DISTINGUISH_ID,       /* the pattern of IPv4's identification */
	DISTINGUISH_FRAGMENT, /* IPv4's don't-fragment bit */
	DISTINGUISH_LABEL,    /* whether IPv6's flow label is set */
	DISTINGUISH_SEQ,      /* where its number is from */
	DISTINGUISH_ACK,
	DISTINGUISH_WINDOW,
	DISTINGUISH_OPTIONS, /* all of TCP's but the value of time stamps */
	DISTINGUISH_BITS,    /* reserved ones, and the urgent pointer */
	DISTINGUISH_DATA,    /* bytes of data, or of what ICMP quotes */
	DISTINGUISH_ORDER,   /* answers to others ahead of its own */
	DISTINGUISH_TIME,    /* from the probe to the first answer */
	DISTINGUISH_KINDS,
};

#define DISTINGUISH_PACKETS_MAX 9u /* more count as so many */

/* One probe and what came back. */
struct distinguish_sample {
	bool sent;
	uint8_t packets;
	struct probe_numbers numbers;
	uint64_t sent_ns, answered_ns; /* by the capture; 0: not seen */
	uint32_t values[DISTINGUISH_KINDS];
	uint8_t options[ANSWER_OPTIONS_MAX], options_len;
};

/* Take an answer to a probe for this target. */
void distinguish_observe(struct distinguish_sample *s, const struct answer *a,
			 const struct packet_addr *target, uint64_t ns);

#define DISTINGUISH_SAMPLES_MAX 1000u

struct distinguish_samples {
	const struct distinguish_sample *at; /* in the order they were sent */
	size_t count; /* at most DISTINGUISH_SAMPLES_MAX */
};

/* A value, and in how many of how many answers it is. */
struct distinguish_side {
	uint64_t value; /* nanoseconds of DISTINGUISH_TIME: the median */
	size_t count, of;
	const struct distinguish_sample *example; /* NULL where there is none */
};

struct distinguish {
	enum distinguish_what what;
	bool known;                   /* both sides have something to compare */
	bool differs;                 /* by more than chance: twosample.h */
	double score;                 /* the square of a standard score */
	struct twosample_ranks ranks; /* of DISTINGUISH_TIME */
	struct distinguish_side port, reference;
};

/* Room to work in. */
struct distinguish_room {
	uint64_t values[2][DISTINGUISH_SAMPLES_MAX];
	const struct distinguish_sample *from[2][DISTINGUISH_SAMPLES_MAX];
};

/* Compare one thing about a port and its reference. */
void distinguish_compare(struct distinguish *out, enum distinguish_what what,
			 const struct distinguish_samples *port,
			 const struct distinguish_samples *reference,
			 struct distinguish_room *room);

/*
 * Compare times over several scans: what is too small for one of them,
 * or lost in noise, adds up.  The sides are those of the scan that shows
 * it best.
 */
void distinguish_pool(struct distinguish *out, const struct distinguish *times,
		      size_t count);

const char *distinguish_name(enum distinguish_what what);

#define DISTINGUISH_TEXT_MAX 160u

/* What is seen on one side, for people: "64", "RST ACK", "mss 1460, sack". */
void distinguish_text(char out[DISTINGUISH_TEXT_MAX],
		      enum distinguish_what what,
		      const struct distinguish_side *side);

#endif
