#include "server/mirror.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/spawn.h"
#include "daemon/isolate.h"
#include "daemon/log.h"
#include "daemon/pass_fds.h"
#include "daemon/privileges.h"
#include "os/clock.h"
#include "switching/carrier.h"
#include "switching/spare_socket.h"
#include "tap.h"

/* Three for a session, and pipes. */
#define FDS_WANTED 65536u
/* Messages of the carrier's at a time, whatever it is: others wait, too. */
#define MESSAGES_MAX 8
/* Some thousand notes, while the carrier waits for a processor, or is gone. */
#define NOTES_BYTES (4 << 20)

void
mirror_init(struct mirror *m)
{
	*m = (struct mirror){
		.listeners = { -1, -1 },
		.notes = { -1, -1 },
		.line = -1,
		.route = { .nl = { .fd = -1 } },
	};
}

static void
close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

static bool
is_wanted(const struct server_conf *conf)
{
	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		if (conf->acl.rules[i].switches == ACL_SWITCH_MIRROR) {
			return true;
		}
	}
	return false;
}

/* ---- the carrier's process */

static void
be_carrier(const struct mirror *m, struct worker *g, int line, pid_t parent)
{
	const struct carrier_setup setup = {
		.listeners = { m->listeners[0], m->listeners[1] },
		.notes = m->notes[1],
		.line = line,
		.counts = m->counts,
		.seed = clock_ns() ^ (uint64_t)getpid() << 32,
	};
	const int fds[] = { setup.listeners[0], setup.listeners[1], setup.notes,
			    setup.line };
	char why[WHY_MAX];
	int rc;

	log_leave(&m->counts->log_lost);
	spawn_set_watch(NULL);
	worker_forget(g);
	setpgid(0, 0);
	fds_allow(FDS_WANTED);
	/* splice(2) to who has gone is an error, and no signal. */
	signal(SIGPIPE, SIG_IGN);
	rc = isolate(fds, sizeof fds / sizeof fds[0], m->counts);
	if (rc < 0) {
		log_fail("carrier", rc);
		_exit(TAP_SYSTEM);
	}
	if (privileges_drop(PRIVILEGES_CARRIER, NULL, parent, why) < 0) {
		log_say(LOG_LEVEL_ERROR, "carrier: privileges: %s", why);
		_exit(TAP_SYSTEM);
	}
	rc = carrier_run(&setup);
	log_close();
	_exit(rc);
}

static int
start(struct mirror *m, struct worker *g)
{
	const pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		return -errno;
	}
	m->counts->carried = m->counts->mirrored = 0;
	m->carrier = fork();
	if (m->carrier == 0) {
		be_carrier(m, g, ends[1], parent);
	}
	close(ends[1]);
	if (m->carrier < 0) {
		const int rc = -errno;

		m->carrier = 0;
		close(ends[0]);
		return rc;
	}
	m->line = ends[0];
	m->deaf = false;
	m->started_ms = clock_ms();
	return 0;
}

static void
start_next(struct mirror *m, struct worker *g)
{
	const int rc = start(m, g);

	if (rc < 0) {
		log_fail("carrier", rc);
		m->due_ms = clock_ms() + MONITOR_PAUSE_MAX_MS;
	}
}

static void
note_death(struct mirror *m, int status)
{
	const uint64_t now = clock_ms();

	if (WIFSIGNALED(status)) {
		log_say(LOG_LEVEL_ERROR,
			"carrier: ended by signal %d (%s); %llu carried "
			"connections end",
			WTERMSIG(status), strsignal(WTERMSIG(status)),
			(unsigned long long)m->counts->carried);
	} else {
		log_say(LOG_LEVEL_ERROR, "carrier: ended with status %d",
			WEXITSTATUS(status));
	}
	close_fd(&m->line);
	m->carrier = 0;
	m->counts->carried = m->counts->mirrored = 0;
	m->restarts++;
	m->deaths = now - m->started_ms >= MONITOR_LIVED_MS ? 1 : m->deaths + 1;
	m->due_ms = now + (m->deaths > 1 ? MONITOR_PAUSE_MAX_MS : 0);
}

/* ---- what it asks for */

