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

#include "base/why.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "daemon/signals.h"
#include "daemon/log.h"
#include "daemon/sd_notify.h"
#include "probe_path/far_capture.h"
#include "probe_path/places.h"
#include "probe_path/session.h"
#include "daemon/privileges.h"

#define BACKLOG 128    /* SYNs of a plan are answered, too, and reset */
#define PLAN_MS 10000u /* to make itself known, and say its plan */
#define SESSION_MS 60000u
#define WAIT_MS 1000
#define TICK_MS 1000u

struct connection {
	struct path_session *session; /* allocated; fd tells whether in use */
	int fd;
	uint64_t until; /* ms */
};

struct far {
	const struct path_far_options *options;
	struct far_capture capture;
	int listener, signals;
	struct places places;
	struct connection at[PLACES_MAX]; /* of each place */
	struct log_limit limit; /* limits log lines that strangers cause */
	uint64_t ticked;        /* ms */
};

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
		return why_errno(why, rc, object);
	}
	return 0;
}

static int
make_sessions(struct far *f)
{
	for (size_t i = 0; i < PLACES_MAX; i++) {
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
	int rc = far_capture_open(&f->capture, f->options->device,
				  f->options->port, f->options->write, why);

	if (rc < 0) {
		return rc;
	}
	rc = make_sessions(f);
	if (rc < 0) {
		return why_errno(why, rc, "sessions");
	}
	rc = open_listener(f, why);
	if (rc < 0) {
		return rc;
	}
	f->signals = daemon_signals();
	if (f->signals < 0) {
		return why_errno(why, f->signals, "signals");
	}
	return privileges_drop(PRIVILEGES_LISTENER, NULL, 0, why) < 0
		? why_of(why, -EPERM, "privileges")
		: 0;
}

static void
close_all(struct far *f)
{
	for (size_t i = 0; i < PLACES_MAX; i++) {
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
}

/* ---- packets */

static int
read_packets(struct far *f)
{
	struct cap_packet packet;
	int rc;

	while ((rc = far_capture_next(&f->capture, &packet)) == 1) {
		for (size_t i = 0; i < PLACES_MAX; i++) {
			struct path_session *s = f->at[i].session;

			/* A bridge and its port show the same packet. */
			if (f->at[i].fd >= 0 &&
			    (s->device == 0 || s->device == packet.device)) {
				path_session_packet(s, packet.ns, false,
						    packet.ip, packet.len);
			}
		}
	}
	return rc;
}

static const struct far_capture_syn *
find_syn(const struct far *f, const struct path_session *s)
{
	return far_capture_syn(&f->capture, &s->peer, s->peer_port);
}

/* ---- connections */

struct peer {
	struct packet_addr addr;
	uint16_t port;
};

static void
read_peer(struct peer *peer, const struct sockaddr_in6 *v6,
	  const struct sockaddr_in *v4)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*peer = (struct peer){ .port = ntohs(v6->sin6_port) };
	if (v6->sin6_family == AF_INET) {
		peer->addr.family = 4;
		memcpy(peer->addr.bytes, &v4->sin_addr, 4);
		peer->port = ntohs(v4->sin_port);
	} else if (memcmp(&v6->sin6_addr, mapped, sizeof mapped) == 0) {
		peer->addr.family = 4;
		memcpy(peer->addr.bytes, v6->sin6_addr.s6_addr + 12, 4);
	} else {
		peer->addr.family = 6;
		memcpy(peer->addr.bytes, &v6->sin6_addr, 16);
	}
}

static void
begin(struct far *f, size_t at, int fd, const struct peer *from)
{
	struct connection *c = &f->at[at];
	struct path_session *s = c->session;
	struct path_session fresh = { .in = s->in,
				      .out = s->out,
				      .probes = s->probes,
				      .peer = from->addr,
				      .peer_port = from->port };
	const struct far_capture_syn *syn;

	*s = fresh;
	if (f->options->keys) {
		s->keys = f->options->keys->keys;
		s->key_count = f->options->keys->count;
	}
	syn = find_syn(f, s);
	s->device = syn ? syn->device : 0;
	c->fd = fd;
	c->until = clock_ms() + PLAN_MS;
	places_take(&f->places, at, &from->addr, clock_ms());
	path_session_begin(s);
	if (getrandom(s->nonce, sizeof s->nonce, 0) !=
	    (ssize_t)sizeof s->nonce) {
		s->state = PATH_SESSION_BAD;
	}
}

static void
log_session(struct far *f, const struct path_session *s)
{
	/* The SYN of its own connection is no probe. */
	const struct trial *t = &s->trial;
	size_t own = t->count > 0 && t->probes[0].kind == TRIAL_CONNECTION;
	struct log_record r;

	if (!log_limit_allows(&f->limit, clock_ms())) {
		return;
	}
	log_begin(&r, LOG_LEVEL_INFO, "served");
	log_address(&r, "src", &s->peer, s->peer_port);
	if (s->proven) {
		log_number(&r, "key", s->key->no);
	}
	log_number(&r, "probes", (long long)(t->count - own));
	log_number(&r, "arrived", s->filter.arrived);
	if (f->limit.left_out > 0) {
		log_number(&r, "left_out", (long long)f->limit.left_out);
		f->limit.left_out = 0;
	}
	log_end(&r);
}

static void
end(struct far *f, size_t at)
{
	if (f->places.at[at].announced) {
		log_session(f, f->at[at].session);
	}
	close(f->at[at].fd);
	f->at[at].fd = -1;
	places_leave(&f->places, at);
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
	struct peer peer;
	size_t at;

	if (fd < 0) {
		return;
	}
	read_peer(&peer, &from.v6, &from.v4);
	at = places_find(&f->places, &peer.addr, clock_ms());
	if (at == PLACES_MAX) {
		close(fd);
		return;
	}
	if (f->places.at[at].taken) {
		end(f, at);
	}
	begin(f, at, fd, &peer);
}

/* Its plan is complete: from now on, tell it of packets. */
static void
announce(struct far *f, size_t at)
{
	struct path_session *s = f->at[at].session;
	const struct far_capture_syn *syn = find_syn(f, s);

	f->places.at[at].announced = true;
	f->at[at].until = clock_ms() + SESSION_MS;
	if (syn) {
		path_session_packet(s, syn->ns, true, syn->bytes, syn->len);
	}
}

/* Read what it says, and act on it. */
static void
take_words(struct far *f, size_t at, struct path_session_now now)
{
	struct path_session *s = f->at[at].session;

	path_session_read(s, now);
	if (s->proven && !f->places.at[at].proven &&
	    !places_prove(&f->places, at)) {
		s->state = PATH_SESSION_BAD;
	}
	if (s->state == PATH_SESSION_END && !f->places.at[at].announced) {
		announce(f, at);
		path_session_read(s, now);
	}
}

static void
read_connection(struct far *f, size_t at)
{
	struct path_session *s = f->at[at].session;
	struct path_session_now now = { .ns = clock_ns(),
					.instant = clock_instant() };
	ssize_t got;

	if (s->in_len == PATH_SESSION_IN) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	got = recv(f->at[at].fd, s->in + s->in_len, PATH_SESSION_IN - s->in_len,
		   0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	s->in_len += (size_t)got;
	/* First tell of packets that were captured before this message. */
	if (read_packets(f) < 0) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	take_words(f, at, now);
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
serve(struct far *f, size_t at, short events)
{
	struct path_session *s = f->at[at].session;

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		if (s->state < PATH_SESSION_DRAIN) {
			read_connection(f, at);
		} else if (events & (POLLHUP | POLLERR)) {
			s->state = PATH_SESSION_BAD;
		}
	}
	if (s->state == PATH_SESSION_DRAIN) {
		path_session_caught_up(s, f->capture.read_ns,
				       cap_lost(&f->capture.cap));
	}
	if (s->out_at < s->out_len && s->state != PATH_SESSION_BAD) {
		write_connection(&f->at[at]);
	}
	if (s->state == PATH_SESSION_BAD || clock_ms() > f->at[at].until ||
	    (s->state == PATH_SESSION_OVER && s->out_len == 0)) {
		end(f, at);
	}
}

/* ---- the loop */

enum { AT_SIGNALS, AT_CAPTURE, AT_LISTENER, AT_SESSIONS };

static void
fill_polls(const struct far *f, struct pollfd *polls)
{
	polls[AT_SIGNALS].fd = f->signals;
	polls[AT_CAPTURE].fd = f->capture.cap.fd;
	polls[AT_LISTENER].fd = f->listener;
	for (size_t i = 0; i < PLACES_MAX; i++) {
		const struct path_session *s = f->at[i].session;
		struct pollfd *p = &polls[AT_SESSIONS + i];

		p->fd = f->at[i].fd;
		/* Nothing is read after its last message. */
		p->events = s->state < PATH_SESSION_DRAIN ? POLLIN : 0;
		if (p->fd >= 0 && s->out_at < s->out_len) {
			p->events |= POLLOUT;
		}
	}
}

static void
tick(struct far *f)
{
	uint64_t ms = clock_ms();

	if (ms - f->ticked >= TICK_MS) {
		f->ticked = ms;
		far_capture_tick(&f->capture);
	}
}

static int
loop(struct far *f, char *why)
{
	struct pollfd polls[AT_SESSIONS + PLACES_MAX] = {
		{ .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLIN },
	};

	for (;;) {
		fill_polls(f, polls);
		log_flush();
		if (poll(polls, AT_SESSIONS + PLACES_MAX, WAIT_MS) < 0 &&
		    errno != EINTR) {
			return why_errno(why, -errno, "poll");
		}
		if (daemon_signal(f->signals, NULL) == DAEMON_STOP) {
			return 0;
		}
		log_gather();
		if (read_packets(f) < 0) {
			return why_set(why, -EIO, "capture: %s",
				       cap_why(&f->capture.cap));
		}
		for (size_t i = 0; i < PLACES_MAX; i++) {
			if (f->at[i].fd >= 0) {
				serve(f, i, polls[AT_SESSIONS + i].revents);
			}
		}
		if (polls[AT_LISTENER].revents & POLLIN) {
			accept_one(f);
		}
		tick(f);
	}
}

int
path_far_run(const struct path_far_options *options, char *why)
{
	struct far *f = calloc(1, sizeof *f);
	int closed;
	int rc;

	if (!f) {
		return why_errno(why, -ENOMEM, "memory");
	}
	log_never_wait();
	f->options = options;
	f->listener = -1;
	f->signals = -1;
	f->capture.cap.fd = -1;
	for (size_t i = 0; i < PLACES_MAX; i++) {
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
	closed = far_capture_close(&f->capture);
	if (rc == 0 && closed < 0) {
		rc = why_errno(why, closed, options->write);
	}
	close_all(f);
	free(f);
	log_close();
	return rc;
}
