/*
 * The address of a host that is measured.
 *
 * Pure.
 */
#ifndef TAP_MEASURE_TARGET_ADDR_H
#define TAP_MEASURE_TARGET_ADDR_H

#include <stdint.h>

#include "protocol/packet.h"

#define TARGET_ADDR_TEXT_MAX 64u /* an IPv6 address, %, a device */

/* Arrays of them are in ascending order of their addresses' bytes. */
struct target_addr {
	struct packet_addr addr;
	uint32_t device; /* index, of a link-local address; or 0 */
	char text[TARGET_ADDR_TEXT_MAX];
};

#endif
