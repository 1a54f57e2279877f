/*
 * The live page of a server: what it says for it beside its status, and what
 * is shown.
 */
#ifndef TAP_SERVER_WATCH_H
#define TAP_SERVER_WATCH_H

#include "base/text.h"
#include "daemon/watch_page.h"
#include "server/worker.h"

/*
 * In the monitor: who was let in last, and who is connected to this host, as
 * rows; see watch_page.h.
 */
void server_watch_rows(struct text *t, const struct worker *worker);

extern const struct watch_side server_watch_side;

#endif
