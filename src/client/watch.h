/*
 * The live page of a client: what it says for it beside its status, and what
 * is shown.
 */
#ifndef TAP_CLIENT_WATCH_H
#define TAP_CLIENT_WATCH_H

#include "base/text.h"
#include "client/client_parts.h"
#include "daemon/watch_page.h"

/*
 * In the monitor: this host's connections that a rule is for, as far as
 * address, port and user tell, as rows; see watch_page.h.
 */
void client_watch_rows(struct text *t, struct client *c);

extern const struct watch_side client_watch_side;

#endif
