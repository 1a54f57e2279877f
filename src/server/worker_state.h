/*
 * What a worker begins with, and what it leaves.
 *
 * The receiver is the worker's own: it lies in memory that each worker
 * finds empty and that nobody else sees.  What outlives it is numbers for
 * --status, the frames of groups that are not complete (hand_over.h), the
 * limits of guesses (guess_limit.h), and the replay memory, whose words carry
 * checks (replay_cache.h).  There is no pointer among it, and the monitor runs
 * nothing on it.
 *
 * When the replay memory began to know everything is the monitor's to say:
 * where a worker ended by a fault of its own, or finds damage, that is now.
 */
#ifndef TAP_SERVER_WORKER_STATE_H
#define TAP_SERVER_WORKER_STATE_H

#include "server/worker.h"

/* In the monitor: memory, and the file.  An exit status. */
int worker_state_open(struct worker *g);
/* A worker is about to be started: until it is ready the store begins now. */
void worker_state_prepare(struct worker *g);
/* It is, and has found that many damaged places. */
void worker_state_ready(struct worker *g, uint32_t damaged);
/*
 * A worker ended otherwise than it was told: it hands nothing over, and if
 * not `sound` what is remembered counts as lost.
 */
void worker_state_recover(struct worker *g, bool sound);

/*
 * In the worker: begin with an empty receiver, what is remembered, and what
 * was handed over.  The number of damaged places, for the monitor.
 */
uint32_t worker_state_begin(struct worker *g);
/* Write the numbers of --status. */
void worker_state_publish(struct worker *g);
/* It ends as it was told: hand over. */
void worker_state_leave(struct worker *g);

#endif
