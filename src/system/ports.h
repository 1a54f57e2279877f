/*
 * Source ports for frames that no socket of the host uses (papers: 000,
 * 3.3): each is reserved by a socket bound to it, which never connects.
 * Ports are reserved ahead, so that a SYN does not wait for it.
 */
#ifndef TAP_PORTS_H
#define TAP_PORTS_H

#include <stddef.h>
#include <stdint.h>

#define PORTS_AHEAD 64u /* for ten groups of the longest kind at once */

struct ports {
	int fd[PORTS_AHEAD];
	uint16_t port[PORTS_AHEAD];
	size_t count;	 /* ready at the front */
	int used[PORTS_AHEAD]; /* given out, to be given back */
	size_t used_count;
};

/* Nothing is reserved until ports_refill(). */
void ports_init(struct ports *ports);
void ports_close(struct ports *ports);
/*
 * Give back what was used and reserve anew; for when there is time.
 * 0, or -errno where not one port is ready.
 */
int ports_refill(struct ports *ports);
/* Take `count` ports, at most PORTS_AHEAD.  0, or -errno. */
int ports_take(struct ports *ports, uint16_t *out, size_t count);

/*
 * A socket with a port of the kernel's choice, for IPv4 and IPv6 alike where
 * both are; the port is reserved until it is closed.  Or -errno.
 */
int ports_reserve(uint16_t *port);

#endif
