#include "daemon/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/why.h"
#include "base/spawn.h"
#include "conf/grammar.h"
#include "daemon/log.h"
#include "daemon/pass_fds.h"
#include "daemon/sd_notify.h"
#include "daemon/signals.h"
#include "os/clock.h"
#include "tap.h"

#define STOP_MS 3000u
#define AWAIT_MS 20 /* between looks, where no signal says more */
/* After SIGKILL it runs no more code, however long it takes to vanish. */
#define GONE_MS 6000u

/* CLOCK_MONOTONIC: it stops while the machine sleeps, as workers do. */
static uint64_t
awake_ms(void)
{
	return clock_us() / 1000;
}

static void *
map(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    flags | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void *
monitor_memory(size_t size)
{
	return map(size, MAP_SHARED);
}

void *
monitor_worker_memory(size_t size)
{
	return map(size, MAP_PRIVATE);
}

static void
be_worker(const struct monitor_job *job, pid_t parent, int to_monitor)
{
	char why[WHY_MAX];
	int status;

	log_leave(&job->shared->log_lost);
	spawn_set_watch(NULL);
	/* The worker must not answer the control socket. */
	if (job->control >= 0) {
		close(job->control);
	}
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

	if (m->job->prepare) {
		m->job->prepare(m->job->context);
	}
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
	m->ready = false;
	m->started_ms = clock_ms();
	m->beats_ms = awake_ms();
	return 0;
}

static void
forget_worker(struct monitor *m)
{
	close(m->line);
	m->line = -1;
	m->worker = 0;
	m->ready = false;
}

/* Signals that an exploited fault may cause. */
static bool
is_sound(int status)
{
	if (!WIFSIGNALED(status)) {
		return true;
	}
	switch (WTERMSIG(status)) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGABRT:
	case SIGTRAP:
	case SIGSYS:
		return false;
	default:
		return true;
	}
}

/*
 * End the worker, by force if it does not answer, and wait for it.  False
 * where it did not end as it was told; *sound then as in struct monitor_job.
 */
static bool
stop(struct monitor *m, bool *sound)
{
	uint64_t begun = clock_ms();
	int status = -1;

	*sound = true;
	if (m->worker == 0) {
		return false;
	}
	/* Whoever has told it first came before all that was prepared. */
	if (waitpid(m->worker, &status, WNOHANG) == m->worker) {
		forget_worker(m);
		*sound = is_sound(status);
		return false;
	}
	kill(m->worker, SIGTERM);
	while (waitpid(m->worker, &status, WNOHANG) == 0) {
		struct pollfd fd = { .fd = m->line };

		/* It closes when the worker is gone, or when that likes. */
		if (poll(&fd, 1, 100) > 0) {
			poll(NULL, 0, 1);
		}
		if (clock_ms() - begun > STOP_MS) {
			kill(m->worker, SIGKILL);
		}
		if (clock_ms() - begun > STOP_MS + GONE_MS) {
			break;
		}
	}
	forget_worker(m);
	*sound = is_sound(status);
	return WIFEXITED(status) && WEXITSTATUS(status) == TAP_OK;
}

/* The pause before the next worker. */
static uint64_t
note_death(struct monitor *m, uint64_t now)
{
	uint64_t pause = MONITOR_PAUSE_MS;

	m->deaths++;
	if (m->deaths == 1) {
		return now;
	}
	for (unsigned n = 2; n < m->deaths && pause < MONITOR_PAUSE_MAX_MS;
	     n++) {
		pause *= 2;
	}
	return now +
		(pause < MONITOR_PAUSE_MAX_MS ? pause : MONITOR_PAUSE_MAX_MS);
}

