#include "server/worker_share.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "protocol/frame.h"
#include "server/judge.h"
#include "server/share_status.h"
#include "tap.h"

/* It lasts longer than any group may be shown again: clocks differ. */
#define LIFETIME_SPARE_MS 60000u
/* Places of the memory that are looked at in a turn. */
#define TELL_MAX 65536u
/* Reads of a turn. */
#define READS_MAX 4
/* A monitor that has not answered for so long is asked again. */
#define ANSWER_MS 5000u
/* An engine that was of use for so long is tried at once when it goes. */
#define LASTED_MS 10000u
/* How often it is said that it is gone for another reason. */
#define SAY_EVERY_MS 1000u

static bool
is_local(const struct worker *g)
{
	return g->conf->share_fail == SHARE_FAIL_LOCAL;
}

/* ---- what is remembered */

/* The longest time for which a group may be shown. */
static uint64_t
lifetime_ms(const struct worker *g)
{
	uint64_t most = 0;

	for (size_t i = 0; i < g->conf->acl.rules_count; i++) {
		const uint64_t tolerance = g->conf->acl.rules[i].tolerance;

		most = tolerance > most ? tolerance : most;
	}
	return 2 * most * 1000 + LIFETIME_SPARE_MS;
}

/* Something is to be told, and can be. */
static bool
may_tell(const struct worker_share *w)
{
	return (w->telling || w->untold) && share_listens(&w->share);
}

/* Tell what may still be shown, as far as it goes. */
static void
tell(struct worker *g, const struct receiver_now *now)
{
	struct worker_share *w = g->share;
	const struct replay *r = &g->receiver->replay;
	const uint64_t age = w->setup.lifetime_ms * FRAME_SECOND / 1000;

	if (!w->telling) {
		w->telling = true;
		w->untold = false;
		w->tell_at = 0;
	}
	for (uint32_t i = 0; i < TELL_MAX && w->tell_at < r->capacity; i++) {
		uint64_t tag, instant;

		if (replay_at(r, w->tell_at, &tag, &instant) &&
		    instant + age > now->instant &&
		    (!share_listens(&w->share) ||
		     !share_tell(&w->share, tag, now->ms))) {
			return;
		}
		w->tell_at++;
	}
	if (w->tell_at == r->capacity) {
		w->telling = false;
		if (!w->untold) {
			share_told(&w->share, now->ms);
		}
	}
}

/* ---- what the engine says */

static void
answer(void *context, uint64_t number, enum share_answer is)
{
	static const enum verify_reason reasons[] = {
		[SHARE_OURS] = VERIFY_ACCEPTED,
		[SHARE_TAKEN] = VERIFY_REPLAY,
		[SHARE_NO_ANSWER] = VERIFY_SHARE,
	};
	struct worker *g = context;
	struct worker_waiting *w = &g->share->waiting[number % SHARE_ASKS_MAX];
	const uint64_t ms = clock_ms();

	g->shared->share.taken += is == SHARE_TAKEN;
	if (is == SHARE_NO_ANSWER) {
		g->shared->share.late++;
		g->shared->share.late_ms = ms;
	}
	w->event.reason = reasons[is];
	judge_settle(g, w, ms);
}

/* Before, it may have known of any group: as a receiver without its file. */
static void
begun(void *context, uint64_t age_ms, bool another)
{
	struct worker *g = context;
	struct worker_share *w = g->share;
	struct receiver_now begin = { .ms = clock_ms() };

	begin.ms -= age_ms < begin.ms ? age_ms : begin.ms;
	if (another && begin.ms > g->receiver->begin_ms) {
		receiver_begin_unknown(g->receiver, &begin);
	}
	w->telling = another || w->untold;
	w->untold = false;
	w->tell_at = 0;
	if (!w->telling) {
		share_told(&w->share, clock_ms());
	}
}

/* ---- log and status */

