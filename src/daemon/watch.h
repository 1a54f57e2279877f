/*
 * --watch: asks a running daemon once a second, and shows what it says on the
 * terminal, until told to end.
 */
#ifndef TAP_DAEMON_WATCH_H
#define TAP_DAEMON_WATCH_H

#include "daemon/control_client.h"
#include "daemon/watch_page.h"

/*
 * An exit status, as ask_status(); TAP_USAGE where standard output is no
 * terminal.  A daemon that ends meanwhile is waited for.  However it ends, the
 * terminal is as it was.
 */
int watch_run(const struct ask_daemon *daemon, const struct watch_side *side);

#endif
