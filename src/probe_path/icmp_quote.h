/*
 * ICMP's "time exceeded": which router sent it, and the packet it quotes,
 * as that was when it got there (RFC 792, 4443, 4884; tracebox, by Detal
 * and others, 2013).
 *
 *   IP header | type:8 code:8 checksum:16 more:32 | IP header | 8 bytes
 *   or more of what it carried
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_ICMP_QUOTE_H
#define TAP_PROBE_PATH_ICMP_QUOTE_H

#include <stddef.h>
#include <stdint.h>

#include "probe_path/syn_fields.h"
#include "protocol/packet.h"

struct quote {
	struct packet_addr router;
	struct field_values seen; /* as far as it is quoted */
};

/*
 * Parse len bytes that begin with an IP header.  0, or -1 where it is no
 * such message, or quotes no TCP.
 */
int quote_parse(struct quote *q, const uint8_t *bytes, size_t len);

#endif
