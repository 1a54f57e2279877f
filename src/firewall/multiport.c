#include "firewall/multiport.h"

struct multiport
multiport_of(const struct fw_match *match)
{
	return (struct multiport){ .match = match };
}

bool
multiport_next(struct multiport *lot)
{
	size_t used = 0;

	lot->from = lot->to;
	while (lot->to < lot->match->ports_count) {
		const struct fw_ports *p = &lot->match->ports[lot->to];

		used += p->low == p->high ? 1 : 2;
		if (used > MULTIPORT_MAX) {
			break;
		}
		lot->to++;
	}
	return lot->to > lot->from;
}