static void
send_sockets(struct mirror *m, const struct carrier_message *asked)
{
	struct carrier_message to = { .kind = CARRIER_SOCKETS,
				      .family = asked->family };
	uint32_t left = asked->count < SPARE_SOCKETS_MAX ? asked->count
							 : SPARE_SOCKETS_MAX;
	ssize_t sent = 0;

	while (sent >= 0) {
		int fds[PASS_FDS_MAX] = { -1, -1 };

		for (size_t i = 0; i < PASS_FDS_MAX && left > 0; i++, left--) {
			fds[i] = spare_socket(asked->family, m->socket_mark);
			if (fds[i] < 0) {
				left = 1;
			}
		}
		/* The last one says so: where none can be made, too. */
		to.count = left;
		sent = pass_fds_send(m->line, &to, sizeof to, fds);
		if (left == 0) {
			break;
		}
	}
}

/* Whether it was the answer to an alarm: *done then. */
static bool
hear(struct mirror *m, struct carrier_message *done)
{
	for (int i = 0; i < MESSAGES_MAX && m->line >= 0; i++) {
		struct carrier_message from;
		const ssize_t got =
			recv(m->line, &from, sizeof from, MSG_DONTWAIT);

		if (got == 0) {
			/* It ends, or else it never would be heard again. */
			kill(m->carrier, SIGKILL);
			close_fd(&m->line);
		}
		if (got <= 0) {
			return false;
		}
		if (got != (ssize_t)sizeof from) {
			continue;
		}
		if (from.kind == CARRIER_WANTS &&
		    (from.family == 4 || from.family == 6)) {
			send_sockets(m, &from);
		} else if (from.kind == CARRIER_DONE) {
			m->deaf = false;
			if (from.number == m->alarms) {
				*done = from;
				return true;
			}
		}
	}
	return false;
}

int
mirror_alarm(struct mirror *m, const struct alarm *alarm, uint32_t *cut)
{
	struct carrier_message asked = { .kind = CARRIER_ALARM,
					 .number = ++m->alarms,
					 .alarm = *alarm };
	const uint64_t begun = clock_ms();
	/* Of thousands of alarms not each is to wait for one who hangs. */
	const int wait_ms = m->deaf ? 0 : MIRROR_ANSWER_MS;

	*cut = 0;
	if (m->line < 0) {
		return 0;
	}
	if (send(m->line, &asked, sizeof asked, MSG_DONTWAIT | MSG_NOSIGNAL) <
	    0) {
		return -errno;
	}
	do {
		struct pollfd fd = { .fd = m->line, .events = POLLIN };

		if (hear(m, &asked)) {
			*cut = asked.cut;
			return (int)asked.count;
		}
		(void)poll(&fd, 1, wait_ms / 10);
	} while (m->line >= 0 && clock_ms() - begun < (uint64_t)wait_ms);
	m->deaf = true;
	return -ETIMEDOUT;
}

/* ---- being there */

static int
open_memory(struct mirror *m)
{
	const int room = NOTES_BYTES;

	if (!m->counts) {
		m->counts = monitor_memory(sizeof *m->counts);
	}
	if (!m->counts) {
		return -ENOMEM;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, m->notes) < 0) {
		return -errno;
	}
	(void)setsockopt(m->notes[0], SOL_SOCKET, SO_SNDBUFFORCE, &room,
			 sizeof room);
	return 0;
}

static int
open_routes(struct mirror *m, const struct server_conf *conf)
{
	int rc = own_route_open(&m->route, conf->switch_mark,
				OWN_ROUTE_TABLE + conf->settings.queue);

	return rc < 0 ? rc : own_route_keep(&m->route);
}

/* 0, or -errno with what failed in *what. */
static int
open_all(struct mirror *m, const struct server_conf *conf, const char **what)
{
	int rc;

	*what = "memory";
	rc = open_memory(m);
	if (rc < 0) {
		return rc;
	}
	*what = "listeners";
	m->listeners[0] = spare_listener(4);
	m->listeners[1] = spare_listener(6);
	if (m->listeners[0] < 0 && m->listeners[1] < 0) {
		return m->listeners[0];
	}
	*what = "routes";
	return open_routes(m, conf);
}

