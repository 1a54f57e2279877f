/*
 * Source ports that a program in the kernel uses, one after the other and
 * round again: all are reserved (ports.h) for as long as they are in the
 * pool.  Those that were used give place to others whenever there is time.
 */
#ifndef TAP_FASTPATH_EGRESS_PORTS_H
#define TAP_FASTPATH_EGRESS_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/egress_map.h"

struct port_pool {
	int fd[EGRESS_PORTS];  /* or below 0 */
	int old[EGRESS_PORTS]; /* used before the last refill, to be closed */
	size_t old_count;
	uint32_t done; /* so many uses were dealt with */
};

/* It takes no more than this part of the ports that the kernel gives out. */
#define EGRESS_PORTS_SHARE 8u

/* Whether the kernel has that many ports to give. */
bool egress_ports_fits(void);

/* Nothing is reserved until egress_ports_refill(). */
void egress_ports_init(struct port_pool *pool);
void egress_ports_close(struct port_pool *pool);
/*
 * Reserve a port for each place that has none yet or was used since the last
 * time, and write it there.  What was used is held until the next time, so
 * that no port is there twice for who has read one and not the other.  A
 * place whose port can't be replaced keeps it.  0, or -errno where a place
 * has none.
 */
int egress_ports_refill(struct port_pool *pool, struct egress_ports *ports);

#endif
