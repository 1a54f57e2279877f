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

enum leak_what {
	LEAK_ANSWER,  /* whether there is one: flags, or an ICMP type, code */
	LEAK_PACKETS, /* how many came */
	LEAK_SOURCE,  /* whether it is the port's own host that answers */
	LEAK_TTL,
	LEAK_TOS,
	LEAK_ID,       /* the pattern of IPv4's identification */
	LEAK_FRAGMENT, /* IPv4's don't-fragment bit */
	LEAK_LABEL,    /* whether IPv6's flow label is set */
	LEAK_SEQ,      /* where its number is from */
	LEAK_ACK,
	LEAK_WINDOW,
	LEAK_OPTIONS, /* all of TCP's but the value of time stamps */
	LEAK_BITS,    /* reserved ones, and the urgent pointer */
	LEAK_DATA,    /* bytes of data, or of what ICMP quotes */
	LEAK_TIME,    /* from the probe to the first answer */
	LEAK_KINDS,
};

#define LEAK_PACKETS_MAX 9u /* more count as so many */

/* One probe and what came back. */
struct leak_sample {
	bool sent;
	uint8_t packets;
	struct probe_numbers numbers;
	uint64_t sent_ns, answered_ns; /* by the capture; 0: not seen */
	uint32_t values[LEAK_KINDS];
	uint8_t options[ANSWER_OPTIONS_MAX], options_len;
};

/* Take an answer to a probe for this target. */
void leak_observe(struct leak_sample *s, const struct answer *a,
		  const struct packet_addr *target, uint64_t ns);

#define LEAK_SAMPLES_MAX 1000u

struct leak_samples {
	const struct leak_sample *at; /* in the order they were sent */
	size_t count;		      /* at most LEAK_SAMPLES_MAX */
};

/* A value, and in how many of how many answers it is. */
struct leak_side {
	uint64_t value; /* nanoseconds of LEAK_TIME: the median */
	size_t count, of;
	const struct leak_sample *example; /* NULL where there is none */
};

struct leak {
	enum leak_what what;
	bool known;   /* both sides have something to compare */
	bool differs; /* by more than chance: twosample.h */
	double score; /* the square of a standard score */
	struct twosample_ranks ranks; /* of LEAK_TIME */
	struct leak_side port, reference;
};

/* Room to work in. */
struct leak_room {
	uint64_t values[2][LEAK_SAMPLES_MAX];
	const struct leak_sample *from[2][LEAK_SAMPLES_MAX];
};

/* Compare one thing about a port and its reference. */
void leak_compare(struct leak *out, enum leak_what what,
		  const struct leak_samples *port,
		  const struct leak_samples *reference,
		  struct leak_room *room);

/*
 * Compare times over several scans: what is too small for one of them,
 * or lost in noise, adds up.  The sides are those of the scan that shows
 * it best.
 */
void leak_pool(struct leak *out, const struct leak *times, size_t count);

const char *leak_name(enum leak_what what);

#define LEAK_TEXT_MAX 160u

/* What is seen on one side, for people: "64", "RST ACK", "mss 1460, sack". */
void leak_text(char out[LEAK_TEXT_MAX], enum leak_what what,
	       const struct leak_side *side);

#endif
