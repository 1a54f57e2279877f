/*
 * Who is connected, for the live page: connections counted by key, address
 * and port, in the order of these.
 */
#ifndef TAP_DAEMON_CONNECTED_H
#define TAP_DAEMON_CONNECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "protocol/packet.h"

/* What an answer of the control socket has room for. */
#define CONNECTED_MAX 200u

struct connected_row {
	int32_t key_no;   /* below 0: not known */
	const char *name; /* of the key, which must outlive this */
	struct packet_addr addr;
	uint16_t port;
	uint64_t count, opening; /* all; of these, not answered yet */
};

struct connected {
	struct connected_row rows[CONNECTED_MAX];
	size_t count;
	uint64_t others; /* connections that found no row free */
};

/* One more, whose count is 1. */
void connected_add(struct connected *c, const struct connected_row *one);
/* As lines of JSON; see watch_page.h. */
void connected_write(struct text *t, const struct connected *c);

/* "192.0.2.1" into out, of INET6_ADDRSTRLEN bytes. */
void connected_address(char *out, const struct packet_addr *addr);

#endif
