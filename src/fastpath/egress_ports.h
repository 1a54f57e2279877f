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
#define PORT_POOL_SHARE 8u

/* Whether the kernel has that many ports to give. */
bool port_pool_fits(void);

/* Nothing is reserved until port_pool_refill(). */
void port_pool_init(struct port_pool *pool);
void port_pool_close(struct port_pool *pool);
/*
 * Reserve a port for each place that has none yet or was used since the last
 * time, and write it there.  What was used is held until the next time, so
 * that no port is there twice for who has read one and not the other.  A
 * place whose port can't be replaced keeps it.  0, or -errno where a place
 * has none.
 */
int port_pool_refill(struct port_pool *pool, struct egress_ports *ports);

#endif
