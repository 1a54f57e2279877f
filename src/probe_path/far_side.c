#include "probe_path/far_side.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/pcap.h"
#include "os/clock.h"
#include "daemon/signals.h"
#include "daemon/log.h"
#include "daemon/sd_notify.h"
#include "probe_path/session.h"
#include "daemon/privileges.h"

#define SESSIONS_MAX 4u /* near sides at a time; one is the usual */
#define BACKLOG 128     /* SYNs of a plan are answered, too, and reset */
#define PLAN_MS 10000u  /* to make itself known, and say its plan */
#define SESSION_MS 60000u
/* SYNs that came last: one of them began a connection just accepted. */
#define RECENT_MAX 64u
#define WAIT_MS 1000

struct connection {
	struct path_session *session; /* allocated; fd tells whether in use */
	int fd;
	uint64_t until; /* ms */
	bool announced;
};

struct recent {
	struct field_values v;
	uint64_t ns;
	uint32_t device;
	size_t len;
	uint8_t bytes[TRIAL_PACKET_MAX];
};

struct far {
	const struct path_far_options *options;
	struct cap cap;
	struct cap_file file;
	int listener, signals;
	struct connection at[SESSIONS_MAX];
	struct recent recent[RECENT_MAX];
	size_t recent_next;
	uint64_t read_ns; /* all captured up to then was read */
};

static int
fail(char *why, int rc, const char *object)
{
	snprintf(why, PATH_FAR_WHY_MAX, "%s: %s", object, strerror(-rc));
	return rc;
}

/* ---- what is opened before privileges are given up */

static int
bind_port(int fd, int family, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	int on = 1;
	int off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	}
	if (bind(fd,
		 family == AF_INET6 ? (struct sockaddr *)&v6
				    : (struct sockaddr *)&v4,
		 family == AF_INET6 ? sizeof v6 : sizeof v4) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		return -errno;
	}
	return 0;
}

static int
open_listener(struct far *f, char *why)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int family = AF_INET6;
	char object[32];
	int rc;

	f->listener = socket(AF_INET6, type, 0);
	if (f->listener < 0) {
		family = AF_INET;
		f->listener = socket(AF_INET, type, 0);
	}
	rc = f->listener < 0 ? -errno
			     : bind_port(f->listener, family, f->options->port);
	if (rc < 0) {
		snprintf(object, sizeof object, "port %u", f->options->port);
		return fail(why, rc, object);
	}
	return 0;
}

static int
open_capture(struct far *f, char *why)
{
	const char *device = f->options->device ? f->options->device : "any";
	char filter[CAP_FILTER_MAX];
	char reason[CAP_WHY_MAX];
	int rc;

	snprintf(filter, sizeof filter, "tcp and (port %u or port %u)",
		 f->options->port, trial_other_port(f->options->port));
	rc = cap_open(&f->cap, device, filter, reason);
	if (rc < 0) {
		snprintf(why, PATH_FAR_WHY_MAX, "%s: %s", device, reason);
		return rc;
	}
	if (f->options->write &&
	    cap_file_open(&f->file, f->options->write, reason) < 0) {
		snprintf(why, PATH_FAR_WHY_MAX, "%s", reason);
		return -EIO;
	}
	return 0;
}

static int
make_sessions(struct far *f)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct path_session *s = calloc(1, sizeof *s);

		f->at[i].session = s;
		f->at[i].fd = -1;
		if (!s) {
			return -ENOMEM;
		}
		s->in = malloc(PATH_SESSION_IN);
		s->out = malloc(PATH_SESSION_OUT);
		s->probes = calloc(TRIAL_PROBES_MAX, sizeof *s->probes);
		if (!s->in || !s->out || !s->probes) {
			return -ENOMEM;
		}
	}
	return 0;
}

static int
open_all(struct far *f, char *why)
{
	char reason[PRIVILEGES_WHY_MAX];
	int rc = open_capture(f, why);

	if (rc < 0) {
		return rc;
	}
	rc = make_sessions(f);
	if (rc < 0) {
		return fail(why, rc, "sessions");
	}
	rc = open_listener(f, why);
	if (rc < 0) {
		return rc;
	}
	f->signals = daemon_signals();
	if (f->signals < 0) {
		return fail(why, f->signals, "signals");
	}
	if (privileges_drop(PRIVILEGES_LISTENER, NULL, 0, reason) < 0) {
		snprintf(why, PATH_FAR_WHY_MAX, "privileges: %s", reason);
		return -EPERM;
	}
	return 0;
}

static void
close_all(struct far *f)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct path_session *s = f->at[i].session;

		if (f->at[i].fd >= 0) {
			close(f->at[i].fd);
		}
		if (s) {
			free(s->in);
			free(s->out);
			free(s->probes);
		}
		free(s);
	}
	if (f->listener >= 0) {
		close(f->listener);
	}
	if (f->signals >= 0) {
		close(f->signals);
	}
	cap_close(&f->cap);
}

/* ---- packets */

