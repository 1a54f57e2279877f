/*
 * The client at work: SYNs of this host become groups.
 */
#ifndef TAP_CLIENT_H
#define TAP_CLIENT_H

#include "conf_client.h"

/*
 * Authenticate what conf says until told to stop.  Takes conf over;
 * `path` is where a reload reads from.  An exit status.
 */
int client_run(struct conf_client *conf, const char *path);

#endif
