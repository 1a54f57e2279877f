/*
 * The server at work: queues, gate, log.
 */
#ifndef TAP_SERVER_H
#define TAP_SERVER_H

#include "conf_server.h"

/*
 * Protect what conf says until told to stop.  Takes conf over; `from`
 * is where a reload reads from.  An exit status.
 */
int server_run(struct conf_server *conf,
		   const struct conf_server_from *from);

#endif
