/*
 * Packets with a mark are this host's own, whatever address they are for: a
 * rule of routing, and a table with one route (ip-rule(8), ip-route(8)), as
 * transparent proxies need them.
 */
#ifndef TAP_OS_OWN_ROUTE_H
#define TAP_OS_OWN_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/netlink.h"

/* Of a queue: above the tables that people number. */
#define OWN_ROUTE_TABLE 100000u

struct own_route {
	struct netlink nl;
	uint32_t mark, table;
};

/*
 * With this mark, a bit, by this table, which is nobody else's; mark 0: any,
 * to take away.  0 or -errno.
 */
int own_route_open(struct own_route *r, uint32_t mark, uint32_t table);
/*
 * Have both be there, for both IP versions: 1 where some of it was not, 0, or
 * -errno.  A host without IPv6 is none of the errors.
 */
int own_route_keep(struct own_route *r);
/* Take them away, and close. */
void own_route_close(struct own_route *r);
/* Those of a table, whoever has made them; where there are none, nothing. */
void own_route_remove(uint32_t table);

#endif
