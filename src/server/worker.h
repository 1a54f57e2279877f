/*
 * The guard: the gate at its queues.  Takes packets from the kernel,
 * asks the gate, gives verdicts back, answers strangers where a rule
 * says so, and logs.
 */
#ifndef TAP_SERVER_WORKER_H
#define TAP_SERVER_WORKER_H

#include <poll.h>

#include "conf/server_conf.h"
#include "firewall/firewall.h"
#include "protocol/receiver.h"
#include "os/ifname.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "os/nfqueue.h"
#include "server/tcp_reset.h"
#include "fastpath/ingress.h"
#include "server/replay_file.h"

#define GUARD_FDS (FW_QUEUES + 1 + SIEVE_FDS)

/* What a worker leaves to the next one; see monitor.h. */
struct guard_shared {
	struct monitor_shared monitor;
	uint64_t rest_passed, rest_dropped; /* of no known connection */
	uint64_t resets, decoys;
	uint32_t last_id[FW_QUEUES]; /* of packets taken */
	struct gate gate;
};

struct guard {
	const struct conf_server *conf;
	bool imitates; /* some port is to look closed */
	struct nfq queues[FW_QUEUES]; /* fd -1: not needed */
	struct netlink diag;
	struct links links;
	struct reset reset;
	int drops; /* the file of nfq_read_drops(), or below 0 */
	struct guard_shared *shared;
	struct gate *gate; /* in the shared memory */
	void *gate_memory; /* likewise */
	struct store store;
	struct sieve sieve; /* see guard_sieve.h */
	bool sieved; /* something came from it just now */
	struct log_limit refusals;
	uint64_t opened; /* ms */
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

/*
 * A worker died with the shared memory in its hands: make it sound again.
 * The counters begin anew, what was accepted stays remembered, and what
 * it held is dropped.
 */
void guard_recover(struct guard *g);

/* The clocks as the gate wants them. */
struct gate_now guard_now(void);
/* SYNs that the sieve took off the wire: the gate is to know of them. */
void guard_witness(struct guard *g, const struct gate_now *now,
		   const struct packet *syns, size_t count);
/* With no worker at work: read what the sieve has to tell. */
void guard_drain(struct guard *g);
/*
 * The same at the end, when it accepts no more, to leave all of it to the
 * next one; the counters begin anew.  False where something is missing.
 */
bool guard_settle(struct guard *g);

/* Fill in GUARD_FDS descriptors to wait for; those below 0 count, too. */
void guard_fds(const struct guard *g, struct pollfd *fds);
/* The longest time to wait, in milliseconds, before guard_serve(). */
int guard_wait(struct guard *g);
/* Do what there is to do.  False where a queue is beyond use. */
bool guard_serve(struct guard *g, const struct pollfd *fds);

#endif
