/*
 * The ports of a match in lots: one rule of iptables takes no more of them.
 */
#ifndef TAP_FIREWALL_MULTIPORT_H
#define TAP_FIREWALL_MULTIPORT_H

#include "firewall/firewall.h"

#define MULTIPORT_MAX 15u /* of multiport; a range counts as two */

struct multiport {
	const struct fw_match *match;
	size_t from, to; /* of its ports, the last excluded */
};

/* None yet: as for a match of any port. */
struct multiport multiport_of(const struct fw_match *match);
/* Go on to the next ports.  False where there are no more. */
bool multiport_next(struct multiport *lot);

#endif
