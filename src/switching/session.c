#include "switching/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "switching/dial.h"
#include "switching/session_call.h"
#include "switching/session_log.h"

/* How often the pipe is filled before others have their turn. */
#define ROUNDS_MAX 4
/* The same for what is dropped: more than a socket holds. */
#define DROPS_MAX 128

/* ---- the whole session */

static bool
has_decoy(const struct session *s)
{
	return s->decoy.fd >= 0;
}

static void
count_mirror(struct session_host *h, const struct session *s, int by)
{
	if (s->mode == SESSION_MIRRORED && has_decoy(s)) {
		h->counts->mirrored += (uint64_t)(int64_t)by;
	}
}

static void
set_mode(struct session_host *h, struct session *s, enum session_mode mode)
{
	count_mirror(h, s, -1);
	s->mode = mode;
	count_mirror(h, s, 1);
}

static void
finish(struct session_host *h, struct session *s, bool reset)
{
	if (s->mode == SESSION_OVER) {
		return;
	}
	set_mode(h, s, SESSION_OVER);
	session_end_close(&s->client, reset);
	session_end_close(&s->real, reset);
	session_end_close(&s->decoy, reset);
	pipes_give(&h->pipes, &s->pipe, s->in_pipe);
	h->counts->carried--;
}

void
session_cut(struct session_host *h, struct session *s)
{
	finish(h, s, true);
}

/* It goes on without its decoy, and can only be cut from now on. */
static void
lose_decoy(struct session_host *h, struct session *s, const char *why)
{
	count_mirror(h, s, -1);
	session_end_close(&s->decoy, true);
	session_log_lost(s, why, h->now_ms);
}

/* One of its sockets failed. */
static void
fail(struct session_host *h, struct session *s, struct session_end *end,
     int error)
{
	if (end == &s->decoy && s->mode == SESSION_MIRRORED) {
		h->counts->gone++;
		lose_decoy(h, s, strerror(-error));
		return;
	}
	if (end == &s->real && !end->connected) {
		session_log_refused(s, strerror(-error), h->now_ms);
	}
	finish(h, s, true);
}

/* ---- bytes */

/* Who hears the client, and whose pace it keeps. */
static struct session_end *
partner(struct session *s)
{
	return s->mode == SESSION_MIRRORED ? &s->real : &s->decoy;
}

static bool
has_heard_all(const struct session *s)
{
	int waiting = 0;

	return s->in_pipe == 0 && s->client.out.len == 0 &&
		ioctl(s->client.fd, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

/* Take bytes that nobody hears, without a copy; as recv(2). */
static ssize_t
drop(int fd, uint64_t len)
{
	static uint8_t nowhere[64 * 1024];

	return recv(fd, nowhere,
		    len < sizeof nowhere ? (size_t)len : sizeof nowhere,
		    MSG_TRUNC | MSG_DONTWAIT);
}

static void
begin_turn(struct session *s)
{
	if (s->turn.real > 0 && turn_client(&s->turn, has_heard_all(s)) &&
	    s->decoy.connected) {
		/* What waits there is the last turn's, and is dropped. */
		for (int i = 0;
		     i < DROPS_MAX && drop(s->decoy.fd, UINT64_MAX) > 0; i++) {
		}
	}
}

static void
tell_decoy(struct session_host *h, struct session *s, size_t len)
{
	const size_t most =
		backlog_all() < BACKLOG_ALL_MAX ? s->note.buffer : 0;
	const int rc = has_decoy(s)
		? session_end_say(&s->decoy, h->buffer, len, most)
		: 0;

	if (rc == -ENOBUFS || rc == -ENOMEM) {
		h->counts->behind++;
		lose_decoy(h, s, "it is too far behind");
	} else if (rc < 0) {
		fail(h, s, &s->decoy, rc);
	}
}

static void
hear_client(struct session_host *h, struct session *s)
{
	const ssize_t got =
		recv(s->client.fd, h->buffer, SESSION_CHUNK, MSG_DONTWAIT);
	int rc;

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			fail(h, s, &s->client, -errno);
		}
		return;
	}
	if (got == 0) {
		s->client.ended = true;
		return;
	}
	if (s->mode == SESSION_MIRRORED) {
		begin_turn(s);
		tell_decoy(h, s, (size_t)got);
	}
	if (s->mode == SESSION_OVER) {
		return;
	}
	rc = session_end_say(partner(s), h->buffer, (size_t)got, SESSION_CHUNK);
	if (rc < 0) {
		fail(h, s, partner(s), rc);
	}
}

