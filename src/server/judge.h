/*
 * The worker's verdicts on what comes by the queues.
 *
 * A SYN comes early, before addresses are translated (PREROUTING), or to the
 * last place (INPUT, FORWARD), or both: ruleset.h.  Early, who is let in gets
 * the mark of acceptance, and strangers go on only where the rule leads them
 * to a decoy.  In the last place, strangers go on only to a port that is to
 * look closed, where the door has no listener for them.
 */
#ifndef TAP_SERVER_JUDGE_H
#define TAP_SERVER_JUDGE_H

#include "server/worker.h"

/* A SYN, of enum fw_queue. */
void judge_syn(struct worker *g, size_t queue, const struct nfq_packet *q,
	       const struct receiver_now *now);
/* What is no SYN, and of no connection that is tracked. */
void judge_rest(struct worker *g, size_t queue, const struct nfq_packet *q);
/*
 * Once the time after the start is over in which whatever goes through this
 * host was taken for a connection of before: forget what was none, some each
 * time.
 */
void judge_confirm(struct worker *g, uint64_t ms);
/* A SYN that waited for other servers: what its event's reason says. */
struct worker_waiting;
void judge_settle(struct worker *g, const struct worker_waiting *w,
		  uint64_t ms);
/*
 * What the receiver releases, and what it has to tell; routed: of what the
 * kernel has let through this host.
 */
void judge_apply(struct worker *g, const struct receiver_result *result,
		 bool routed, uint64_t ms);

#endif
