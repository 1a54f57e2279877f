/*
 * An alarm: whose connections are to go on with the decoy.  The monitor hands
 * it to the carrier, which says how many it switched (carrier_line.h).
 */
#ifndef TAP_SWITCHING_ALARM_H
#define TAP_SWITCHING_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/packet.h"

#define ALARM_REASON_MAX 128u
#define ALARM_NO_KEY (-1)

/*
 * What is not there (family 0, port 0, ALARM_NO_KEY) holds for any.  An alarm
 * that names nobody, neither a source nor a key, is none.
 */
struct alarm {
	struct packet_addr src, dst;
	uint16_t sport, dport;
	int32_t key_no;
	uint64_t until; /* seconds since 1970; 0: of what is there now */
	char reason[ALARM_REASON_MAX]; /* a line of printable text */
};

/* Whether it is of this connection. */
static inline bool
alarm_is_of(const struct alarm *a, const struct packet *p, int32_t key_no)
{
	if (a->src.family == 0 && a->key_no == ALARM_NO_KEY) {
		return false;
	}
	return (a->src.family == 0 || packet_addr_equal(&a->src, &p->src)) &&
		(a->dst.family == 0 || packet_addr_equal(&a->dst, &p->dst)) &&
		(a->sport == 0 || a->sport == p->sport) &&
		(a->dport == 0 || a->dport == p->dport) &&
		(a->key_no == ALARM_NO_KEY || a->key_no == key_no);
}

#endif
