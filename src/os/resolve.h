/*
 * The addresses of a host (getaddrinfo(3)).
 */
#ifndef TAP_OS_RESOLVE_H
#define TAP_OS_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

struct host_addr {
	struct packet_addr addr; /* IPv4, where it is mapped to IPv6 */
	uint32_t device;         /* index, of a link-local address; or 0 */
};

/*
 * Those of a name, or that which the text is (fe80::1%eth0, too): none twice,
 * in the order to try them (RFC 6724), `max` at the most.  0, or an EAI_
 * error of getaddrinfo(3).  Waits for the name service.
 */
int resolve_host(const char *host, struct host_addr *out, size_t max,
		 size_t *count);

#endif
