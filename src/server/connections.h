/*
 * Connections that were accepted, or were there before the rules: for as long
 * as there is room they are known as such, whatever connection tracking
 * forgets.  No SYN gets in by this table, only what comes later.
 *
 * Who holds a key fills no more than what others leave: where a bucket is
 * full, the oldest goes of the key that has most in it.  Nothing that is seen
 * on the wire ends an entry, since anybody might have sent it; one that
 * outlives its connection lets packets of its two ends by, which have no
 * effect but an RST.
 *
 * The table lies in the file of the replay memory, where workers write it: no
 * pointer, and nothing in it that may not be anything.
 *
 * Pure.
 */
#ifndef TAP_SERVER_CONNECTIONS_H
#define TAP_SERVER_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/packet.h"

/* 32,768 connections, in 1.7 MB. */
#define CONNECTIONS_BUCKETS 2048u
#define CONNECTIONS_WAYS 16u /* of one hash: what a look costs */
#define CONNECTIONS_MAX (CONNECTIONS_BUCKETS * CONNECTIONS_WAYS)

/* In place of a key's number. */
enum {
	CONNECTION_TRACKED = -1, /* conntrack knew it at the start */
	CONNECTION_SEEN = -2,    /* its packets came then; not yet sure */
	/* It was there still some time later: perhaps a stranger's, who is
	 * answered by another way, and no SYN of whom gets in by that. */
	CONNECTION_LASTED = -3,
};

struct connection {
	uint8_t src[16], dst[16]; /* who opened it, and to whom */
	uint16_t sport, dport;
	int32_t key_no;
	uint32_t used; /* second of UTC: when it was accepted or asked for */
	/*
	 * When tracking was told of it last, or a socket was found; or, where
	 * nothing is tracked, since when it comes without one.
	 */
	uint32_t known;
	uint8_t family; /* 4 or 6; else the place is free */
};

struct connections {
	struct connection places[CONNECTIONS_BUCKETS][CONNECTIONS_WAYS];
};

/* Whether tracking has it for alive: it goes after all that are not. */
typedef bool connections_alive(void *context, const struct packet *p);

/*
 * Enter the connection that a packet of who opened it belongs to (addresses
 * and ports of p).  alive may be NULL.
 */
void connections_note(struct connections *t, const struct packet *p,
		      int32_t key_no, uint32_t second, connections_alive *alive,
		      void *context);
/*
 * The connection of a packet of who opened it, or NULL.  translated: by its
 * source alone, since it goes to another address than it came to.
 */
struct connection *connections_find(struct connections *t,
				    const struct packet *p, bool translated);
/* Its addresses and ports. */
struct packet connections_packet(const struct connection *c);

#endif
