#include "switching/carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/pass_fds.h"
#include "os/clock.h"
#include "switching/dial.h"
#include "switching/notes.h"
#include "switching/session.h"
#include "tap.h"

#define EVENTS_MAX 256
#define ACCEPTS_MAX 64 /* before others have their turn */
#define BUCKETS 16384u
#define TICK_MS 1000
/* While a decoy that is behind is waited for. */
#define WAITING_MS 10
/* Sockets of a family in advance, and below which more are asked for. */
#define SOCKETS_MAX 64u
#define SOCKETS_LOW 32u

struct carrier {
	struct session_host host;
	struct carrier_setup setup;
	struct notes notes;
	struct session *first, *bucket[BUCKETS];
	struct session *over; /* by next: to be freed when the turn is over */
	size_t starting;      /* sessions that wait for sockets */
	size_t waiting;       /* sessions whose decoy is waited for */
	int sockets[2][SOCKETS_MAX];
	unsigned sockets_count[2], asked[2];
	int reserve; /* a descriptor to let go of where there is no other */
	uint64_t ticked_ms, random;
	uint8_t buffer[SESSION_CHUNK];
	bool ended;
};

static size_t
which(unsigned family)
{
	return family == 6;
}

/* ---- what sessions need */

static void
ask_for_sockets(struct carrier *c, size_t family)
{
	const struct carrier_message m = {
		.kind = CARRIER_WANTS,
		.family = family ? 6 : 4,
		.count = SOCKETS_MAX - c->sockets_count[family],
	};

	if (c->asked[family] == 0 && c->sockets_count[family] < SOCKETS_LOW &&
	    send(c->setup.line, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    (ssize_t)sizeof m) {
		c->asked[family] = m.count;
	}
}

static int
take_socket(void *context, unsigned family)
{
	struct carrier *c = context;
	const size_t f = which(family);

	ask_for_sockets(c, f);
	return c->sockets_count[f] > 0 ? c->sockets[f][--c->sockets_count[f]]
				       : -EAGAIN;
}

/* xorshift64*: ports need not be secret, only spread. */
static uint32_t
next_random(void *context)
{
	struct carrier *c = context;

	c->random ^= c->random >> 12;
	c->random ^= c->random << 25;
	c->random ^= c->random >> 27;
	return (uint32_t)(c->random * 0x2545f4914f6cdd1dull >> 32);
}

static bool
port_is_used(void *context, const struct packet_addr *addr, uint16_t port)
{
	const struct carrier *c = context;
	const struct session *s = c->bucket[notes_hash(addr, port, BUCKETS)];

	while (s &&
	       (s->note.sport != port ||
		!packet_addr_equal(&s->note.src, addr))) {
		s = s->same_hash;
	}
	return s != NULL;
}

/* ---- sessions */

static void
enter(struct carrier *c, struct session *s)
{
	struct session **bucket =
		&c->bucket[notes_hash(&s->note.src, s->note.sport, BUCKETS)];

	s->same_hash = *bucket;
	*bucket = s;
	s->next = c->first;
	if (c->first) {
		c->first->before = s;
	}
	c->first = s;
}

/* Events of this turn may still name it. */
static void
bury(struct carrier *c, struct session *s)
{
	struct session **at =
		&c->bucket[notes_hash(&s->note.src, s->note.sport, BUCKETS)];

	while (*at != s) {
		at = &(*at)->same_hash;
	}
	*at = s->same_hash;
	if (s->before) {
		s->before->next = s->next;
	} else {
		c->first = s->next;
	}
	if (s->next) {
		s->next->before = s->before;
	}
	s->next = c->over;
	s->buried = true;
	c->over = s;
}

static void
after(struct carrier *c, struct session *s)
{
	if (s->mode == SESSION_OVER && !s->buried) {
		bury(c, s);
	}
	c->waiting += s->mode == SESSION_WAITING;
}

static void
free_over(struct carrier *c)
{
	while (c->over) {
		struct session *s = c->over;

		c->over = s->next;
		session_free(s);
	}
}

static void
begin_new(struct carrier *c)
{
	struct session *next;

	c->starting = 0;
	for (struct session *s = c->first; s; s = next) {
		next = s->next;
		if (s->mode == SESSION_NEW) {
			session_begin(&c->host, s);
			c->starting += s->mode == SESSION_NEW;
			after(c, s);
		}
	}
}

/* Nobody has told of him, or it was told to a carrier that died. */
static void
refuse_unknown(const struct carrier *c, int fd, const struct packet_addr *src,
	       uint16_t sport)
{
	static struct log_limit limit;
	struct log_record r;

	dial_reset(fd);
	if (!log_limit_allows(&limit, c->host.now_ms)) {
		return;
	}
	log_begin(&r, LOG_LEVEL_WARNING, "reset");
	log_address(&r, "src", src, sport);
	log_text(&r, "reason", "the carrier does not know it");
	if (limit.left_out > 0) {
		log_number(&r, "left_out", (long long)limit.left_out);
		limit.left_out = 0;
	}
	log_end(&r);
}

static void
take_client(struct carrier *c, int fd, const struct sockaddr_storage *from)
{
	struct carrier_note note;
	struct packet_addr src;
	struct session *s;
	uint16_t sport = 0;

	if (!dial_packet_addr(&src, &sport, from) ||
	    !notes_take(&c->notes, &src, sport, c->host.now_ms, &note)) {
		refuse_unknown(c, fd, &src, sport);
		return;
	}
	s = session_new(&c->host, fd, &note);
	if (!s) {
		return;
	}
	enter(c, s);
	session_begin(&c->host, s);
	c->starting += s->mode == SESSION_NEW;
	after(c, s);
}

/* ---- what comes from the worker and from the monitor */

static void
read_notes(struct carrier *c)
{
	struct carrier_note note;
	ssize_t got;

	while ((got = recv(c->setup.notes, &note, sizeof note, MSG_DONTWAIT)) >
	       0) {
		if (got == (ssize_t)sizeof note && notes_is_sound(&note)) {
			notes_put(&c->notes, &note, c->host.now_ms);
		}
	}
}

static void
take_sockets(struct carrier *c, const struct carrier_message *m, int fds[])
{
	const size_t f = which(m->family);

	for (size_t i = 0; i < PASS_FDS_MAX; i++) {
		if (fds[i] >= 0 && c->sockets_count[f] < SOCKETS_MAX) {
			c->sockets[f][c->sockets_count[f]++] = fds[i];
		} else if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	/* The last of those that were asked for. */
	if (m->count == 0) {
		c->asked[f] = 0;
	}
	/* Where none came, the next tick asks again. */
	if (fds[0] >= 0) {
		ask_for_sockets(c, f);
	}
}

static void
take_alarm(struct carrier *c, struct carrier_message *m)
{
	struct carrier_message done = { .kind = CARRIER_DONE,
					.number = m->number };
	struct session *next;
	size_t to_come;

	m->alarm.reason[ALARM_REASON_MAX - 1] = '\0';
	/* Their SYNs were accepted before, and they may come yet. */
	to_come = notes_alarm(&c->notes, &m->alarm, c->host.now_ms);
	for (struct session *s = c->first; s; s = next) {
		const struct packet p = { .src = s->note.src,
					  .dst = s->note.dst,
					  .sport = s->note.sport,
					  .dport = s->note.dport };

		next = s->next;
		if (!alarm_is_of(&m->alarm, &p, s->note.key_no)) {
			continue;
		}
		switch (session_switch(&c->host, s, m->alarm.reason)) {
		case SESSION_WAS_SWITCHED:
			done.count++;
			break;
		case SESSION_WAS_CUT:
			done.cut++;
			break;
		case SESSION_WAS_NOT:
			break;
		}
		after(c, s);
	}
	if (done.count == 0 && done.cut == 0) {
		done.count = (uint32_t)to_come;
	}
	(void)send(c->setup.line, &done, sizeof done,
		   MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
read_line(struct carrier *c)
{
	struct carrier_message m;
	int fds[PASS_FDS_MAX] = { -1, -1 };
	ssize_t got;

	while ((got = pass_fds_receive(c->setup.line, &m, sizeof m, fds)) > 0) {
		if (got == (ssize_t)sizeof m && m.kind == CARRIER_SOCKETS) {
			take_sockets(c, &m, fds);
		} else if (got == (ssize_t)sizeof m &&
			   m.kind == CARRIER_ALARM) {
			/* Who is to be switched may have come just now. */
			read_notes(c);
			take_alarm(c, &m);
		}
		fds[0] = fds[1] = -1;
	}
	c->ended = got == 0;
	if (c->starting > 0) {
		begin_new(c);
	}
}

/* ---- who comes */

/* There is no descriptor for him: he is refused, and not left to wait. */
static void
refuse_one(struct carrier *c, int listener)
{
	int fd;

	if (c->reserve < 0) {
		return;
	}
	close(c->reserve);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		dial_reset(fd);
	}
	c->reserve = fcntl(listener, F_DUPFD_CLOEXEC, 0);
}

static void
take_clients(struct carrier *c, int listener)
{
	/* What is told of a client was told before he could come. */
	read_notes(c);
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		const int fd = accept4(listener, (struct sockaddr *)&from, &len,
				       SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			refuse_one(c, listener);
			return;
		}
		if (fd < 0) {
			return;
		}
		take_client(c, fd, &from);
	}
}

/* ---- the loop */

static void
tick(struct carrier *c)
{
	const bool all = c->host.now_ms - c->ticked_ms >= TICK_MS;
	struct session *next;

	if (c->waiting == 0 && !all) {
		return;
	}
	if (all) {
		/* What was asked for may never have come. */
		c->asked[0] = c->asked[1] = 0;
	}
	c->waiting = 0;
	c->ticked_ms = all ? c->host.now_ms : c->ticked_ms;
	for (struct session *s = c->first; s; s = next) {
		next = s->next;
		session_tick(&c->host, s);
		after(c, s);
	}
	if (c->starting > 0) {
		begin_new(c);
	}
}

static void
serve(struct carrier *c, const struct epoll_event *e)
{
	struct session_end *end = e->data.ptr;

	if (e->data.ptr == &c->setup.line) {
		read_line(c);
	} else if (e->data.ptr == &c->setup.notes) {
		read_notes(c);
	} else if (e->data.ptr == &c->setup.listeners[0] ||
		   e->data.ptr == &c->setup.listeners[1]) {
		take_clients(c, *(int *)e->data.ptr);
	} else {
		session_event(&c->host, end, e->events);
		after(c, end->session);
	}
}

static int
watch(struct carrier *c, int *fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = fd } };

	return *fd < 0 || epoll_ctl(c->host.epoll, EPOLL_CTL_ADD, *fd, &e) == 0
		? 0
		: -errno;
}

