/*
 * The guard: the gate at its queues.  Takes packets from the kernel,
 * asks the gate, gives verdicts back, answers strangers where a rule
 * says so, and logs.
 */
#ifndef TAP_GUARD_H
#define TAP_GUARD_H

#include <poll.h>

#include "conf_server.h"
#include "fw.h"
#include "gate.h"
#include "links.h"
#include "log.h"
#include "nfq.h"
#include "reset.h"
#include "stat.h"
#include "store.h"

#define GUARD_FDS (FW_QUEUES + 1)
#define GUARD_STATS 40

struct guard {
	const struct conf_server *conf;
	struct nfq queues[FW_QUEUES]; /* fd -1: not needed */
	struct netlink diag;
	struct links links;
	struct reset reset;
	struct gate *gate;
	void *gate_memory;
	struct store store;
	struct log_limit refusals;
	uint64_t opened; /* ms */
	uint64_t rest_passed, rest_dropped; /* of no known connection */
	uint64_t resets, decoys;
};

/*
 * Open queues, sockets and memory for a configuration, which must
 * outlive the guard or be followed by another.  An exit status; what is
 * wrong is in the log.
 */
int guard_open(struct guard *g, const struct conf_server *conf);
void guard_close(struct guard *g);

/*
 * Take up another configuration.  What the old one opened stays; queues
 * that only the new one needs are opened.  An exit status.
 */
int guard_configure(struct guard *g, const struct conf_server *conf);

/* Fill in GUARD_FDS descriptors to wait for; those below 0 count, too. */
void guard_fds(const struct guard *g, struct pollfd *fds);
/* Milliseconds until guard_serve() has something to do anyway, or -1. */
int guard_wait(struct guard *g);
/* Do what there is to do.  False where a queue is beyond use. */
bool guard_serve(struct guard *g, const struct pollfd *fds);

/*
 * What there is to say of it: up to GUARD_STATS items.  Returns their
 * number.
 */
size_t guard_stats(struct guard *g, struct stat_item *items);

#endif
