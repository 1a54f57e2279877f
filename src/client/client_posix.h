/*
 * The client where there is no more than POSIX and libpcap: one process,
 * without a queue, rules, or a monitor.
 */
#ifndef TAP_CLIENT_CLIENT_POSIX_H
#define TAP_CLIENT_CLIENT_POSIX_H

#include "conf/client_conf.h"

/*
 * Authenticate what conf says until told to stop.  Takes conf over.  An
 * exit status.
 */
int client_posix_run(struct client_conf *conf);

#endif
