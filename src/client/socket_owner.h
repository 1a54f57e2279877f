/*
 * The program behind a socket.  Needs the right to look into other
 * users' /proc/PID/fd.
 */
#ifndef TAP_CLIENT_SOCKET_OWNER_H
#define TAP_CLIENT_SOCKET_OWNER_H

#include "os/sock_diag.h"

#define SOCKET_OWNER_PATH_MAX 256u

/*
 * The path of the program that has a connection's socket open; of
 * several, of one.  0, or -errno: -ENOENT where none is found.
 */
int socket_owner_path(struct netlink *diag,
		      const struct sock_diag_connection *connection,
		      char path[SOCKET_OWNER_PATH_MAX]);

/*
 * The same for who may not look: a struct sock_diag_connection, of anybody,
 * becomes the path, without NUL, in answer (SOCKET_OWNER_PATH_MAX).  Its
 * length; 0 where there is none.
 */
size_t socket_owner_answer(struct netlink *diag, const void *question,
			   size_t len, void *answer);

#endif