static void
remember(struct far *f, const struct cap_packet *packet)
{
	struct recent *r = &f->recent[f->recent_next % RECENT_MAX];
	size_t len =
		packet->len < sizeof r->bytes ? packet->len : sizeof r->bytes;
	struct field_values v;

	if (field_read(&v, packet->ip, len) < 0 || !field_is_syn(&v)) {
		return;
	}
	r->v = v;
	r->ns = packet->ns;
	r->device = packet->device;
	r->len = len;
	memcpy(r->bytes, packet->ip, len);
	f->recent_next++;
}

static int
read_packets(struct far *f)
{
	struct cap_packet packet;
	int rc;

	while ((rc = cap_next(&f->cap, &packet)) == 1) {
		f->read_ns = packet.ns;
		if (f->file.dumper) {
			cap_file_put(&f->file, &packet);
		}
		remember(f, &packet);
		for (size_t i = 0; i < SESSIONS_MAX; i++) {
			struct path_session *s = f->at[i].session;

			/* A bridge and its port show the same packet. */
			if (f->at[i].fd >= 0 &&
			    (s->device == 0 || s->device == packet.device)) {
				path_session_packet(s, packet.ns, false,
						    packet.ip, packet.len);
			}
		}
	}
	if (!f->cap.more) {
		f->read_ns = UINT64_MAX;
	}
	return rc;
}

/*
 * The SYN that a connection came from.  It is the last one from there: an
 * earlier one may be a probe of another trial.  Of copies of it, by
 * several devices, the first: what came by the outermost.
 */
static const struct recent *
find_recent(const struct far *f, const struct path_session *s)
{
	const struct recent *found = NULL;

	for (size_t i = RECENT_MAX; i > 0; i--) {
		const struct recent *r =
			&f->recent[(f->recent_next + i - 1) % RECENT_MAX];

		if (r->len > 0 && r->v.value[FIELD_SPORT] == s->peer_port &&
		    packet_addr_equal(&r->v.src, &s->peer) &&
		    (!found ||
		     r->v.value[FIELD_SEQ] == found->v.value[FIELD_SEQ])) {
			found = r;
		}
	}
	return found;
}

/* ---- connections */

static void
take_peer(struct path_session *s, const struct sockaddr_in6 *v6,
	  const struct sockaddr_in *v4)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(&s->peer, 0, sizeof s->peer);
	if (v6->sin6_family == AF_INET) {
		s->peer.family = 4;
		memcpy(s->peer.bytes, &v4->sin_addr, 4);
		s->peer_port = ntohs(v4->sin_port);
		return;
	}
	s->peer_port = ntohs(v6->sin6_port);
	if (memcmp(&v6->sin6_addr, mapped, sizeof mapped) == 0) {
		s->peer.family = 4;
		memcpy(s->peer.bytes, v6->sin6_addr.s6_addr + 12, 4);
		return;
	}
	s->peer.family = 6;
	memcpy(s->peer.bytes, &v6->sin6_addr, 16);
}

static void
begin(struct far *f, struct connection *c, int fd,
      const struct sockaddr_in6 *v6, const struct sockaddr_in *v4)
{
	struct path_session *s = c->session;
	struct path_session fresh = { .in = s->in,
				      .out = s->out,
				      .probes = s->probes };
	const struct recent *syn;

	*s = fresh;
	take_peer(s, v6, v4);
	if (f->options->keys) {
		s->keys = f->options->keys->keys;
		s->key_count = f->options->keys->count;
	}
	syn = find_recent(f, s);
	s->device = syn ? syn->device : 0;
	c->fd = fd;
	c->until = clock_ms() + PLAN_MS;
	c->announced = false;
	path_session_begin(s);
	if (getrandom(s->nonce, sizeof s->nonce, 0) !=
	    (ssize_t)sizeof s->nonce) {
		s->state = PATH_SESSION_BAD;
	}
}

static void
log_session(const char *event, const struct path_session *s)
{
	struct log_record r;

	log_begin(&r, LOG_LEVEL_INFO, event);
	log_address(&r, "src", &s->peer, s->peer_port);
	log_number(&r, "probes", (long long)s->trial.count);
	log_number(&r, "arrived", s->filter.arrived);
	log_end(&r);
}

static void
end(struct connection *c)
{
	if (c->announced) {
		log_session("served", c->session);
	}
	close(c->fd);
	c->fd = -1;
}

/*
 * Where there is none, who has been longest without a plan gives way:
 * connections that say nothing shall not keep others out.
 */
static struct connection *
free_place(struct far *f)
{
	struct connection *oldest = NULL;

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct connection *c = &f->at[i];

		if (c->fd < 0) {
			return c;
		}
		if (!c->announced && (!oldest || c->until < oldest->until)) {
			oldest = c;
		}
	}
	if (oldest) {
		end(oldest);
	}
	return oldest;
}