static void
refuse(struct mirror *m, const char *what, int rc)
{
	char why[MIRROR_WHY_MAX];

	snprintf(why, sizeof why, "%s: %s", what, strerror(-rc));
	if (strcmp(why, m->why) != 0) {
		log_say(LOG_LEVEL_ERROR,
			"switch=mirror: nothing is carried, and can be "
			"switched: %s",
			why);
	}
	memcpy(m->why, why, sizeof why);
}

void
mirror_prepare(struct mirror *m, struct worker *g)
{
	const char *what = "";
	int rc = 0;

	g->to_carrier = -1;
	if (!is_wanted(g->conf)) {
		m->why[0] = '\0';
		if (m->notes[0] < 0) {
			/* What a server left that was killed. */
			own_route_remove(OWN_ROUTE_TABLE +
					 g->conf->settings.queue);
		}
		return;
	}
	m->socket_mark = g->conf->fastpath_mark;
	if (m->notes[0] < 0) {
		rc = open_all(m, g->conf, &what);
		if (rc < 0) {
			refuse(m, what, rc);
			mirror_close(m);
			return;
		}
		g->carries = true;
	}
	rc = door_lead(&g->door, m->listeners);
	if (rc < 0) {
		refuse(m, "the door", rc);
		return;
	}
	m->why[0] = '\0';
	g->to_carrier = m->notes[0];
	if (m->carrier == 0) {
		start_next(m, g);
	}
}

void
mirror_tick(struct mirror *m, struct worker *g)
{
	struct carrier_message ignored;
	int status;

	if (m->notes[0] < 0) {
		return;
	}
	(void)hear(m, &ignored);
	if (m->carrier != 0 &&
	    waitpid(m->carrier, &status, WNOHANG) == m->carrier) {
		note_death(m, status);
	}
	if (m->carrier == 0 && clock_ms() >= m->due_ms) {
		start_next(m, g);
	}
	if (own_route_keep(&m->route) > 0) {
		log_say(LOG_LEVEL_WARNING,
			"switch=mirror: another program took away the route "
			"of what is carried: put back");
	}
}

void
mirror_close(struct mirror *m)
{
	struct carrier_counts *counts = m->counts;
	char why[MIRROR_WHY_MAX];

	if (m->carrier != 0) {
		kill(m->carrier, SIGKILL);
		while (waitpid(m->carrier, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	own_route_close(&m->route);
	close_fd(&m->line);
	for (size_t i = 0; i < 2; i++) {
		close_fd(&m->listeners[i]);
		close_fd(&m->notes[i]);
	}
	memcpy(why, m->why, sizeof why);
	mirror_init(m);
	m->counts = counts;
	memcpy(m->why, why, sizeof why);
}

void
mirror_leave(struct mirror *m)
{
	close_fd(&m->line);
	close_fd(&m->notes[1]);
	close_fd(&m->listeners[0]);
	close_fd(&m->listeners[1]);
}

/* ---- what there is to say of it */

const char *
mirror_trouble(const struct mirror *m)
{
	return m->why[0]        ? m->why
		: m->deaths > 1 ? "the carrier died several times in a row"
				: "";
}

void
mirror_stats(const struct mirror *m, struct stats *s)
{
	static const struct carrier_counts none;
	const struct carrier_counts *c = m->counts ? m->counts : &none;

	stat_text(s, "carrier", "carrier",
		  m->why[0]                 ? m->why
			  : m->notes[0] < 0 ? "off"
			  : m->carrier      ? "at work"
					    : "down");
	stat_count(s, "carrier_restarts", "carrier restarts", m->restarts,
		   "Times that the carrier was started again");
	stat_level(s, "carried", "carried", c->carried,
		   "Connections that are carried");
	stat_level(s, "mirrored", "mirrored", c->mirrored,
		   "Of these, those whose decoy hears all");
	stat_count(s, "switched", "switched", c->switched,
		   "Connections that were switched to a decoy");
	stat_count(s, "switch_cut", "cut", c->cut,
		   "Connections that were cut, without a decoy");
	stat_count(s, "decoy_behind", "decoys behind", c->behind,
		   "Decoys that were given up because they were behind");
	stat_count(s, "decoy_gone", "decoys gone", c->gone,
		   "Decoys that refused, or went");
}