static void
say_ready(struct worker *g, uint64_t ms)
{
	struct worker_share *w = g->share;

	w->ready_ms = ms;
	if (w->said == SHARE_IS_NONE && w->alone == 0) {
		log_say(LOG_LEVEL_INFO, "replay_share: %s: asked from now on",
			g->conf->share.engine);
	} else {
		log_say(LOG_LEVEL_WARNING,
			"replay_share: %s: asked again after %" PRIu64 " s; "
			"%" PRIu64 " let in meanwhile by this server alone",
			g->conf->share.engine, (ms - w->begun_ms + 999) / 1000,
			w->alone);
	}
	w->said = SHARE_IS_NONE;
	w->alone = 0;
}

static void
say_gone(struct worker *g, uint64_t ms)
{
	struct worker_share *w = g->share;

	if (w->ready_ms != 0) {
		w->begun_ms = ms;
		g->shared->share.lost++;
	}
	if (w->ready_ms == 0 &&
	    (w->said == w->share.trouble ||
	     (w->said != SHARE_IS_NONE && ms - w->said_ms < SAY_EVERY_MS))) {
		return;
	}
	w->ready_ms = 0;
	w->said = w->share.trouble;
	w->said_ms = ms;
	log_say(is_local(g) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
		"replay_share: %s: %s; %s", g->conf->share.engine, w->share.why,
		share_without(g));
}

static void
report(struct worker *g, uint64_t ms)
{
	const struct worker_share *w = g->share;
	const struct share *s = &w->share;

	if (s->state == SHARE_READY && w->ready_ms == 0) {
		say_ready(g, ms);
	} else if (s->state == SHARE_GONE && s->trouble != SHARE_IS_NEW) {
		say_gone(g, ms);
	}
	g->shared->share.ready = s->state == SHARE_READY;
	g->shared->share.trouble = s->trouble;
}

/* ---- the connection */

static void
drop_connection(struct worker *g, uint64_t ms)
{
	struct worker_share *w = g->share;

	if (w->ready_ms != 0 && ms - w->ready_ms >= LASTED_MS) {
		w->pause_ms = WORKER_SHARE_PAUSE_MS;
	}
	if (w->fd >= 0) {
		close(w->fd);
	}
	w->fd = -1;
	w->due_ms = ms + w->pause_ms;
	w->pause_ms = w->pause_ms * 2 < WORKER_SHARE_PAUSE_MAX_MS
		? w->pause_ms * 2
		: WORKER_SHARE_PAUSE_MAX_MS;
}

static void
lose(struct worker *g, int error)
{
	static const enum share_trouble by_tls[] = {
		[TLS_NONE] = SHARE_IS_NO_TLS,
		[TLS_FOREIGN] = SHARE_IS_FOREIGN,
		[TLS_EXPIRED] = SHARE_IS_EXPIRED,
		[TLS_OTHER_NAME] = SHARE_IS_OTHER_NAME,
	};
	struct share *s = &g->share->share;
	const bool begun = s->state >= SHARE_TELLING || error == 0;

	if (g->conf->share.tls && error == EPROTO) {
		share_lose(s, by_tls[tls_trouble(&g->share->tls)], NULL);
		return;
	}
	share_lose(s, begun ? SHARE_IS_CLOSED : SHARE_IS_UNREACHABLE,
		   error ? strerror(error) : NULL);
}

/* A connection, or why there is none. */
static void
take_connection(struct worker *g, uint64_t ms)
{
	struct worker_share *w = g->share;
	uint8_t bytes[1 + MONITOR_QUESTION_MAX];
	int fds[MONITOR_FDS] = { -1, -1 };
	struct worker_share_link link = { .error = EAGAIN };
	const ssize_t got =
		pass_fds_receive(g->to_monitor, bytes, sizeof bytes, fds);

	if (got < 0) {
		return;
	}
	w->asked = false;
	/* Its number comes first: any answer is as good. */
	if (got == 1 + (ssize_t)sizeof link) {
		memcpy(&link, bytes + 1, sizeof link);
	}
	if (w->fd >= 0) {
		/* It was asked twice. */
		if (fds[0] >= 0) {
			close(fds[0]);
		}
	} else if (fds[0] >= 0) {
		w->fd = fds[0];
		share_connect(&w->share, link.id, ms);
		if (g->conf->share.tls) {
			tls_begin(&w->tls, &w->ca, g->conf->share.host,
				  link.seed, clock_ns() / 1000000000);
		}
	} else {
		if (link.error != EAGAIN) {
			lose(g, link.error);
		}
		drop_connection(g, ms);
	}
}

