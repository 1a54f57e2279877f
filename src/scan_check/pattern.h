/*
 * What a single answer to an ordinary packet does not show of a port, and
 * has given hidden ones away: probes of several packets, of pieces, or to
 * another address.  Each is compared with the same at a reference port.
 *
 *   anycast   an ACK to the subnet's router anycast address (RFC 4291,
 *             2.6.1), with 64 bits of prefix; IPv6
 *   fragment  a SYN in two pieces, of which the first has 8 bytes of TCP
 *   burst     SYNs to the reference port, and one to this port behind
 *             them: how many answers come ahead of its own
 *   ping      SYNs to this port, and a ping behind them: its time
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_PATTERN_H
#define TAP_SCAN_CHECK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/reply.h"
#include "scan_check/distinguish.h"

enum pattern {
	PATTERN_ANYCAST,
	PATTERN_FRAGMENT,
	PATTERN_BURST,
	PATTERN_PING,
	PATTERN_KINDS,
};

/* Their names, on the command line and in what is written. */
const char *pattern_name(enum pattern pattern);
/* By the first len bytes of a name; PATTERN_KINDS: none. */
enum pattern pattern_find(const char *name, size_t len);

/* Whether that is compared: of this one, in this version of IP. */
bool pattern_shows(enum pattern pattern, enum distinguish_what what,
		   uint8_t family);

/* SYNs ahead of the one that counts, or of the ping: two sends at most. */
#define PATTERN_AHEAD_BURST 7u
#define PATTERN_AHEAD_PING 15u
#define PATTERN_PACKETS 16u
/* IPv6, a fragment's header, TCP with an MSS; or a ping of 32 bytes. */
#define PATTERN_BYTES 96u

struct pattern_packet {
	uint8_t bytes[PATTERN_BYTES];
	size_t len;
};

/* What is sent.  Addresses are those of the target and the way to it. */
struct pattern_probe {
	enum pattern pattern;
	struct packet_addr src, dst;
	uint16_t port, reference;
	uint16_t sports[PATTERN_PACKETS]; /* of each packet with TCP */
	uint32_t tokens[PATTERN_PACKETS]; /* their numbers: probe_numbers() */
	uint16_t echo_id, echo_seq;       /* of the ping */
};

/* How many ports, and tokens, it takes; the last is that which counts. */
size_t pattern_segments(enum pattern pattern);

/* Write its packets in the order of sending.  Returns their number. */
size_t pattern_build(struct pattern_packet out[PATTERN_PACKETS],
		     const struct pattern_probe *probe);

/* The subnet's router anycast address, of a /64. */
struct packet_addr pattern_anycast(const struct packet_addr *addr);

/* Whether a packet is an echo reply, and to which request. */
bool pattern_is_reply(const uint8_t *bytes, size_t len, uint16_t *id,
		      uint16_t *seq);

#endif