static void
say_end(int status)
{
	if (WIFSIGNALED(status)) {
		log_say(LOG_LEVEL_ERROR, "worker: ended by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else {
		log_say(LOG_LEVEL_ERROR, "worker: ended with status %d",
			WEXITSTATUS(status));
	}
}

static void
recover(struct monitor *m, bool sound)
{
	if (m->job->recover) {
		m->job->recover(m->job->context, sound);
	}
}

/* Start one; where that can't be, it is tried again after a pause. */
static void
start_next(struct monitor *m)
{
	if (start(m) < 0) {
		m->due_ms = note_death(m, clock_ms());
	}
}

/* The worker is gone although nobody told it to go. */
static void
take_death(struct monitor *m, int status)
{
	const uint64_t now = clock_ms();

	say_end(status);
	forget_worker(m);
	m->restarts++;
	recover(m, is_sound(status));
	m->due_ms = note_death(m, now);
	if (m->due_ms <= now) {
		start_next(m);
	}
}

static void
check_beats(struct monitor *m)
{
	const uint64_t beats =
		__atomic_load_n(&m->job->shared->beats, __ATOMIC_RELAXED);
	const uint64_t now = awake_ms();
	const uint64_t most = m->ready ? MONITOR_STUCK_MS : MONITOR_START_MS;

	if (m->ready && beats != m->beats) {
		m->beats = beats;
		m->beats_ms = now;
	} else if (now - m->beats_ms > most) {
		log_say(LOG_LEVEL_ERROR, "worker: stuck");
		kill(m->worker, SIGKILL);
		m->beats_ms = now;
	}
}

static void
check_worker(struct monitor *m)
{
	int status;

	if (m->worker == 0) {
		if (clock_ms() >= m->due_ms) {
			start_next(m);
		}
		return;
	}
	if (waitpid(m->worker, &status, WNOHANG) == m->worker) {
		take_death(m, status);
		return;
	}
	if (m->ready && clock_ms() - m->started_ms >= MONITOR_LIVED_MS) {
		m->deaths = 0;
	}
	check_beats(m);
}

/* ---- what the worker says */

static void
take_ready(struct monitor *m, const uint8_t *told, size_t len)
{
	uint32_t value;

	if (m->ready || len != sizeof value) {
		return;
	}
	memcpy(&value, told, sizeof value);
	m->ready = true;
	m->beats_ms = awake_ms();
	if (m->job->ready) {
		m->job->ready(m->job->context, value);
	}
	if (m->announce) {
		m->announce = false;
		notify_manager("READY=1");
	}
}

static void
take_question(struct monitor *m, const uint8_t *question, size_t len)
{
	/* Its number first. */
	uint8_t answer[1 + MONITOR_QUESTION_MAX] = { question[0] };
	int fds[MONITOR_FDS] = { -1, -1 };
	size_t answered = 0;

	if (m->job->question) {
		answered = m->job->question(m->job->context, question + 1,
					    len - 1, answer + 1, fds);
	}
	/* A worker that no longer waits gets no answer. */
	(void)pass_fds_send(m->line, answer, 1 + answered, fds);
}

static void
take_message(struct monitor *m)
{
	uint8_t message[2 + MONITOR_QUESTION_MAX];
	const ssize_t got =
		recv(m->line, message, sizeof message, MSG_DONTWAIT);

	if (got == 0) {
		/* Nobody is there, or one who does as he likes. */
		kill(m->worker, SIGKILL);
		return;
	}
	if (got < 0) {
		return;
	}
	if (message[0] == MONITOR_IS_READY) {
		take_ready(m, message + 1, (size_t)got - 1);
	} else if (message[0] == MONITOR_IS_ASKED && got > 1) {
		take_question(m, message + 1, (size_t)got - 1);
	}
}

/* ---- the loop */

static void
take_signals(struct monitor *m)
{
	int number = 0;
	enum daemon_signal asked = daemon_signal(m->signals, &number);

	if (asked != DAEMON_NOTHING && m->job->signalled) {
		m->job->signalled(m->job->context, number);
	} else if (asked == DAEMON_STOP) {
		m->stopping = true;
	} else if (asked == DAEMON_RELOAD) {
		m->reloading = true;
	}
}

enum { AT_SIGNALS, AT_CONTROL, AT_LINE, AT_WATCH, AT_OTHER, AT_HEARD, FDS };

/* Wait for requests, and serve them, for so long, or until tick() has to. */
static void
attend(struct monitor *m, int wait_ms, bool ticks)
{
	const struct monitor_job *job = m->job;

	struct pollfd fds[FDS] = {
		[AT_SIGNALS] = { .fd = m->signals, .events = POLLIN },
		[AT_CONTROL] = { .fd = m->job->control, .events = POLLIN },
		[AT_LINE] = { .fd = m->worker ? m->line : -1,
			      .events = POLLIN },
		[AT_WATCH] = { .fd = ticks && job->watch ? *job->watch : -1,
			       .events = POLLIN },
		[AT_OTHER] = { .fd = ticks && job->other ? *job->other : -1,
			       .events = POLLIN },
		[AT_HEARD] = { .fd = job->listens ? job->listens(job->context)
						  : -1,
			       .events = POLLIN },
	};

	if (poll(fds, FDS, wait_ms) <= 0) {
		return;
	}
	take_signals(m);
	/* First: who alarms does not wait for who asks. */
	if (fds[AT_HEARD].revents) {
		m->job->heard(m->job->context);
	}
	if (fds[AT_CONTROL].revents) {
		m->job->asked(m->job->context);
	}
	if (fds[AT_LINE].revents & (POLLIN | POLLHUP)) {
		take_message(m);
	}
}

/* While one of the firewall's tools runs. */
static bool
attend_meanwhile(void *context)
{
	struct monitor *m = context;

	attend(m, 0, false);
	return !m->stopping;
}

static void
watch(struct monitor *m)
{
	const struct spawn_watch watching = {
		.fd = { m->signals, m->job->control, m->worker ? m->line : -1 },
		.serve = attend_meanwhile,
		.context = m,
	};

	spawn_set_watch(&watching);
}

/* Put something to work with no worker at work, and then the next one. */
static void
change(struct monitor *m)
{
	bool sound;

	if (m->job->pause) {
		m->job->pause(m->job->context);
	}
	/* Repair what a killed worker may have left half changed. */
	if (!stop(m, &sound)) {
		recover(m, sound);
	}
	watch(m);
	m->job->change(m->job->context);
	start_next(m);
}

static void
reload(struct monitor *m)
{
	m->reloading = false;
	notify_manager("RELOADING=1");
	watch(m);
	if (!m->job->load(m->job->context)) {
		notify_manager("READY=1");
		return;
	}
	m->announce = true;
	change(m);
}

static int
wait_ms(const struct monitor *m)
{
	const uint64_t now = clock_ms();

	if (m->worker != 0 || m->due_ms >= now + MONITOR_TICK_MS) {
		return MONITOR_TICK_MS;
	}
	return m->due_ms > now ? (int)(m->due_ms - now) : 0;
}

static int
loop(struct monitor *m)
{
	for (;;) {
		enum monitor_next next = MONITOR_GO_ON;

		attend(m, wait_ms(m), true);
		if (m->stopping) {
			return TAP_OK;
		}
		if (m->reloading) {
			reload(m);
			continue;
		}
		watch(m);
		next = m->job->tick ? m->job->tick(m->job->context) : next;
		if (next == MONITOR_STOP) {
			return TAP_NO;
		}
		if (next == MONITOR_CHANGE) {
			change(m);
		}
		check_worker(m);
		log_note_others(m->job->shared->log_lost);
		log_flush();
	}
}

void
monitor_await(struct monitor *m, bool (*done)(void *context), void *context,
	      uint64_t most_ms)
{
	const uint64_t begun = awake_ms();

	while (!m->stopping && !done(context) && awake_ms() - begun < most_ms) {
		attend(m, AWAIT_MS, false);
		check_worker(m);
	}
}

int
monitor_run(struct monitor *m)
{
	const int status = loop(m);

	/* Signals must not interrupt what is done at the end. */
	spawn_set_watch(NULL);
	return status;
}

int
monitor_start(struct monitor *m, const struct monitor_job *job, int signals)
{
	int status;

	/* A read that blocks would keep requests and signals waiting. */
	conf_never_wait();
	*m = (struct monitor){ .job = job, .signals = signals, .line = -1 };
	if (start(m) < 0) {
		return TAP_SYSTEM;
	}
	while (!m->ready) {
		attend(m, 100, false);
		if (m->stopping) {
			break;
		}
		if (waitpid(m->worker, &status, WNOHANG) == m->worker) {
			say_end(status);
			forget_worker(m);
			return TAP_SYSTEM;
		}
		if (clock_ms() - m->started_ms > MONITOR_START_MS) {
			log_say(LOG_LEVEL_ERROR, "worker: does not start");
			return TAP_SYSTEM;
		}
	}
	return TAP_OK;
}

bool
monitor_end(struct monitor *m)
{
	bool whole, sound;

	if (!m->job) {
		return true;
	}
	if (m->job->pause) {
		m->job->pause(m->job->context);
	}
	whole = stop(m, &sound);
	if (!whole && m->job->recover) {
		/* The next worker continues what this one left. */
		recover(m, sound);
		whole = start(m) == 0 && stop(m, &sound);
	}
	return whole;
}

const char *
monitor_state(const struct monitor *m)
{
	return m->worker == 0 ? "down" : m->ready ? "at work" : "starting";
}

void
monitor_alarm(const struct monitor *m, char out[MONITOR_ALARM_MAX])
{
	out[0] = '\0';
	if (m->deaths >= MONITOR_ALARM_DEATHS) {
		snprintf(out, MONITOR_ALARM_MAX,
			 "the worker died %u times in a row", m->deaths);
	}
}
