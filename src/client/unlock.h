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
/* The same; the passphrase, where there is one, is the caller's to wipe. */
struct client_conf *unlock_client_by(const char *path, int passphrase_fd,
				     struct sealed_passphrase *passphrase);

#endif
