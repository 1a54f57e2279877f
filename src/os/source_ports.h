/*
 * Source ports for frames that no socket of the host uses (papers: 000,
 * 3.3): each is reserved by a socket bound to it, which never connects.
 * Ports are reserved ahead, so that a SYN does not wait for it.
 */
#ifndef TAP_OS_SOURCE_PORTS_H
#define TAP_OS_SOURCE_PORTS_H

#include <stddef.h>
#include <stdint.h>

#define PORTS_AHEAD 64u /* for ten groups of the longest kind at once */
/*
 * At this rate the kernel has given out all of its ports within the two
 * minutes for which a NAT remembers a SYN that nobody answered: it makes no
 * difference then which are used again.
 */
#define PORTS_FRESH_MAX 512u

struct reserved {
	int fd;
	uint16_t port;
};

struct ports {
	struct reserved ready[PORTS_AHEAD]; /* the last is the next */
	size_t count;
	struct reserved used[PORTS_AHEAD]; /* given out, in that order */
	size_t used_count;
	unsigned fresh_max; /* new ones a second; 0: as many as are wanted */
	unsigned fresh;     /* since then */
	uint64_t since_ms;
};

/* Nothing is reserved until ports_refill(). */
void ports_init(struct ports *ports);
void ports_close(struct ports *ports);
/*
 * Give back what was used and reserve anew; for when there is time.  Beyond
 * fresh_max, what was used is kept, to be used again after all others.
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
