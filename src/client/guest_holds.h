/*
 * SYNs of virtual machines, held until their reader says whose they are; in
 * the worker.  Nothing else waits for that, and each guest has its own places
 * and its own reader: one that is slow delays itself alone.
 */
#ifndef TAP_CLIENT_GUEST_HOLDS_H
#define TAP_CLIENT_GUEST_HOLDS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/guest_conf.h"
#include "guests/owner.h"
#include "os/nfqueue.h"
#include "protocol/packet.h"

#define GUEST_HOLDS_MAX 256u /* SYNs at one time, */
/* And of one guest; it has no more than it leaves free for all others. */
#define GUEST_HOLDS_EACH 64u
/* A reader that is busy with those before it; its own work has a budget. */
#define GUEST_HOLDS_MS 100u
#define GUEST_HOLDS_KNOWN 256u
#define GUEST_HOLDS_KNOWN_MS 180000u /* a SYN is sent again for 127 s */
/* A reader that has ended is asked for again after this. */
#define GUEST_HOLDS_PAUSE_MS 500u

struct guest_hold {
	unsigned guest; /* 0: this place is free */
	uint64_t serial, due_ms;
	struct guest_connection connection;
	uint32_t seq;
	struct nfq_packet packet; /* of bytes below */
	uint8_t bytes[NFQ_COPY];
};

struct guest_known {
	unsigned guest; /* 0: this place is free */
	struct guest_connection connection;
	uint32_t seq;
	uint64_t until_ms;
	struct guest_owner owner;
};

struct guest_holds {
	/* A reader's descriptor, which becomes ours, or below 0. */
	int (*reader)(void *context, unsigned guest);
	void *context;
	struct {
		bool is_open;
		int fd;
		uint64_t due_ms; /* not asked for before */
		unsigned holds;
	} guests[GUEST_CONF_MAX + 1]; /* by their numbers, from 1 on */
	uint64_t serial;
	unsigned holds;
	struct guest_hold held[GUEST_HOLDS_MAX];
	struct guest_known known[GUEST_HOLDS_KNOWN];
};

/* All of it zero, but for reader and context: nothing is held. */

/* Have the readers of these guests. */
void guest_holds_open(struct guest_holds *h, size_t count);
/* Whose such a SYN was found to be, or NULL. */
const struct guest_owner *guest_holds_find(const struct guest_holds *h,
					   unsigned guest,
					   const struct packet *syn,
					   uint64_t ms);
/*
 * Hold a SYN until its reader has answered; it is copied.  GUEST_KNOWN, or why
 * it can't be asked.
 */
enum guest_unknown guest_holds_take(struct guest_holds *h, unsigned guest,
				    const struct nfq_packet *packet,
				    const struct packet *syn, uint64_t ms);

/* A SYN that waits no longer. */
struct guest_judged {
	unsigned guest;
	struct nfq_packet packet; /* its bytes are there until the next call */
	struct guest_owner owner;
};

/* The next such SYN; false: there is none. */
bool guest_holds_next(struct guest_holds *h, uint64_t ms,
		      struct guest_judged *judged);
/* The same at the end, when nobody waits for an answer any more. */
bool guest_holds_end(struct guest_holds *h, struct guest_judged *judged);
/*
 * As poll(2) of the first `count`, behind which is room for GUEST_CONF_MAX
 * more: until an answer comes, too, or a SYN has waited for long enough.
 */
int guest_holds_poll(const struct guest_holds *h, struct pollfd *fds,
		     size_t count, int most_ms);

#endif
