/*
 * Bytes between standard input and output and a TCP connection.
 */
#ifndef TAP_CLIENT_RELAY_H
#define TAP_CLIENT_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

/*
 * Connect to the first address that lets us, and relay until the far
 * end closes.  0 or -errno.
 */
int relay(const struct packet_addr *to, size_t count, uint16_t port);

#endif