static int
begin(struct carrier *c, const struct carrier_setup *setup)
{
	int rc;

	c->setup = *setup;
	c->random = setup->seed | 1;
	c->host = (struct session_host){
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.counts = setup->counts,
		.buffer = c->buffer,
		.context = c,
		.socket = take_socket,
		.port_is_used = port_is_used,
		.random = next_random,
	};
	c->reserve = fcntl(setup->line, F_DUPFD_CLOEXEC, 0);
	if (c->host.epoll < 0) {
		return -errno;
	}
	rc = watch(c, &c->setup.line);
	rc = rc < 0 ? rc : watch(c, &c->setup.notes);
	rc = rc < 0 ? rc : watch(c, &c->setup.listeners[0]);
	rc = rc < 0 ? rc : watch(c, &c->setup.listeners[1]);
	for (size_t f = 0; f < 2; f++) {
		if (setup->listeners[f] >= 0) {
			ask_for_sockets(c, f);
		}
	}
	return rc;
}

int
carrier_run(const struct carrier_setup *setup)
{
	static struct carrier c;
	struct epoll_event events[EVENTS_MAX];
	const int rc = begin(&c, setup);

	if (rc < 0) {
		return log_fail("carrier", rc);
	}
	while (!c.ended) {
		const int count = epoll_wait(c.host.epoll, events, EVENTS_MAX,
					     c.waiting ? WAITING_MS : TICK_MS);

		c.host.now_ms = clock_ms();
		log_gather();
		for (int i = 0; i < count; i++) {
			serve(&c, &events[i]);
		}
		tick(&c);
		free_over(&c);
		log_flush();
	}
	return TAP_OK;
}
