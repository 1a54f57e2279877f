/*
 * Two processes make a daemon.  The worker handles packets and has given
 * up every privilege but the verdicts; the monitor keeps root's, reads
 * files, runs the firewall's tools, and starts the worker again if it
 * dies or hangs.  It never looks at a packet.
 *
 * The worker is not trusted: it may have been taken over by what it read.
 * What it leaves lies in shared memory that the monitor made and in which
 * there is no pointer: the monitor reads numbers there, and its successor
 * reads the rest as it reads the network.  What it sends has a length and
 * a kind that are checked.
 */
#ifndef TAP_DAEMON_MONITOR_H
#define TAP_DAEMON_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/monitor_worker.h"
#include "daemon/privileges.h"

/* A worker that does not turn its loop for this long is stuck. */
#define MONITOR_STUCK_MS 10000u
/* The same until it works: it may have millions of groups to index. */
#define MONITOR_START_MS 30000u
/* The longest time a worker may wait for packets before it shows a beat. */
#define MONITOR_BEAT_MS 2000
/* How often the monitor looks, and calls tick(). */
#define MONITOR_TICK_MS 1000
/*
 * The successor of a worker that died is there at once; if that dies, too,
 * after this pause, which doubles up to the other one.  There is no end
 * to it: a service that nobody reaches is as good as none.
 */
#define MONITOR_PAUSE_MS 100u
#define MONITOR_PAUSE_MAX_MS 5000u
/* A worker that lived this long counts as started successfully. */
#define MONITOR_LIVED_MS 60000u
/* This many deaths in a row raise an alarm. */
#define MONITOR_ALARM_DEATHS 3u

#define MONITOR_ALARM_MAX 128u

/* What the worker writes and the monitor reads. */
struct monitor_shared {
	uint64_t beats;    /* one a turn */
	uint64_t log_lost; /* lines, of all workers */
};

enum monitor_next {
	MONITOR_GO_ON,
	MONITOR_CHANGE, /* change() is to be called, as after load() */
	MONITOR_STOP,
};

struct monitor_job {
	void *context;
	enum privileges_role role;
	const char *user; /* see privileges_drop() */
	struct monitor_shared *shared;
	int control; /* a socket by which the monitor is asked */
	/*
	 * In the worker: monitor_ready(), and then serve until told to
	 * stop; to_monitor is also for monitor_ask().  An exit status.
	 */
	int (*work)(void *context, int to_monitor);
	/* In the monitor, any time: */
	void (*ready)(void *context, uint32_t told); /* or NULL */
	void (*asked)(void *context); /* the control socket is readable */
	enum monitor_next (*tick)(void *context); /* or NULL */
	/* SIGHUP came: read the files.  False: all stays as it is. */
	bool (*load)(void *context);
	/* The worker is about to be told to end.  Or NULL. */
	void (*pause)(void *context);
	/* In the monitor, with no worker at work: */
	void (*prepare)(void *context); /* one is about to be.  Or NULL. */
	void (*change)(void *context);  /* put to work what was loaded */
	/*
	 * The worker ended without being told to. sound: not by a fault of its
	 * own; being killed is none.
	 */
	void (*recover)(void *context, bool sound); /* or NULL */
	const int *watch; /* when it is readable, tick() is called; or NULL */
	/* The same of another process; or NULL, and below 0: there is none. */
	const int *other;
	/* Another descriptor (or -1), and what is called for it.  Or NULL. */
	int (*listens)(void *context);
	void (*heard)(void *context);
	/*
	 * The worker asks: `len` bytes of a question, at most
	 * MONITOR_QUESTION_MAX, become an answer of as many at the most, and
	 * descriptors, which are the monitor's to close; below 0: none.
	 * Returns its length.  Or NULL.
	 */
	size_t (*question)(void *context, const void *question, size_t len,
			   void *answer, int fds[MONITOR_FDS]);
	/*
	 * A signal came, with its number, or 0 if a terminal sent it: for a job
	 * that does not stop or reload by signals. Or NULL.
	 */
	void (*signalled)(void *context, int number);
};

/* The monitor's state; fields without a comment are its own. */
struct monitor {
	const struct monitor_job *job;
	int signals;
	pid_t worker;  /* or 0 */
	int line;      /* to the worker; its other end is there alone */
	bool ready;    /* the worker has said that it works */
	bool announce; /* and the manager is to be told when it does */
	bool stopping, reloading; /* a signal said so */
	uint64_t beats, beats_ms; /* when they moved last */
	uint64_t started_ms;      /* the worker, of clock_ms() */
	uint64_t due_ms;          /* the next one, where there is none */
	unsigned deaths;          /* in a row */
	uint64_t restarts;        /* of workers that died or hung */
};

/* Memory for both processes, zeroed; NULL where there is none. */
void *monitor_memory(size_t size);
/* Memory that each worker finds zeroed, and nobody else sees; or NULL. */
void *monitor_worker_memory(size_t size);

/*
 * Start the first worker and wait until it works.  SIGINT, SIGTERM, SIGHUP
 * and SIGCHLD have to be blocked already (daemon_signals()).  An exit
 * status: TAP_SYSTEM where it does not come to work, and why is in the
 * log.
 */
int monitor_start(struct monitor *m, const struct monitor_job *job,
		  int signals);
/*
 * Serve whoever asks, as monitor_run() does later, until done() says so, or
 * somebody that it is to stop, or for so long at the most.
 */
void monitor_await(struct monitor *m, bool (*done)(void *context),
		   void *context, uint64_t most_ms);
/*
 * Run until SIGINT or SIGTERM.  An exit status: TAP_OK when stopped,
 * TAP_NO when tick() said so.
 */
int monitor_run(struct monitor *m);
/*
 * End the worker.  False where neither it nor a successor ended as it was
 * told: what was to be done last may be undone.
 */
bool monitor_end(struct monitor *m);

/* "at work", "starting", or "down". */
const char *monitor_state(const struct monitor *m);
/* The worker's alarm, or "". */
void monitor_alarm(const struct monitor *m, char out[MONITOR_ALARM_MAX]);

#endif
