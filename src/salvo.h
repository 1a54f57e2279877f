/*
 * Forged SYNs out, and what comes back for each of them: whether its
 * host began a connection, refused it, or said nothing.  A connection
 * that was begun is reset at once.
 */
#ifndef TAP_SALVO_H
#define TAP_SALVO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "attack.h"
#include "cap.h"
#include "forgery.h"
#include "pace.h"
#include "ports.h"
#include "rawsock.h"

#define SALVO_TARGETS_MAX 2u /* the host, and another server */
/* Frames waited for: of the largest batch, and more. */
#define SALVO_SENT_MAX 4096u
/* Connections that were begun last, whose SYN/ACKs may be repeated. */
#define SALVO_BEGUN_MAX 256u
#define SALVO_WHY_MAX 512u

/* What came back to a frame. */
enum salvo_answer {
	SALVO_SYN_ACK = 1, /* let in */
	SALVO_RESET = 2,
	SALVO_ACK = 4,	/* as if in the middle of a connection */
	SALVO_ICMP = 8, /* an error */
};

struct salvo_target {
	struct packet_addr addr;
	uint32_t device;	    /* that packets to it leave by */
	uint32_t scope;		    /* the same, of a link-local address */
	struct packet_addr src;
	struct packet_addr other;   /* another own address; or family 0 */
};

/* The SYN whose headers forged ones have. */
struct salvo_model {
	uint8_t bytes[PACKET_HEADERS_MAX];
	struct packet syn;
};

/* Where a shot goes, and as what. */
struct salvo_aim {
	const struct salvo_target *target;
	uint16_t port;
	const struct salvo_model *model;
};

struct salvo_sent {
	unsigned shot; /* the number of the shot it is of */
	struct forgery forgery;
	const struct salvo_model *model;
	bool is_syn0;
	unsigned answers; /* enum salvo_answer */
};

struct salvo_begun {
	struct packet_addr addr;
	uint16_t sport;
	uint32_t isn;
};

struct salvo {
	struct rawsock raw;
	struct ports ports;
	struct cap caps[SALVO_TARGETS_MAX];
	uint32_t devices[SALVO_TARGETS_MAX];
	size_t cap_count;
	struct pace_bucket bucket;
	uint32_t mark; /* of netfilter, on what is sent */
	struct salvo_sent sent[SALVO_SENT_MAX]; /* a ring */
	size_t sent_count;
	struct salvo_begun begun[SALVO_BEGUN_MAX]; /* likewise */
	size_t begun_count;
	uint64_t packets; /* that were sent */
	uint16_t fragment_id;
	uint32_t scope; /* of what was sent last */
};

struct salvo_options {
	const struct salvo_target *targets;
	size_t target_count;
	const uint16_t *ports; /* of theirs, that answers come from */
	size_t port_count;
	unsigned rate; /* packets a second */
	uint32_t mark;
};

/* 0, or -errno with the reason in why (SALVO_WHY_MAX). */
int salvo_open(struct salvo *s, const struct salvo_options *options,
	       char *why);
void salvo_close(struct salvo *s);

/*
 * Send the frames of a shot, numbered so that answers to it can be asked
 * for.  0 or -errno; -EMSGSIZE: it can't be sent in fragments.
 */
int salvo_send(struct salvo *s, const struct salvo_aim *aim,
	       const struct attack_shot *shot, unsigned number);

/* Look at what came back so far, waiting at most ms for the first. */
int salvo_listen(struct salvo *s, unsigned ms);

/* What came back to a shot's frames, or (syn0) to its SYN0s alone. */
unsigned salvo_answers(const struct salvo *s, unsigned number, bool syn0);
/* How many of a shot's frames were let in. */
unsigned salvo_accepted(const struct salvo *s, unsigned number);

/* Take no more notice of what was sent. */
void salvo_forget(struct salvo *s);

/* Packets that came too fast to be seen. */
unsigned salvo_lost(struct salvo *s);

#endif
