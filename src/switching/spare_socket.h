/*
 * Sockets that only privileges can make, for who has none.
 */
#ifndef TAP_SWITCHING_SPARE_SOCKET_H
#define TAP_SWITCHING_SPARE_SOCKET_H

#include <stdint.h>

#define SPARE_SOCKETS_MAX 64u /* made at a time */

/*
 * One of TCP, of IP version 4 or 6, that may have any address of its own
 * (IP_TRANSPARENT), and whose packets have this mark.  Or -errno.
 */
int spare_socket(unsigned family, uint32_t mark);
/*
 * A listener that a program in the kernel leads connections to, and that
 * nobody finds by its own port.  Or -errno.
 */
int spare_listener(unsigned family);

#endif