/* What is in the pipe, to the client. */
static void
deliver(struct session_host *h, struct session *s)
{
	while (s->in_pipe > 0) {
		const ssize_t n =
			splice(s->pipe.out, NULL, s->client.fd, NULL,
			       s->in_pipe, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			fail(h, s, &s->client, -errno);
		}
		if (n <= 0) {
			return;
		}
		s->in_pipe -= (size_t)n;
	}
	pipes_give(&h->pipes, &s->pipe, 0);
}

/*
 * There is something, and splice(2) finds nothing: it has come to the end, or
 * to an urgent byte, which it leaves.  Or there is no pipe.
 */
static void
copy_real(struct session_host *h, struct session *s)
{
	const ssize_t got =
		recv(s->real.fd, h->buffer, SESSION_CHUNK, MSG_DONTWAIT);
	int rc;

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			fail(h, s, &s->real, -errno);
		}
		return;
	}
	s->real.ended = got == 0;
	s->turn.real += (uint64_t)got;
	rc = session_end_say(&s->client, h->buffer, (size_t)got, SESSION_CHUNK);
	if (rc < 0) {
		fail(h, s, &s->client, rc);
	}
}

static void
hear_real(struct session_host *h, struct session *s)
{
	for (int i = 0; i < ROUNDS_MAX && s->in_pipe == 0; i++) {
		ssize_t n;

		/* Where there are no descriptors for one, it goes without. */
		if (s->pipe.out < 0 && pipes_take(&h->pipes, &s->pipe) < 0) {
			copy_real(h, s);
			return;
		}
		n = splice(s->real.fd, NULL, s->pipe.in, NULL, PIPES_BYTES,
			   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n <= 0) {
			const int error = n < 0 ? errno : 0;

			pipes_give(&h->pipes, &s->pipe, 0);
			if (error && error != EAGAIN && error != EINTR) {
				fail(h, s, &s->real, -error);
			} else if (i == 0) {
				copy_real(h, s);
			}
			return;
		}
		s->in_pipe = (size_t)n;
		s->turn.real += (uint64_t)n;
		deliver(h, s);
		if (s->mode == SESSION_OVER) {
			return;
		}
	}
}

/* As much of the decoy's answer as the client has of the real one. */
static void
drop_of_decoy(struct session_host *h, struct session *s)
{
	while (has_decoy(s) && s->decoy.connected && !s->decoy.ended &&
	       turn_to_drop(&s->turn) > 0) {
		const uint64_t left = turn_to_drop(&s->turn);
		const ssize_t n = drop(s->decoy.fd, left);

		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			fail(h, s, &s->decoy, -errno);
		}
		if (n < 0) {
			return;
		}
		s->decoy.ended = n == 0;
		s->turn.decoy += (uint64_t)n;
	}
}

static void
hear_decoy(struct session_host *h, struct session *s)
{
	const ssize_t got =
		recv(s->decoy.fd, h->buffer, SESSION_CHUNK, MSG_DONTWAIT);
	int rc;

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			fail(h, s, &s->decoy, -errno);
		}
		return;
	}
	s->decoy.ended = got == 0;
	if (got > 0 && !s->answered) {
		s->answered = true;
		session_log_answer(s, clock_us());
	}
	rc = session_end_say(&s->client, h->buffer, (size_t)got, SESSION_CHUNK);
	if (rc < 0) {
		fail(h, s, &s->client, rc);
	}
}

/* ---- what comes next */

static void
flush(struct session_host *h, struct session *s, struct session_end *end)
{
	const int rc = end->connected ? backlog_send(&end->out, end->fd) : 0;

	if (rc < 0) {
		fail(h, s, end, rc);
	}
}

static bool
is_waiting_over(const struct session *s, uint64_t now_ms)
{
	return turn_to_drop(&s->turn) == 0 || s->decoy.ended ||
		now_ms >= s->until_ms;
}

