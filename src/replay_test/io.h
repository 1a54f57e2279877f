/*
 * Forged SYNs out, and what comes back for each of them: whether its
 * host began a connection, refused it, or said nothing.  A connection
 * that was begun is reset at once.
 */
#ifndef TAP_REPLAY_TEST_IO_H
#define TAP_REPLAY_TEST_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/reply.h"
#include "replay_test/attacks.h"
#include "measure/captures.h"
#include "replay_test/forge.h"
#include "measure/timing.h"
#include "os/source_ports.h"
#include "os/rawsock.h"

/* Frames waited for: of the largest batch, and more. */
#define ATTACK_WIRE_SENT_MAX 4096u
/* Connections that were begun last, whose SYN/ACKs may be repeated. */
#define ATTACK_WIRE_BEGUN_MAX 256u

/* What came back to a frame. */
enum attack_wire_answer {
	ATTACK_WIRE_SYN_ACK = 1, /* let in */
	ATTACK_WIRE_RESET = 2,
	ATTACK_WIRE_ACK = 4,  /* as if in the middle of a connection */
	ATTACK_WIRE_ICMP = 8, /* an error */
};

struct attack_wire_target {
	struct packet_addr addr;
	uint32_t device; /* that packets to it leave by */
	uint32_t scope;  /* the same, of a link-local address */
	struct packet_addr src;
	struct packet_addr other; /* another own address; or family 0 */
};

/* The SYN whose headers forged ones have. */
struct attack_wire_model {
	uint8_t bytes[PACKET_HEADERS_MAX];
	struct packet syn;
};

/* Where a shot goes, and as what. */
struct attack_wire_aim {
	const struct attack_wire_target *target;
	uint16_t port;
	const struct attack_wire_model *model;
};

struct attack_wire_sent {
	unsigned shot; /* the number of the shot it is of */
	struct forgery forgery;
	const struct attack_wire_model *model;
	bool is_syn0;
	unsigned answers; /* enum attack_wire_answer */
};

struct attack_wire_begun {
	struct packet_addr addr;
	uint16_t sport;
	uint32_t isn;
};

struct attack_wire {
	struct rawsock raw;
	struct ports ports;
	struct captures captures;
	struct timing_bucket bucket;
	uint32_t mark; /* of netfilter, on what is sent */
	struct attack_wire_sent sent[ATTACK_WIRE_SENT_MAX]; /* a ring */
	size_t sent_count;
	struct attack_wire_begun begun[ATTACK_WIRE_BEGUN_MAX]; /* likewise */
	size_t begun_count;
	uint64_t packets; /* that were sent */
	uint16_t fragment_id;
	uint32_t scope; /* of what was sent last */
};

struct attack_wire_options {
	const struct attack_wire_target *targets;
	size_t target_count;
	const uint16_t *ports; /* of theirs, that answers come from */
	size_t port_count;
	unsigned rate; /* packets a second */
	uint32_t mark;
};

/* 0, or -errno with the reason in why (WHY_MAX). */
int attack_wire_open(struct attack_wire *s,
		     const struct attack_wire_options *options, char *why);
void attack_wire_close(struct attack_wire *s);

/*
 * Send the frames of a shot, numbered so that answers to it can be asked
 * for.  0 or -errno; -EMSGSIZE: it can't be sent in fragments.
 */
int attack_wire_send(struct attack_wire *s, const struct attack_wire_aim *aim,
		     const struct attack_shot *shot, unsigned number);

/* Look at what came back so far, waiting at most ms for the first. */
int attack_wire_listen(struct attack_wire *s, unsigned ms);

/* What came back to a shot's frames, or (syn0) to its SYN0s alone. */
unsigned attack_wire_answers(const struct attack_wire *s, unsigned number,
			     bool syn0);
/* How many of a shot's frames were let in. */
unsigned attack_wire_accepted(const struct attack_wire *s, unsigned number);

/* Forget what was sent: ignore answers to it. */
void attack_wire_forget(struct attack_wire *s);

#endif
