/*
 * In the monitor: the connection that an alert is of, and its end.
 */
#ifndef TAP_SERVER_SWITCH_CONNECTION_H
#define TAP_SERVER_SWITCH_CONNECTION_H

#include "server/connections.h"
#include "switching/alert.h"

/*
 * Among those that were accepted, whichever way the alert points, and also
 * where its addresses are those that somebody translated; or NULL: it is of
 * nobody who holds a key.
 */
struct connection *switch_connection_find(struct connections *all,
					  const struct alert *alert);

enum switch_cut {
	SWITCH_CUT,   /* it was open, and is no more */
	SWITCH_GONE,  /* it was over already */
	SWITCH_STAYS, /* it could not be ended: that is in the log */
};

/*
 * End it: a service of this host and its client get a reset; where it goes
 * through this host, no more packets of it do.
 */
enum switch_cut switch_connection_cut(struct connection *c);
/* Whether it is open. */
bool switch_connection_is_open(const struct connection *c);

#endif
