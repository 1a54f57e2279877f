/*
 * Groups of TAP in a stream of packets, as an eavesdropper finds them: by
 * their marks, their equal window and their number, without a key.  What
 * is not known is which frame is SYN0 where its number bears a mark by
 * chance: then the answer to it tells, or else that it is sent last.
 * Bounded, whatever the stream is.
 *
 * Pure.
 */
#ifndef TAP_REPLAY_TEST_RECORDING_H
#define TAP_REPLAY_TEST_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"
#include "protocol/sender.h"

/* SYNs to the service that may still become part of a group. */
#define RECORDING_PENDING 512u
/* Groups that are kept: the last ones. */
#define RECORDING_GROUPS_MAX 64u
/* A group is sent at once; retransmissions are groups of their own. */
#define RECORDING_SPAN_NS UINT64_C(2000000000)

struct recording_group {
	struct sender_group frames;
	struct packet_addr src, dst;
	uint64_t ns;   /* since 1970, when its last frame was seen */
	bool answered; /* by a SYN/ACK: the server has accepted it */
	/* The headers of a frame: IP without options or extensions, TCP. */
	uint8_t syn[PACKET_HEADERS_MAX];
	size_t syn_len;
};

struct recording_syn {
	struct packet_addr src, dst;
	uint32_t seq;
	uint16_t sport, window;
	uint64_t ns;
	uint8_t syn[PACKET_HEADERS_MAX];
	size_t syn_len;
};

struct recording {
	const struct packet_addr *to; /* the service's, the caller's */
	size_t to_count;
	uint16_t port;
	uint64_t packets; /* TCP, seen */
	uint64_t syns;    /* to the service */
	uint64_t found;   /* groups, the kept ones among them */
	struct recording_syn pending[RECORDING_PENDING]; /* a ring */
	size_t next; /* counts up: its place in the ring, modulo */
	struct recording_group groups[RECORDING_GROUPS_MAX]; /* likewise */
};

/* Groups to one of these addresses, which stay the caller's, and port. */
void recording_init(struct recording *r, const struct packet_addr *to,
		    size_t to_count, uint16_t port);

/* The next packet, from its IP header on; wire_len as packet_parse(). */
void recording_packet(struct recording *r, const uint8_t *bytes, size_t len,
		      size_t wire_len, uint64_t ns);

/* How many groups are kept, and one of them; 0 is the newest. */
size_t recording_count(const struct recording *r);
const struct recording_group *recording_at(const struct recording *r,
					   size_t at);
/* The newest that was answered, or else the newest; there is one. */
const struct recording_group *recording_best(const struct recording *r);

#endif
