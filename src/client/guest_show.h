/*
 * `tap client --who`, `--guests` and `--sockets`: what is known of a guest's
 * connections, for a person.
 */
#ifndef TAP_CLIENT_GUEST_SHOW_H
#define TAP_CLIENT_GUEST_SHOW_H

#include <stdbool.h>

#include "conf/client_conf.h"

/*
 * Each prints what it finds, and returns an exit status: TAP_NO where whose a
 * connection is can't be known, or a guest has no kernel that can be read.
 */

/* Whose connection that is, from SRC:PORT of the guest to DST:PORT. */
int guest_show_who(struct client_conf *conf, const char *name,
		   char *const ends[2], bool json);
/* Each guest, and what is known of it. */
int guest_show_all(struct client_conf *conf, bool json);
/* Its processes with their sockets. */
int guest_show_sockets(struct client_conf *conf, const char *name, bool json);

#endif