static void
ask_monitor(struct worker *g, uint64_t ms)
{
	struct worker_share *w = g->share;

	if (w->asked && ms - w->asked_ms < ANSWER_MS) {
		return;
	}
	if (w->fd < 0 && ms >= w->due_ms) {
		w->asked = monitor_question(g->to_monitor, 0, "c", 1) == 0;
		w->asked_ms = ms;
		w->due_ms = ms + WORKER_SHARE_PAUSE_MS;
	}
}

static void
receive(struct worker *g, uint64_t ms)
{
	struct worker_share *w = g->share;

	for (int i = 0; i < READS_MAX && w->share.state != SHARE_GONE; i++) {
		size_t size;
		uint8_t *room = share_room(&w->share, &size);
		const ssize_t got = g->conf->share.tls
			? tls_recv(&w->tls, w->fd, room, size)
			: recv(w->fd, room, size, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		if (got <= 0) {
			lose(g, got < 0 ? errno : 0);
			return;
		}
		share_take(&w->share, (size_t)got, ms);
		if ((size_t)got < size && !g->conf->share.tls) {
			return;
		}
	}
}

/* Of what TLS has taken, some may have to wait for the socket. */
static bool
wants_out(const struct worker *g)
{
	return g->share->share.out_len > 0 ||
		(g->conf->share.tls && tls_wants_out(&g->share->tls));
}

void
worker_share_flush(struct worker *g)
{
	struct worker_share *w = g->share;
	ssize_t sent;

	while (w && w->fd >= 0 && w->share.state != SHARE_GONE &&
	       wants_out(g)) {
		sent = g->conf->share.tls
			? tls_send(&w->tls, w->fd, w->share.out,
				   w->share.out_len)
			: send(w->fd, w->share.out, w->share.out_len,
			       MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			lose(g, errno);
		}
		if (sent <= 0) {
			return;
		}
		share_sent(&w->share, (size_t)sent);
	}
}

/* ---- the worker's turns */

void
worker_share_fds(const struct worker *g, struct pollfd *fds)
{
	const struct worker_share *w = g->share;
	bool out;

	fds[0] = fds[1] = (struct pollfd){ .fd = -1 };
	if (!w) {
		return;
	}
	fds[0] = (struct pollfd){ .fd = g->to_monitor, .events = POLLIN };
	out = g->conf->share.tls ? w->fd >= 0 && tls_wants_out(&w->tls)
				 : w->share.out_len > 0;
	fds[1] = (struct pollfd){
		.fd = w->fd,
		.events = (short)(POLLIN | (out ? POLLOUT : 0)),
	};
}

/* What TLS has read wakes nobody. */
static bool
has_more(const struct worker *g)
{
	return g->conf->share.tls && g->share->fd >= 0 &&
		tls_has_more(&g->share->tls);
}

int64_t
worker_share_wait(const struct worker *g, uint64_t ms)
{
	const struct worker_share *w = g->share;
	int64_t due;

	if (!w) {
		return -1;
	}
	if (w->fd < 0) {
		return w->asked          ? ANSWER_MS
			: w->due_ms > ms ? (int64_t)(w->due_ms - ms)
					 : 0;
	}
	due = share_due(&w->share, ms);
	return has_more(g) || (w->share.out_len == 0 && may_tell(w)) ? 0 : due;
}

void
worker_share_serve(struct worker *g, const struct pollfd *fds)
{
	const struct receiver_now now = worker_now();
	struct worker_share *w = g->share;

	if (!w) {
		return;
	}
	w->share.wait_ms = g->conf->share_wait;
	if (fds[0].revents) {
		take_connection(g, now.ms);
	} else if (w->fd >= 0 && fds[1].fd == w->fd &&
		   (fds[1].revents & (POLLIN | POLLERR | POLLHUP) ||
		    has_more(g))) {
		receive(g, now.ms);
	}
	share_tick(&w->share, now.ms);
	if (may_tell(w)) {
		tell(g, &now);
	}
	worker_share_flush(g);
	report(g, now.ms);
	if (w->fd >= 0 && w->share.state == SHARE_GONE) {
		drop_connection(g, now.ms);
	}
	ask_monitor(g, now.ms);
}

/* ---- groups */

/*
 * Take it out: nothing is let in by this result.  What was held before is a
 * SYN of a service that answers strangers nothing.
 */
static void
take_out(struct worker *g, struct receiver_result *result, size_t event,
	 struct worker_waiting *w)
{
	w->event = result->events[event];
	result->events[event] = result->events[--result->events_count];
	for (size_t i = 0; i < result->releases_count; i++) {
		if (result->releases[i].verdict == RECEIVER_ACCEPT) {
			w->name = result->releases[i].id;
			w->mark = admitted_mark(&g->admitted, w->name);
			w->refusal = RECEIVER_DROP;
			result->releases[i] =
				result->releases[--result->releases_count];
			break;
		}
	}
	if (result->verdict == RECEIVER_ACCEPT) {
		result->verdict = RECEIVER_HOLD;
	}
	/* It is counted with its answer. */
	g->receiver->counters.by_reason[VERIFY_ACCEPTED]--;
}

/* Without the engine it is remembered here, and told later. */
static void
let_in_alone(struct worker *g, uint64_t tag, uint64_t ms)
{
	struct worker_share *w = g->share;

	g->shared->share.alone++;
	w->alone++;
	w->untold |= !share_tell(&w->share, tag, ms);
}

/* Whether there is an engine is not known yet: TCP asks again. */
static bool
is_new(const struct worker_share *w, uint64_t ms)
{
	return w->share.trouble == SHARE_IS_NEW &&
		ms - w->begun_ms < SHARE_SILENT_MS;
}

static size_t
find_accepted(const struct receiver_result *result)
{
	size_t at = 0;

	while (at < result->events_count &&
	       result->events[at].reason != VERIFY_ACCEPTED) {
		at++;
	}
	return at;
}

void
worker_share_defer(struct worker *g, struct receiver_result *result,
		   const struct worker_waiting *waiting, uint64_t ms)
{
	const size_t at = find_accepted(result);
	struct worker_share *w = g->share;
	struct worker_waiting own = *waiting;
	uint64_t number;

	if (!w || at == result->events_count) {
		return;
	}
	g->shared->share.asked++;
	if (share_ask(&w->share, result->events[at].tag, ms, &number)) {
		take_out(g, result, at, &own);
		w->waiting[number % SHARE_ASKS_MAX] = own;
		return;
	}
	if (is_local(g) && w->share.state != SHARE_READY && !is_new(w, ms)) {
		let_in_alone(g, result->events[at].tag, ms);
		return;
	}
	take_out(g, result, at, &own);
	own.event.reason = VERIFY_SHARE;
	judge_settle(g, &own, ms);
}

/* ---- begin and end */

int
worker_share_open(struct worker *g)
{
	char err[CONF_ERROR_MAX];

	if (g->conf->share.engine[0] == '\0') {
		return TAP_OK;
	}
	g->share = monitor_worker_memory(sizeof *g->share);
	if (!g->share) {
		return log_fail("memory", -ENOMEM);
	}
	/* Without one no certificate is good, and nobody gets in. */
	if (g->conf->share.tls &&
	    ca_file_load(&g->share->ca, g->conf->share.ca, err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
	}
	return TAP_OK;
}

void
worker_share_prepare(struct worker *g)
{
	g->shared->share.ready = false;
	g->shared->share.trouble = SHARE_IS_NEW;
}

void
worker_share_begin(struct worker *g)
{
	const struct share_owner owner = { g, answer, begun };
	struct worker_share *w = g->share;

	if (!w) {
		return;
	}
	w->fd = -1;
	w->pause_ms = WORKER_SHARE_PAUSE_MS;
	w->begun_ms = clock_ms();
	w->setup = (struct share_setup){
		.user = g->conf->share.user,
		.password = g->conf->share.password,
		.db = g->conf->share.db,
		.lifetime_ms = lifetime_ms(g),
	};
	share_init(&w->share, &w->setup, &owner);
	w->share.wait_ms = g->conf->share_wait;
}

void
worker_share_leave(struct worker *g)
{
	if (g->share) {
		share_lose(&g->share->share, SHARE_IS_CLOSED, NULL);
	}
}
