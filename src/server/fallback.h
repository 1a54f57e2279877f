/*
 * The configuration that worked last, for a start whose files are wrong:
 * at a boot there is nothing of an earlier server, and without rules all
 * would see what is to be hidden.  Copies of the files lie in a folder that
 * nobody else may write to, in one of their own that is this user's alone,
 * as key files have to; all of them change at once.
 */
#ifndef TAP_SERVER_FALLBACK_H
#define TAP_SERVER_FALLBACK_H

#include "conf/server_files.h"

/*
 * Copy what has just been loaded from there, and has worked, into a
 * folder, which is made where it is missing.  Files that changed meanwhile
 * and are wrong now are not taken.  0, or -1 with the error in err
 * (CONF_ERROR_MAX): then the earlier copies stay.
 */
int fallback_keep(const struct server_conf_from *from, const char *folder,
		  char *err);

/* Load the copies.  As server_conf_load(). */
struct server_conf *fallback_load(const struct server_conf_from *from,
				  const char *folder, char *err);

#endif
