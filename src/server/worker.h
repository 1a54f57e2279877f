/*
 * The worker: the receiver at its queues.  Takes packets from the kernel,
 * asks the receiver, gives verdicts back (judge.h), and logs.
 */
#ifndef TAP_SERVER_WORKER_H
#define TAP_SERVER_WORKER_H

#include <poll.h>

#include "conf/server_conf.h"
#include "firewall/firewall.h"
#include "protocol/hand_over.h"
#include "protocol/receiver.h"
#include "os/ifname.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "os/nfqueue.h"
#include "fastpath/door.h"
#include "fastpath/ingress.h"
#include "server/admitted.h"
#include "server/replay_file.h"
#include "switching/decoy_list.h"

#define WORKER_SHARE_FDS 2
#define WORKER_FDS (FW_QUEUES + 1 + INGRESS_FDS + WORKER_SHARE_FDS)

#define WORKER_RECENT 8u

/* A connection that was let in. */
struct worker_accepted {
	struct packet_addr src;
	uint16_t sport, dport, key_no;
	int64_t skew;     /* as in struct receiver_event */
	uint64_t instant; /* frame.h */
};

/* Numbers that a worker leaves; see worker_state.h. */
struct worker_shared {
	struct monitor_shared monitor;
	uint64_t untracked_passed,
		untracked_dropped; /* of no known connection */
	uint64_t closed, decoys;   /* SYNs of strangers that went on */
	uint64_t led;          /* accepted, and led to a decoy by an alarm */
	uint64_t door_failed;  /* accepted, and the door could not be told */
	uint64_t door_trusted; /* the monitor's: strangers may go on to it */
	uint64_t confirmed;    /* likewise, since this worker began */
	uint64_t untracked;    /* likewise: the rules ask no tracking */
	/* How often a connection went on then that has no socket here. */
	uint64_t without_socket;
	struct receiver_counters counters;
	uint64_t held, assembling, replays; /* at present */
	uint64_t unreadable;
	uint64_t unanswered, unanswered_ms; /* accepted, and no SYN/ACK; last */
	struct worker_key {
		uint64_t accepted, last; /* how often; when, since 1970 */
	} keys[UINT16_MAX + 1];          /* by their numbers */
	struct worker_accepted recent[WORKER_RECENT];
	uint64_t recent_count; /* of all; the place of the next one */
	uint64_t handed;       /* frames that are handed over */
	struct {
		uint64_t ready, trouble; /* enum share_trouble */
		uint64_t asked, taken, late, late_ms, alone, lost;
	} share; /* see worker_share.h */
};

struct worker_share;

struct worker {
	const struct server_conf *conf;
	struct nfq queues[FW_QUEUES]; /* fd -1: not needed */
	struct netlink diag;
	struct netlink conntrack; /* fd: -errno where there is none */
	struct ifnames links;
	struct admitted admitted; /* the worker's own */
	int drops;                /* the file of nfq_read_drops(), or below 0 */
	struct worker_shared *shared;
	struct handed_frame *handed; /* shared, too */
	bool hands_over;             /* the last worker has */
	bool unconfirmed;            /* see confirm.h */
	bool inherits; /* the next one takes up the groups of the program */
	struct receiver *receiver; /* of each worker alone */
	void *receiver_memory;     /* likewise */
	void *guesses;             /* of all workers; see guess_limit.h */
	struct hash_key hash;
	struct replay_file store;
	uint64_t begin_ms; /* the monitor's; nothing is known from before */
	struct ingress ingress;       /* see worker_fastpath.h */
	struct door door;             /* see worker_door.h */
	bool by_ingress;              /* something came from it just now */
	struct worker_share *share;   /* or NULL */
	struct decoy_view *decoys;    /* the monitor's: who is led to a decoy */
	struct bundle_source *bundle; /* likewise, or NULL */
	int to_monitor; /* the worker's line, see monitor_worker.h */
	int to_carrier; /* notes of who is to be carried; or below 0 */
	bool carries;   /* there is a carrier: what leads to it has to stay */
	struct log_limit refusals;
	uint64_t opened;  /* ms */
	size_t confirmed; /* places of connections, see judge_confirm() */
	uint64_t looks_ms;
	uint32_t looks;  /* at packets of no known connection, since then */
	uint64_t warned; /* of unanswered ones, ms; or 0 */
};

/*
 * In a process that is neither the monitor nor a worker: forget all secrets
 * that these have.
 */
void worker_forget(const struct worker *g);

/*
 * Open queues, sockets and memory for a configuration, which must
 * outlive the worker or be followed by another.  An exit status; what is
 * wrong is in the log.
 */
int worker_open(struct worker *g, const struct server_conf *conf);
void worker_close(struct worker *g);

/*
 * Take up another configuration.  What the old one opened stays; queues
 * that only the new one needs are opened.  An exit status.
 */
int worker_configure(struct worker *g, const struct server_conf *conf);

/*
 * In the monitor: a worker is about to be started, whose queues the one before
 * may have made anything of.
 */
void worker_prepare(struct worker *g);
/*
 * In the monitor: a worker ended otherwise than it was told.  What it held
 * is dropped; see worker_state_recover().
 */
void worker_recover(struct worker *g, bool sound);

/*
 * In the worker: begin, and at last leave what the next one may take up.
 * The first returns what monitor_ready() is to tell.
 */
uint32_t worker_begin(struct worker *g);
void worker_leave(struct worker *g);
/* Whether such a packet may be held; and drop one of before. */
bool worker_may_hold(const struct worker *g, uint64_t id);
void worker_drop(struct worker *g, uint64_t id);

/* Whether the rules go without connection tracking: see tracking.h. */
static inline bool
worker_is_untracked(const struct worker *g)
{
	return __atomic_load_n(&g->shared->untracked, __ATOMIC_RELAXED) != 0;
}

static inline void
worker_set_untracked(struct worker *g, bool untracked)
{
	__atomic_store_n(&g->shared->untracked, untracked, __ATOMIC_RELAXED);
}

/* The clocks as the receiver wants them. */
struct receiver_now worker_now(void);
/* The second of UTC, as connections.h has it. */
uint32_t worker_second(void);
/* Fill in WORKER_FDS descriptors to wait for; those below 0 count, too. */
void worker_fds(const struct worker *g, struct pollfd *fds);
/* The longest time to wait, in milliseconds, before worker_serve(). */
int worker_wait(struct worker *g);
/* Do what there is to do.  False where a queue is beyond use. */
bool worker_serve(struct worker *g, const struct pollfd *fds);

#endif
