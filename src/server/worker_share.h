/*
 * The worker's part of a memory of replays that several servers share: what
 * the receiver accepts waits for its engine's answer, in the kernel's queue,
 * and nothing waits for that.  The connection is begun by the monitor
 * (share_link.h), and asked for by the line to it.
 *
 * All without effect where replay_share= is not set.
 */
#ifndef TAP_SERVER_WORKER_SHARE_H
#define TAP_SERVER_WORKER_SHARE_H

#include "daemon/tls.h"
#include "server/share.h"
#include "server/worker.h"

/* The pauses between connections: the first, which doubles up to the other. */
#define WORKER_SHARE_PAUSE_MS 100u
#define WORKER_SHARE_PAUSE_MAX_MS 1000u

/* What the monitor answers, with a connection or without. */
struct worker_share_link {
	int32_t error; /* errno */
	uint8_t id[SHARE_ID_BYTES];
	uint8_t seed[TLS_SEED_BYTES];
};

/* An accepted SYN that waits. */
struct worker_waiting {
	uint64_t name; /* see judge.h */
	uint32_t mark;
	bool forwarded;
	const struct acl_rule *rule;   /* that it matches, or NULL */
	enum receiver_verdict refusal; /* what it gets otherwise */
	struct receiver_event event;
};

struct worker_share {
	struct share share;
	struct share_setup setup;
	struct ca_file ca; /* the monitor's, for rediss:// */
	struct tls tls;
	int fd;            /* the engine's, or -1 */
	bool asked;        /* the monitor, for a connection */
	uint64_t asked_ms; /* and when */
	uint64_t due_ms, pause_ms;
	bool telling, untold;
	uint32_t tell_at;
	uint64_t begun_ms, ready_ms; /* since when it is gone, or ready; or 0 */
	uint64_t said_ms;
	enum share_trouble said;
	uint64_t alone; /* let in without it since it is gone */
	struct worker_waiting waiting[SHARE_ASKS_MAX];
};

/* In the monitor: memory.  An exit status. */
int worker_share_open(struct worker *g);

/* In the monitor, before each worker: the last one's connection is gone. */
void worker_share_prepare(struct worker *g);

/* In the worker: begin, and at last drop what waits. */
void worker_share_begin(struct worker *g);
void worker_share_leave(struct worker *g);

/*
 * The receiver has accepted: take that out of the result, and keep it, if it
 * has to wait; or make it a refusal, where nobody can be asked.  w is filled in
 * but for the event.
 */
void worker_share_defer(struct worker *g, struct receiver_result *result,
			const struct worker_waiting *w, uint64_t ms);

/* Fill in WORKER_SHARE_FDS descriptors, as worker_fds(). */
void worker_share_fds(const struct worker *g, struct pollfd *fds);
/* The longest time to wait, or -1: any. */
int64_t worker_share_wait(const struct worker *g, uint64_t ms);
/* Do what there is to do. */
void worker_share_serve(struct worker *g, const struct pollfd *fds);
/* Send what is to be sent, as far as it goes. */
void worker_share_flush(struct worker *g);

#endif