/* The end of one side is told to the other. */
static void
pass_on_ends(struct session *s)
{
	const bool mirrored = s->mode == SESSION_MIRRORED;

	if (s->client.ended) {
		session_end_shut(&s->decoy);
		session_end_shut(&s->real);
	}
	if (s->in_pipe == 0 && (mirrored ? s->real.ended : s->decoy.ended) &&
	    s->mode != SESSION_WAITING) {
		session_end_shut(&s->client);
	}
}

/* Of who has nothing to say, nor to hear: once, that he has gone. */
static uint32_t
or_its_end(uint32_t events)
{
	return events ? events : EPOLLET;
}

static void
want(struct session_host *h, struct session *s)
{
	const struct session_end *to = partner(s);
	uint32_t of_decoy;
	const bool free_way = s->in_pipe == 0 && s->client.out.len == 0;
	const bool decoy_heard = s->mode == SESSION_SWITCHED
		? free_way
		: turn_to_drop(&s->turn) > 0;

	session_end_want(h->epoll, &s->client,
			 or_its_end((!s->client.ended && to->connected &&
						     to->out.len == 0
					     ? EPOLLIN
					     : 0u) |
				    (free_way ? 0u : EPOLLOUT)));
	/* Who answers may have gone, and what he said is still to be heard. */
	session_end_want(h->epoll, &s->real,
			 !s->real.connected
				 ? EPOLLOUT
				 : (!s->real.ended && free_way ? EPOLLIN : 0u) |
					 (s->real.out.len > 0 ? EPOLLOUT : 0u));
	of_decoy = !s->decoy.connected
		? EPOLLOUT
		: (!s->decoy.ended && decoy_heard ? EPOLLIN : 0u) |
			(s->decoy.out.len > 0 ? EPOLLOUT : 0u);
	session_end_want(h->epoll, &s->decoy,
			 s->mode == SESSION_MIRRORED ? or_its_end(of_decoy)
						     : of_decoy);
}

/* All that follows from what was heard. */
static void
go_on(struct session_host *h, struct session *s)
{
	if (s->mode == SESSION_MIRRORED || s->mode == SESSION_WAITING) {
		drop_of_decoy(h, s);
	}
	if (s->mode == SESSION_WAITING && is_waiting_over(s, h->now_ms)) {
		set_mode(h, s, SESSION_SWITCHED);
		session_log_waited(s);
	}
	if (s->mode == SESSION_OVER) {
		return;
	}
	pass_on_ends(s);
	if (s->client.ended && s->client.shut) {
		finish(h, s, false);
		return;
	}
	want(h, s);
}

static void
connected(struct session_host *h, struct session *s, struct session_end *end)
{
	const int rc = dial_error(end->fd);

	if (rc < 0) {
		fail(h, s, end, rc);
		return;
	}
	end->connected = true;
}

void
session_event(struct session_host *h, struct session_end *end, uint32_t events)
{
	struct session *s = end->session;

	if (s->mode == SESSION_OVER || end->fd < 0 || end->events == 0) {
		return;
	}
	s->active_ms = h->now_ms;
	if (!end->connected) {
		connected(h, s, end);
	} else if (events & EPOLLERR) {
		const int error = dial_error(end->fd);

		fail(h, s, end, error ? error : -ECONNRESET);
	}
	/* fail() may have closed it. */
	if (s->mode != SESSION_OVER && end->fd >= 0) {
		flush(h, s, end);
	}
	if (s->mode != SESSION_OVER && end == &s->client) {
		deliver(h, s);
	}
	if (s->mode == SESSION_OVER || end->fd < 0 ||
	    !(events & (EPOLLIN | EPOLLHUP)) || !(end->events & EPOLLIN)) {
		/* Nothing to read, or not now. */
	} else if (end == &s->client) {
		hear_client(h, s);
	} else if (end == &s->real) {
		hear_real(h, s);
	} else if (s->mode == SESSION_SWITCHED) {
		hear_decoy(h, s);
	}
	if (s->mode != SESSION_OVER) {
		go_on(h, s);
	}
}

