/*
 * The worker's lines of the log: each group that was accepted, and those
 * refused, as far as the limit lets them.
 */
#ifndef TAP_SERVER_WORKER_LOG_H
#define TAP_SERVER_WORKER_LOG_H

#include "server/worker.h"

/* ms: see struct receiver_now */
void worker_log(struct worker *g, const struct receiver_event *event,
		uint64_t ms);
/* What was accepted got no SYN/ACK of this host. */
void worker_log_unanswered(const struct receiver_event *event);

#endif
