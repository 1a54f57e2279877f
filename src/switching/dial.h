/*
 * Connections of the carrier's own: to the real service and to decoys, from
 * the client's address where that can be.
 */
#ifndef TAP_SWITCHING_DIAL_H
#define TAP_SWITCHING_DIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "protocol/packet.h"

/* An address as sockets have it; the length.  scope: of fe80::, or 0. */
socklen_t dial_address(struct sockaddr_storage *out,
		       const struct packet_addr *addr, uint16_t port,
		       uint32_t scope);
/* Back; false: of another family. */
bool dial_packet_addr(struct packet_addr *out, uint16_t *port,
		      const struct sockaddr_storage *addr);
bool dial_is_loopback(const struct packet_addr *addr);

/* Have it send at once, and carry urgent bytes in line. */
void dial_prepare(int fd);
/* Begin: 0, or -errno.  from may be NULL: whatever the host chooses. */
int dial(int fd, const struct sockaddr_storage *from,
	 const struct sockaddr_storage *to);
/* What became of it, or of a connection that fails: 0 or -errno. */
int dial_error(int fd);
/* Close it with a reset. */
void dial_reset(int fd);

#endif