void
session_tick(struct session_host *h, struct session *s)
{
	const uint64_t quiet_ms = h->now_ms - s->active_ms;
	const bool ended =
		(s->mode == SESSION_MIRRORED ? s->real : s->decoy).ended;

	if (s->mode == SESSION_WAITING) {
		go_on(h, s);
	} else if (s->mode == SESSION_NEW && quiet_ms >= SESSION_SOCKETS_MS) {
		session_log_refused(s, "no sockets to call it", h->now_ms);
		finish(h, s, true);
	} else if (ended && quiet_ms >= SESSION_HALF_CLOSED_MS) {
		finish(h, s, true);
	}
}

/* ---- begin */

static void
call_decoy(struct session_host *h, struct session *s)
{
	const struct carrier_note *n = &s->note;
	struct sockaddr_storage to;
	int rc;

	dial_address(&to, &n->decoy, n->decoy_port, 0);
	rc = session_call(h, s, &s->decoy, &to,
			  n->own_source || n->decoy.family != n->src.family ||
				  dial_is_loopback(&n->decoy));
	if (rc < 0) {
		fail(h, s, &s->decoy, rc);
	}
}

/* Where the client went: with the scope that its socket has. */
static void
call_real(struct session_host *h, struct session *s)
{
	struct sockaddr_storage to = { 0 };
	socklen_t len = sizeof to;
	int rc;

	if (getsockname(s->client.fd, (struct sockaddr *)&to, &len) < 0) {
		rc = -errno;
	} else {
		rc = session_call(h, s, &s->real, &to, s->note.service_own);
	}
	if (rc < 0) {
		fail(h, s, &s->real, rc);
	}
}

void
session_begin(struct session_host *h, struct session *s)
{
	const struct carrier_note *n = &s->note;
	struct session_end *const ends[] = { &s->real, &s->decoy };
	const unsigned family[] = { n->src.family, n->decoy.family };

	for (size_t i = n->to_decoy ? 1 : 0; i < 2; i++) {
		if (ends[i]->fd < 0) {
			const int fd = h->socket(h->context, family[i]);

			if (fd < 0) {
				return;
			}
			ends[i]->fd = fd;
		}
	}
	set_mode(h, s, n->to_decoy ? SESSION_SWITCHED : SESSION_MIRRORED);
	call_decoy(h, s);
	if (s->mode == SESSION_MIRRORED) {
		call_real(h, s);
	}
	if (s->mode != SESSION_OVER) {
		want(h, s);
	}
}

struct session *
session_new(struct session_host *h, int fd, const struct carrier_note *note)
{
	static const struct session_end none = { .fd = -1 };
	struct session *s = calloc(1, sizeof *s);
	const int one = 1;

	if (!s) {
		dial_reset(fd);
		return NULL;
	}
	s->note = *note;
	s->client = s->real = s->decoy = none;
	s->client.session = s->real.session = s->decoy.session = s;
	s->client.fd = fd;
	s->client.connected = true;
	s->pipe = (struct pipe_ends){ .out = -1, .in = -1 };
	s->active_ms = h->now_ms;
	dial_prepare(fd);
	/* Of one that is gone nobody would ever hear. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	h->counts->carried++;
	return s;
}

void
session_free(struct session *s)
{
	free(s);
}

/* ---- the switch */

enum session_answer
session_switch(struct session_host *h, struct session *s, const char *reason)
{
	if (s->mode != SESSION_MIRRORED &&
	    (s->mode != SESSION_NEW || s->note.to_decoy)) {
		return SESSION_WAS_NOT;
	}
	s->alert_us = clock_us();
	if (s->mode == SESSION_NEW) {
		s->note.to_decoy = true;
		session_end_close(&s->real, false);
		h->counts->switched++;
		session_log_switch(s, "switched", reason);
		return SESSION_WAS_SWITCHED;
	}
	if (!has_decoy(s)) {
		h->counts->cut++;
		session_log_switch(s, "cut", reason);
		finish(h, s, true);
		return SESSION_WAS_CUT;
	}
	h->counts->switched++;
	session_log_switch(s, "switched", reason);
	session_end_close(&s->real, true);
	s->until_ms = h->now_ms + s->note.wait_ms;
	set_mode(h, s,
		 turn_place(&s->turn) == TURN_BEHIND ? SESSION_WAITING
						     : SESSION_SWITCHED);
	go_on(h, s);
	return SESSION_WAS_SWITCHED;
}
