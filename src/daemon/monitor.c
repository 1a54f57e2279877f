#include "daemon/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "daemon/signals.h"
#include "daemon/log.h"
#include "daemon/sd_notify.h"
#include "tap.h"

#define STOP_MS 3000

struct monitor {
	const struct monitor_job *job;
	int signals;
	pid_t worker; /* or 0 */
	int line;     /* to the worker; its other end is there alone */
	uint64_t beats, beats_ms; /* when they moved last */
	uint64_t deaths_ms[MONITOR_DEATHS_MAX];
	size_t deaths;
};

/* Of a clock that stands still while the machine sleeps, as workers do. */
static uint64_t
awake_ms(void)
{
	return clock_us() / 1000;
}

void *
monitor_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void
be_worker(const struct monitor_job *job, pid_t parent, int to_monitor)
{
	char why[PRIVILEGES_WHY_MAX];
	int status;

	log_leave(&job->shared->log_lost);
	/* A terminal's Ctrl-C is the monitor's to handle. */
	setpgid(0, 0);
	if (privileges_drop(job->role, job->user, parent, why) < 0) {
		log_say(LOG_LEVEL_ERROR, "privileges: %s", why);
		_exit(TAP_SYSTEM);
	}
	status = job->work(job->context, to_monitor);
	log_close();
	_exit(status);
}

static int
start(struct monitor *m)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		log_say(LOG_LEVEL_ERROR, "worker: %s", strerror(errno));
		return -1;
	}
	m->worker = fork();
	if (m->worker == 0) {
		close(ends[0]);
		be_worker(m->job, parent, ends[1]);
	}
	close(ends[1]);
	if (m->worker < 0) {
		log_say(LOG_LEVEL_ERROR, "worker: %s", strerror(errno));
		close(ends[0]);
		m->worker = 0;
		return -1;
	}
	m->line = ends[0];
	m->beats_ms = awake_ms();
	return 0;
}

/*
 * End the worker, by force if it does not answer, and wait for it.  False
 * where it did not end as it was told: what it shares may be half changed.
 */
static bool
stop(struct monitor *m)
{
	uint64_t begun = clock_ms();
	int status = 0;

	if (m->worker == 0) {
		return true;
	}
	kill(m->worker, SIGTERM);
	while (waitpid(m->worker, &status, WNOHANG) == 0) {
		struct pollfd fd = { .fd = m->line };

		/* The line's other end closes when the worker is gone. */
		poll(&fd, 1, 100);
		if (clock_ms() - begun > STOP_MS) {
			kill(m->worker, SIGKILL);
		}
	}
	close(m->line);
	m->worker = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == TAP_OK;
}

/* Whether workers die too fast for another one to be of use. */
static bool
note_death(struct monitor *m)
{
	uint64_t now = clock_ms();
	uint64_t *oldest = &m->deaths_ms[m->deaths % MONITOR_DEATHS_MAX];
	bool too_fast =
		m->deaths >= MONITOR_DEATHS_MAX && now - *oldest < 60000;

	*oldest = now;
	m->deaths++;
	return too_fast;
}

/* The worker is gone although nobody told it to go. */
static int
revive(struct monitor *m, int status)
{
	if (WIFSIGNALED(status)) {
		log_say(LOG_LEVEL_ERROR, "worker: ended by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else {
		log_say(LOG_LEVEL_ERROR, "worker: ended with status %d",
			WEXITSTATUS(status));
	}
	close(m->line);
	m->worker = 0;
	if (note_death(m)) {
		log_say(LOG_LEVEL_ERROR, "worker: dies too often, giving up");
		return -1;
	}
	m->job->shared->restarts++;
	if (m->job->recover) {
		m->job->recover(m->job->context);
	}
	return start(m);
}

static int
check_worker(struct monitor *m)
{
	uint64_t beats =
		__atomic_load_n(&m->job->shared->beats, __ATOMIC_RELAXED);
	uint64_t now = awake_ms();
	int status;

	if (waitpid(m->worker, &status, WNOHANG) == m->worker) {
		return revive(m, status);
	}
	if (beats != m->beats) {
		m->beats = beats;
		m->beats_ms = now;
	} else if (now - m->beats_ms > MONITOR_STUCK_MS) {
		log_say(LOG_LEVEL_ERROR, "worker: stuck");
		kill(m->worker, SIGKILL);
		m->beats_ms = now;
	}
	return 0;
}

static void
take_question(struct monitor *m)
{
	uint8_t question[MONITOR_QUESTION_MAX], answer[MONITOR_QUESTION_MAX];
	ssize_t got = recv(m->line, question, sizeof question, MSG_DONTWAIT);
	size_t len = 0;

	if (got <= 0) {
		return;
	}
	if (m->job->question) {
		len = m->job->question(m->job->context, question, (size_t)got,
				       answer);
	}
	/* Who does not wait any more gets none. */
	(void)send(m->line, answer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t
monitor_ask(int to_monitor, const void *question, size_t len, void *answer)
{
	struct pollfd fd = { .fd = to_monitor, .events = POLLIN };
	ssize_t got;

	/* The answer to an earlier question, which came too late. */
	while (recv(to_monitor, answer, MONITOR_QUESTION_MAX, MSG_DONTWAIT) >
	       0) {
	}
	if (send(to_monitor, question, len, MSG_NOSIGNAL) < 0) {
		return -errno;
	}
	if (poll(&fd, 1, MONITOR_ANSWER_MS) != 1) {
		return -ETIMEDOUT;
	}
	got = recv(to_monitor, answer, MONITOR_QUESTION_MAX, MSG_DONTWAIT);
	return got < 0 ? -errno : got;
}

static int
reload(struct monitor *m)
{
	bool whole;

	notify_manager("RELOADING=1");
	whole = stop(m);
	m->job->reload(m->job->context);
	if (!whole && m->job->recover) {
		m->job->recover(m->job->context);
	}
	if (start(m) < 0) {
		return -1;
	}
	notify_manager("READY=1");
	return 0;
}

static int
loop(struct monitor *m)
{
	for (;;) {
		enum monitor_next next = MONITOR_GO_ON;
		enum daemon_signal asked;
		int number = 0;
		struct pollfd fds[] = {
			{ .fd = m->signals, .events = POLLIN },
			{ .fd = m->job->control, .events = POLLIN },
			{ .fd = m->line, .events = POLLIN },
		};

		poll(fds, 3, MONITOR_TICK_MS);
		asked = daemon_signal(m->signals, &number);
		if (asked != DAEMON_NOTHING && m->job->signalled) {
			m->job->signalled(m->job->context, number);
			asked = DAEMON_NOTHING;
		}
		switch (asked) {
		case DAEMON_STOP:
			return TAP_OK;
		case DAEMON_RELOAD:
			if (reload(m) < 0) {
				return TAP_SYSTEM;
			}
			continue;
		case DAEMON_NOTHING:
			break;
		}
		if (fds[1].revents) {
			m->job->asked(m->job->context);
		}
		if (fds[2].revents & POLLIN) {
			take_question(m);
		}
		if (m->job->tick) {
			next = m->job->tick(m->job->context);
		}
		if (next == MONITOR_STOP) {
			return TAP_NO;
		}
		if (check_worker(m) < 0) {
			return TAP_SYSTEM;
		}
		log_note_others(m->job->shared->log_lost);
		log_flush();
	}
}

int
monitor_run(const struct monitor_job *job, int signals)
{
	struct monitor m = { .job = job, .signals = signals };
	int status = TAP_SYSTEM;

	if (start(&m) == 0) {
		status = loop(&m);
	}
	(void)stop(&m);
	return status;
}
