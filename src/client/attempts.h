/*
 * Connections that were authenticated, and what comes back for them: where
 * there is none, four lines say what was sent, how the clock is, what came
 * back, and what to do next.
 */
#ifndef TAP_CLIENT_ATTEMPTS_H
#define TAP_CLIENT_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "daemon/log.h"
#include "os/pcap.h"
#include "protocol/packet.h"

#define ATTEMPTS_MAX 64u /* the latest */
/* How often a SYN is sent in vain before it is worth four lines. */
#define ATTEMPTS_TIMES 3u

enum attempt_heard {
	ATTEMPT_NOTHING,
	ATTEMPT_CONNECTED,
	ATTEMPT_RESET,
	ATTEMPT_NUMBER, /* a SYN/ACK for another number than was sent */
	ATTEMPT_ICMP,
};

struct attempt {
	struct packet_addr dst;
	uint16_t sport, dport;
	uint32_t isn;
	uint16_t key_no;
	unsigned groups;
	uint64_t first_ns; /* UTC */
	enum attempt_heard heard;
	struct packet_addr router; /* of ATTEMPT_ICMP */
	uint8_t type, code;
	bool told;
};

struct attempts {
	bool on;  /* else all of this does nothing */
	bool one; /* command's: an address that fails may be one of several */
	bool connected;
	struct cap cap; /* fd below 0: see why */
	char why[WHY_MAX];
	struct attempt at[ATTEMPTS_MAX];
	size_t next;
	struct log_limit limit;
};

/* Capture what comes back; where that is refused, that is what is told. */
void attempts_open(struct attempts *a, bool one_command);
void attempts_close(struct attempts *a);

/* A group was sent for this SYN. */
void attempts_note(struct attempts *a, const struct packet *syn,
		   uint16_t key_no);
/* Take what was captured; call when a->cap.fd is readable. */
void attempts_serve(struct attempts *a);
/* The command has ended: tell of what it did not wait for. */
void attempts_end(struct attempts *a);

/* Take note of a packet that came in; of no other one. */
void attempts_hear(struct attempts *a, const uint8_t *bytes, size_t len,
		   size_t wire_len);

#endif
