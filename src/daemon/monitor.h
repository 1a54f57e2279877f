/*
 * Two processes make a daemon.  The worker handles packets and has given
 * up every privilege but the verdicts; the monitor keeps root's, reads
 * files, runs the firewall's tools, and starts the worker again if it
 * dies or hangs.  It never looks at a packet.
 *
 * What the worker knows lives in shared memory that the monitor made, so
 * that its successor goes on where it stopped.
 */
#ifndef TAP_DAEMON_MONITOR_H
#define TAP_DAEMON_MONITOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/privileges.h"

/* A worker that does not turn its loop for this long is stuck. */
#define MONITOR_STUCK_MS 10000u
/* The longest that a worker may wait for packets, to show it is alive. */
#define MONITOR_BEAT_MS 2000
/* How often the monitor looks, and calls tick(). */
#define MONITOR_TICK_MS 1000
/* Workers that die this often within a minute are not started again. */
#define MONITOR_DEATHS_MAX 5u

#define MONITOR_QUESTION_MAX 512u
/* How long the worker waits for an answer. */
#define MONITOR_ANSWER_MS 500

struct monitor_shared {
	uint64_t beats;    /* the worker's, one a turn */
	uint64_t restarts; /* of workers that died or hung */
	uint64_t log_lost; /* lines, of all workers */
};

enum monitor_next { MONITOR_GO_ON, MONITOR_STOP };

struct monitor_job {
	void *context;
	enum privileges_role role;
	const char *user; /* see privileges_drop() */
	struct monitor_shared *shared;
	int control; /* a socket by which the monitor is asked */
	/*
	 * In the worker: serve until told to stop; to_monitor is for
	 * monitor_ask().  An exit status.
	 */
	int (*work)(void *context, int to_monitor);
	/* In the monitor, with no worker at work: */
	void (*reload)(void *context);  /* SIGHUP came */
	void (*recover)(void *context); /* the worker died */
	/* In the monitor, any time: */
	void (*asked)(void *context); /* the control socket is readable */
	enum monitor_next (*tick)(void *context); /* or NULL */
	/*
	 * The worker asks: `len` bytes of a question, at most
	 * MONITOR_QUESTION_MAX, become an answer of as many at the most.
	 * Returns its length.  Or NULL.
	 */
	size_t (*question)(void *context, const void *question, size_t len,
			   void *answer);
	/*
	 * A signal came, of that number, or 0 where a terminal sent it: for
	 * who does not stop or reload by signals.  Or NULL.
	 */
	void (*signalled)(void *context, int number);
};

/*
 * Ask the monitor, from the worker.  The length of the answer, which
 * holds MONITOR_QUESTION_MAX bytes; or -errno.
 */
ssize_t monitor_ask(int to_monitor, const void *question, size_t len,
		    void *answer);

/* Memory for both processes, zeroed; NULL where there is none. */
void *monitor_memory(size_t size);

/*
 * Run until SIGINT or SIGTERM, which have to be blocked already along
 * with SIGHUP and SIGCHLD (daemon_signals()).  An exit status: TAP_OK
 * when stopped, TAP_NO when tick() said so.
 */
int monitor_run(const struct monitor_job *job, int signals);

#endif