static void
accept_one(struct far *f)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} from = { 0 };
	socklen_t len = sizeof from;
	int fd = accept4(f->listener, &from.any, &len,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *c;

	if (fd < 0) {
		return;
	}
	c = free_place(f);
	if (c) {
		begin(f, c, fd, &from.v6, &from.v4);
	} else {
		close(fd);
	}
}

/* Its plan is known: from now on it is told of packets. */
static void
announce(const struct far *f, struct connection *c)
{
	const struct recent *syn = find_recent(f, c->session);

	c->announced = true;
	c->until = clock_ms() + SESSION_MS;
	if (syn) {
		path_session_packet(c->session, syn->ns, true, syn->bytes,
				    syn->len);
	}
}

static void
read_connection(struct far *f, struct connection *c)
{
	struct path_session *s = c->session;
	struct path_session_now now = { .ns = clock_ns(),
					.instant = clock_instant() };
	ssize_t got;

	if (s->in_len == PATH_SESSION_IN) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	got = recv(c->fd, s->in + s->in_len, PATH_SESSION_IN - s->in_len, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	s->in_len += (size_t)got;
	/* What was captured before a word came is told before its answer. */
	if (read_packets(f) < 0) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	path_session_read(s, now);
	if (s->state == PATH_SESSION_END && !c->announced) {
		announce(f, c);
		path_session_read(s, now);
	}
}

static void
write_connection(struct connection *c)
{
	struct path_session *s = c->session;
	ssize_t sent = send(c->fd, s->out + s->out_at, s->out_len - s->out_at,
			    MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	s->out_at += sent > 0 ? (size_t)sent : 0;
	if (s->out_at == s->out_len) {
		s->out_at = 0;
		s->out_len = 0;
	}
}

static void
serve(struct far *f, struct connection *c, short events)
{
	struct path_session *s = c->session;

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		if (s->state < PATH_SESSION_DRAIN) {
			read_connection(f, c);
		} else if (events & (POLLHUP | POLLERR)) {
			s->state = PATH_SESSION_BAD;
		}
	}
	if (s->state == PATH_SESSION_DRAIN) {
		path_session_caught_up(s, f->read_ns, cap_lost(&f->cap));
	}
	if (s->out_at < s->out_len && s->state != PATH_SESSION_BAD) {
		write_connection(c);
	}
	if (s->state == PATH_SESSION_BAD || clock_ms() > c->until ||
	    (s->state == PATH_SESSION_OVER && s->out_len == 0)) {
		end(c);
	}
}

/* ---- the loop */

enum { AT_SIGNALS, AT_CAPTURE, AT_LISTENER, AT_SESSIONS };

static void
fill_polls(const struct far *f, struct pollfd *polls)
{
	polls[AT_SIGNALS].fd = f->signals;
	polls[AT_CAPTURE].fd = f->cap.fd;
	polls[AT_LISTENER].fd = f->listener;
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		const struct path_session *s = f->at[i].session;
		struct pollfd *p = &polls[AT_SESSIONS + i];

		p->fd = f->at[i].fd;
		/* After its last word nothing more is read. */
		p->events = s->state < PATH_SESSION_DRAIN ? POLLIN : 0;
		if (p->fd >= 0 && s->out_at < s->out_len) {
			p->events |= POLLOUT;
		}
	}
}

static int
loop(struct far *f, char *why)
{
	struct pollfd polls[AT_SESSIONS + SESSIONS_MAX] = {
		{ .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLIN },
	};

	for (;;) {
		fill_polls(f, polls);
		if (poll(polls, AT_SESSIONS + SESSIONS_MAX, WAIT_MS) < 0 &&
		    errno != EINTR) {
			return fail(why, -errno, "poll");
		}
		if (daemon_signal(f->signals, NULL) == DAEMON_STOP) {
			return 0;
		}
		if (read_packets(f) < 0) {
			snprintf(why, PATH_FAR_WHY_MAX, "capture: %s",
				 cap_why(&f->cap));
			return -EIO;
		}
		for (size_t i = 0; i < SESSIONS_MAX; i++) {
			if (f->at[i].fd >= 0) {
				serve(f, &f->at[i],
				      polls[AT_SESSIONS + i].revents);
			}
		}
		if (polls[AT_LISTENER].revents & POLLIN) {
			accept_one(f);
		}
	}
}

int
path_far_run(const struct path_far_options *options, char *why)
{
	struct far *f = calloc(1, sizeof *f);
	int rc;

	if (!f) {
		return fail(why, -ENOMEM, "memory");
	}
	f->options = options;
	f->listener = -1;
	f->signals = -1;
	f->cap.fd = -1;
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		f->at[i].fd = -1;
	}
	rc = open_all(f, why);
	if (rc == 0) {
		log_say(LOG_LEVEL_INFO, "ready: port %u, device %s",
			options->port,
			options->device ? options->device : "any");
		notify_manager("READY=1");
		rc = loop(f, why);
	}
	if (cap_file_close(&f->file) < 0 && rc == 0) {
		rc = fail(why, -EIO, options->write);
	}
	close_all(f);
	free(f);
	return rc;
}
