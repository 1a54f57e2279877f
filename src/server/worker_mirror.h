/*
 * The worker's part of switching: who is to be carried is told to the carrier
 * (switching/carrier.h) before his SYN goes on.
 */
#ifndef TAP_SERVER_WORKER_MIRROR_H
#define TAP_SERVER_WORKER_MIRROR_H

#include "server/worker.h"

/*
 * A connection was accepted by a rule, or NULL.  1: it is to be carried, and
 * the carrier knows; 0: it is not; below 0: the carrier takes no more notes.
 */
int worker_mirror_note(struct worker *g, const struct acl_rule *rule,
		       const struct receiver_event *e);

#endif
