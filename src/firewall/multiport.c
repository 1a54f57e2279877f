#include "firewall/multiport.h"

struct lot
lot_of(const struct fw_match *match)
{
	return (struct lot){ .match = match };
}

bool
lot_next(struct lot *lot)
{
	size_t used = 0;

	lot->from = lot->to;
	while (lot->to < lot->match->ports_count) {
		const struct fw_ports *p = &lot->match->ports[lot->to];

		used += p->low == p->high ? 1 : 2;
		if (used > LOT_MAX) {
			break;
		}
		lot->to++;
	}
	return lot->to > lot->from;
}
