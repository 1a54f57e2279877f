/*
 * What routers on the way quote of SYNs whose time to live ended there,
 * and between which of them a field changes.
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_HOPS_H
#define TAP_PROBE_PATH_HOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe_path/syn_fields.h"
#include "probe_path/verdict.h"

#define PATH_HOPS_MAX 30u /* as traceroute has it */

/* The fields that are marked in such a SYN, and compared; a bit for each. */
uint32_t path_trail_marks(enum field_trace kind, uint8_t family);

struct path_hop {
	struct packet_addr addr; /* family 0: no answer */
	bool answered[FIELD_TRACES];
	uint32_t same, changed; /* fields that are quoted: a bit for each */
};

struct path_trail {
	bool traced;
	size_t count; /* of hops; the first has number 1 */
	struct path_hop hops[PATH_HOPS_MAX];
};

/* Take what a hop (1 and up) quotes of a SYN of some kind. */
void path_trail_take(struct path_trail *trail, unsigned hop,
		     enum field_trace kind, const struct packet_addr *router,
		     const struct field_values *sent,
		     const struct field_values *quoted);

/* Where a field changes, or SYNs with it are lost; hops are numbers. */
struct path_change {
	bool found;
	bool lost;       /* not changed */
	unsigned after;  /* the last hop where it was as sent; 0: this host */
	unsigned before; /* the first where it is not; 0: the far side */
};

struct path_change path_trail_change(const struct path_trail *trail,
				     enum field field, enum path_state state);

#endif
