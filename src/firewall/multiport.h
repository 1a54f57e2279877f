/*
 * The ports of a match in lots: one rule of iptables takes no more of them.
 */
#ifndef TAP_FIREWALL_MULTIPORT_H
#define TAP_FIREWALL_MULTIPORT_H

#include "firewall/firewall.h"

#define LOT_MAX 15u /* of multiport; a range counts as two */

struct lot {
	const struct fw_match *match;
	size_t from, to; /* of its ports, the last excluded */
};

/* None yet: as for a match of any port. */
struct lot lot_of(const struct fw_match *match);
/* Go on to the next ports.  False where there are no more. */
bool lot_next(struct lot *lot);

#endif
