/*
 * The sockets of a guest's kernel.  That of a connection is found by its port
 * in the table of bound ports, which says nothing that is not read again from
 * the socket.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_SOCKET_H
#define TAP_GUESTS_SOCKET_H

#include <stdint.h>

#include "guests/kernel.h"
#include "guests/owner.h"

struct kernel_socket {
	uint64_t sock, socket, file; /* addresses; the last two may be 0 */
	uint32_t uid;
	uint8_t state;
};

/* The socket of a connection.  0 or -errno; -ENOENT: there is none. */
int kernel_find_socket(struct kernel *k, const struct guest_connection *of,
		       struct kernel_socket *socket);

/* An open file that is a TCP socket: 1; 0: it is none; or -errno. */
int kernel_file_socket(const struct kernel *k, uint64_t file,
		       struct kernel_socket *socket,
		       struct guest_connection *connection);

#endif
