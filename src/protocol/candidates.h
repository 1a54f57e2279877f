/*
 * Which frames may make one connection.  They come from one address to one
 * service, and bear one mark; where windows don't survive the path, the TCP
 * options are the mark, since all frames are made of one SYN, time stamps too.
 * Who does not see a client's packets can't guess those.
 *
 * But some paths give each frame other options.  Then each is in a group of its
 * own, and what came last from one address is tried, if it is no more than one
 * connection's.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_CANDIDATES_H
#define TAP_PROTOCOL_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/reassembly.h"

/*
 * Groups among which those of one frame are looked for: what the heaviest flood
 * brings in a millisecond.
 */
#define CANDIDATES_AMONG 64u

struct candidates {
	/* By arrival, and where each is. */
	struct reassembly_frame *frame[REASSEMBLY_FRAMES_MAX];
	struct reassembly_group *group[REASSEMBLY_FRAMES_MAX];
	size_t count;
	bool single; /* nothing but their address tells that they are one's */
};

/*
 * The group of a packet; options may be NULL where they are not known.  loose:
 * the window is not looked at.
 */
struct reassembly_key candidates_key(const struct hash_key *hash,
				     const struct packet *p,
				     const uint8_t *options, bool loose);

/*
 * Those that the latest frame may be one of, itself the last; it is the latest
 * of `group`.  None where there are too many.  since: when the oldest may have
 * come.
 */
void candidates_find(struct reassembly *q, struct reassembly_group *group,
		     uint64_t since, struct candidates *c);

/* Whether a frame that begins a group of this key would be tried with others.
 */
bool candidates_wait(struct reassembly *q, const struct reassembly_key *key,
		     uint64_t since);

#endif
