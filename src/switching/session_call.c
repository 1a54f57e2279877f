#include "switching/session_call.h"

#include <errno.h>

#include "switching/dial.h"

/* Ports that are tried for a decoy. */
#define PORTS_MAX 16u

/*
 * From the client's address, and a port that no connection of the client's has:
 * the service's socket would look as that one's does here.
 */
static int
call_from(struct session_host *h, const struct session *s, int fd, int port,
	  const struct sockaddr_storage *to)
{
	const struct packet_addr *addr = &s->note.src;
	struct sockaddr_storage from;

	if (h->port_is_used(h->context, addr, (uint16_t)port)) {
		return -EADDRINUSE;
	}
	dial_address(&from, addr, (uint16_t)port, 0);
	return dial(fd, &from, to);
}

static int
some_port(struct session_host *h)
{
	const uint32_t span = CARRIER_PORT_HIGH - CARRIER_PORT_LOW + 1;

	return (int)(CARRIER_PORT_LOW + h->random(h->context) % span);
}

int
session_call(struct session_host *h, struct session *s, struct session_end *end,
	     const struct sockaddr_storage *to, bool own)
{
	const bool real = end == &s->real;
	const unsigned tries = real ? CARRIER_PORTS : PORTS_MAX;
	int rc = -EADDRINUSE;

	dial_prepare(end->fd);
	if (own) {
		return dial(end->fd, NULL, to);
	}
	for (unsigned i = 0; i < tries && rc == -EADDRINUSE; i++) {
		rc = call_from(h, s, end->fd,
			       real ? s->note.ports[i] : some_port(h), to);
	}
	return rc;
}
