/*
 * The worker's part of switching: who is on the list goes to the decoy from
 * his first byte.
 */
#ifndef TAP_SERVER_WORKER_SWITCH_H
#define TAP_SERVER_WORKER_SWITCH_H

#include "server/worker.h"

/* In the monitor: memory for the list.  An exit status. */
int worker_switch_open(struct worker *g);

/*
 * The receiver has accepted, by a rule with switch=next, somebody who is on the
 * list: make it RECEIVER_DECOY, without an event.
 */
void worker_switch_lead(struct worker *g, const struct acl_rule *rule,
			struct receiver_result *result);

#endif
