/*
 * What was let in a moment ago: the worker judges most SYNs early, before
 * addresses are translated, and the kernel asks again for one that comes to
 * the last place without its mark, since rules of others have taken that.
 *
 * Also the marks that held packets came with, where they had any, and which
 * SYNs were accepted some seconds ago.
 *
 * Pure.
 */
#ifndef TAP_SERVER_ADMITTED_H
#define TAP_SERVER_ADMITTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "protocol/packet.h"

/* From the verdict to the last place it takes microseconds. */
#define ADMITTED_MS 1000u
/* From one retransmission of a SYN to the next: 1, 2, 4, 8 seconds. */
#define ADMITTED_AGAIN_MS 10000u
/* Places of the table: far more than SYNs in that time. */
#define ADMITTED_MAX 4096u

struct admitted {
	struct hash_key hash; /* secret: nobody chooses who shares a place */
	struct {
		uint64_t what; /* of source, port and ISN */
		uint64_t ms;
	} syns[ADMITTED_MAX];
	struct {
		uint64_t id;
		uint32_t mark;
	} marks[ADMITTED_MAX];
	struct {
		uint64_t what;
		uint64_t ms;
	} accepted[ADMITTED_MAX];
};

void admitted_init(struct admitted *a, const struct hash_key *hash);

/*
 * By source and ISN, since NAT may change the destination; but where it was
 * accepted on its way through this host (routed), it is for that port alone,
 * as its key may be.
 */
void admitted_note(struct admitted *a, const struct packet *syn, bool routed,
		   uint64_t ms);
/* Whether that SYN was noted; true only once. */
bool admitted_take(struct admitted *a, const struct packet *syn, uint64_t ms);

/*
 * A SYN was accepted.  Whether the same one was a moment ago, too: then its
 * sender had no answer to that.
 */
bool admitted_again(struct admitted *a, const struct packet_addr *src,
		    uint16_t sport, uint32_t isn, uint64_t ms);

/* A packet that is held has this mark. */
void admitted_hold(struct admitted *a, uint64_t id, uint32_t mark);
/* The mark of a held packet; 0 where there was none. */
uint32_t admitted_mark(struct admitted *a, uint64_t id);

#endif
