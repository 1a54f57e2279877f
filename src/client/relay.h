/*
 * Bytes between standard input and output and a TCP connection.
 */
#ifndef TAP_CLIENT_RELAY_H
#define TAP_CLIENT_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "os/resolve.h"

/*
 * Connect to the address that lets us first, with a moment between the
 * attempts and families by turns (RFC 8305, 4 and 5), and relay until both
 * directions have ended, each by itself.  The descriptor *told, unless it is
 * below 0, is closed when there is a connection.  0, or -errno; *failed is then
 * the address that it is about.
 */
int relay(const struct host_addr *to, size_t count, uint16_t port, int *told,
	  size_t *failed);

#endif
