/*
 * A configuration that may be sealed: loaded, with its passphrase asked for.
 */
#ifndef TAP_CLIENT_UNLOCK_H
#define TAP_CLIENT_UNLOCK_H

#include "conf/client_conf.h"

/*
 * Load a client's file.  Where it is sealed, the passphrase is the first
 * line of that descriptor, or (below 0) asked for on the terminal.  NULL,
 * with the reason on standard error.
 */
struct client_conf *unlock_client(const char *path, int passphrase_fd);

#endif
