#include "scan_check/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/why.h"
#include "measure/connect.h"
#include "scan_check/scan_state.h"

/* How many queued probes to examine per turn when their hosts must wait. */
#define LOOK_MAX 64u
/* Retry so much later when the kernel has no buffer space, ms. */
#define BLOCKED_MS 10u
/*
 * A connection's time, ms.  After a second the kernel repeats its SYN; an
 * ICMPv6 error that comes back before connect(2) has, as from near hosts,
 * is lost on it, and only the next one tells (nmap's own timeout is too
 * short for that, and so its results vary there).
 */
#define DIAL_TIMEOUT_MIN 1500u
/* The longest sleep, ms, so that the progress line is updated. */
#define SLEEP_MAX 100u

/* ---- what is found */

/* Stop waiting for a probe. */
static void
land(struct scan *s, struct shot *shot)
{
	timing_landed(scan_host(s, shot->probe));
	outstanding_end(&s->outstanding, shot);
}

static void
note_rtt(struct scan *s, size_t probe, unsigned try, uint64_t us)
{
	uint32_t rtt = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;

	timing_answered(scan_host(s, probe), s->o->samples ? 0 : try, rtt);
	timing_grow(scan_host(s, probe), try, scan_ms(), s->before[probe]);
	if (s->f->at[probe].rtt_us == 0) {
		s->f->at[probe].rtt_us = rtt;
	}
}

/* Record what an answer says, if it is the first that says anything. */
static void
decide_by(struct scan *s, size_t probe, const struct scan_io_event *event)
{
	/* For UDP nothing better will come. */
	if (event->unsure && event->packet.kind != ANSWER_UDP) {
		finding_hint(s->f, probe, &event->packet);
	} else if (finding_answer(s->f, probe, &event->packet)) {
		s->decided += !s->parked[probe];
	}
}

/* An answer to a probe of which samples are taken. */
static void
sample_answer(struct scan *s, const struct scan_io_event *event, size_t probe,
	      unsigned try)
{
	const struct answer *a = &event->packet;
	struct finding_place place = finding_place(s->f, probe);
	struct distinguish_sample *sample = scan_sample(s, probe, try);

	/* Data from an open port says nothing new. */
	if (a->kind == ANSWER_TCP && sample->packets > 0 &&
	    !(a->flags & (PACKET_SYN | PACKET_RST))) {
		return;
	}
	distinguish_observe(sample, a, &s->f->targets[place.target].addr,
			    event->ns);
	if (sample->packets == 1 && sample->sent_ns &&
	    event->ns > sample->sent_ns) {
		note_rtt(s, probe, try, (event->ns - sample->sent_ns) / 1000);
	}
}

static void
take_sent(struct scan *s, const struct scan_io_event *event, size_t probe,
	  unsigned try)
{
	struct distinguish_sample *sample = scan_sample(s, probe, try);
	struct shot *shot = outstanding_find(&s->outstanding, probe);

	if (sample && sample->sent_ns == 0) {
		sample->sent_ns = event->ns;
		if (event->is_dial) {
			sample->numbers.seq = event->packet.seq;
			sample->numbers.id = event->packet.id;
		}
	}
	if (shot && shot->try == try && shot->sent_ns == 0) {
		shot->sent_ns = event->ns;
	}
}

/* From a probe to its answer, in microseconds, as well as is known. */
static uint64_t
rtt_of(struct scan *s, const struct shot *shot,
       const struct scan_io_event *event)
{
	if (!shot || shot->try != event->try) {
		/* A probe that was given up counts as this long at least. */
		return timing_timeout(scan_host(s, event->probe)) *
			UINT64_C(1000);
	}
	if (shot->sent_ns && event->ns > shot->sent_ns) {
		return (event->ns - shot->sent_ns) / 1000;
	}
	return clock_us() - shot->sent_us;
}

static void
take_answer(struct scan *s, const struct scan_io_event *event)
{
	size_t probe = event->probe;
	struct shot *shot = outstanding_find(&s->outstanding, probe);

	if (s->o->samples) {
		sample_answer(s, event, probe, event->try);
		decide_by(s, probe, event);
		return;
	}
	if (scan_is_decided(s, probe)) {
		return;
	}
	decide_by(s, probe, event);
	if (scan_is_decided(s, probe)) {
		note_rtt(s, probe, event->try, rtt_of(s, shot, event));
		if (event->packet.kind == ANSWER_ICMP) {
			timing_icmp(scan_host(s, probe), scan_kind(s, probe));
		}
		if (shot) {
			land(s, shot);
		}
	}
}

static void
take_event(struct scan *s, const struct scan_io_event *event)
{
	size_t probe = event->probe;
	unsigned try = event->try;

	if (event->is_dial) {
		const struct shot *shot = &s->outstanding.shots[event->dial];

		probe = shot->probe;
		try = shot->try;
	}
	if (event->sent) {
		bool begins = !event->is_dial ||
			(event->packet.flags & (PACKET_SYN | PACKET_ACK)) ==
				PACKET_SYN;

		if (begins) {
			take_sent(s, event, probe, try);
		}
	} else if (!event->is_dial) {
		take_answer(s, event);
	} else if (s->o->samples) {
		sample_answer(s, event, probe, try);
	}
}

/* ---- connections */

static void
take_dial(struct scan *s, struct shot *shot)
{
	int error;

	dial_look(&shot->dial);
	error = shot->dial.error;
	if (error == DIAL_WAITING) {
		return;
	}
	if (finding_connected(s->f, shot->probe, error)) {
		s->decided += !s->parked[shot->probe];
	}
	if (!s->o->samples) {
		note_rtt(s, shot->probe, shot->try, clock_us() - shot->sent_us);
	}
	land(s, shot);
}

/* ---- sending */

static struct shot *
fly(struct scan *s, size_t probe, unsigned try)
{
	uint32_t timeout = timing_timeout(scan_host(s, probe));

	if (scan_scan(s, probe) == PROBE_CONNECT &&
	    timeout < DIAL_TIMEOUT_MIN) {
		timeout = DIAL_TIMEOUT_MIN;
	}
	return outstanding_add(&s->outstanding, probe, try, clock_us(),
			       timeout);
}

static int
launch_dial(struct scan *s, size_t probe, unsigned try)
{
	struct finding_place place = finding_place(s->f, probe);
	const struct target_addr *target = &s->f->targets[place.target];
	struct dial dial;
	int rc = dial_begin(&dial, &target->addr, target->device,
			    s->f->ports[place.port]);

	if (rc < 0) {
		return rc;
	}
	outstanding_dial(&s->outstanding, fly(s, probe, try), &dial);
	return 0;
}

/* Send one: 0, -EAGAIN where there is no room, or a fatal error. */
static int
launch(struct scan *s, size_t probe)
{
	unsigned try = s->tries[probe];
	struct distinguish_sample *sample = scan_sample(s, probe, try);
	bool dials = scan_scan(s, probe) == PROBE_CONNECT;
	int rc = dials ? launch_dial(s, probe, try)
		       : scan_io_send(&s->io, probe, try);

	if (rc == -ENOBUFS || rc == -EAGAIN) {
		return -EAGAIN;
	}
	if (scan_io_is_fatal(rc)) {
		return rc;
	}
	if (rc < 0) {
		s->summary->unsent++;
		s->summary->unsent_errno = -rc;
		s->f->at[probe].reason = FINDING_UNSENT;
		s->f->at[probe].detail = (uint16_t)-rc;
	}
	if (!dials && !s->o->samples) {
		fly(s, probe, try);
	}
	if (sample) {
		sample->sent = true;
		if (!dials) {
			sample->numbers = scan_io_numbers(&s->io, probe, try);
		}
	}
	s->tries[probe]++;
	s->last_sent = scan_ms();
	s->before[probe] = s->sent[probe];
	s->sent[probe] = s->last_sent;
	timing_sent(scan_host(s, probe), s->last_sent, scan_kind(s, probe),
		    try > 0);
	if (dials && rc < 0) {
		/* No connection was begun: there is no answer to wait for. */
		timing_landed(scan_host(s, probe));
	}
	return 0;
}

/* Which probe is the nth: all ports of one scan, then the next scan. */
static size_t
nth(const struct scan *s, size_t n)
{
	size_t each = s->f->target_count * s->f->port_count;
	struct finding_place place = {
		.scan = n / each,
		.port = n % each / s->f->target_count,
		.target = n % s->f->target_count,
	};

	return finding_at(s->f, &place);
}

static bool
next_probe(struct scan *s, uint64_t ms, size_t *probe)
{
	size_t looks =
		s->schedule.queued < LOOK_MAX ? s->schedule.queued : LOOK_MAX;

	if (s->o->samples) {
		return schedule_sample(&s->schedule, probe);
	}
	for (; looks > 0 && schedule_repeat(&s->schedule, probe); looks--) {
		if (scan_is_decided(s, *probe)) {
			continue;
		}
		if (timing_ready(scan_host(s, *probe), ms)) {
			return true;
		}
		schedule_again(&s->schedule, *probe);
	}
	for (looks = LOOK_MAX; looks > 0 && schedule_fresh(&s->schedule, probe);
	     looks--) {
		*probe = nth(s, *probe);
		if (timing_ready(scan_host(s, *probe), ms)) {
			return true;
		}
		schedule_again(&s->schedule, *probe);
	}
	return false;
}

/* It could not be sent yet: queue it again; a sample stays the next one. */
static void
put_back(struct scan *s, size_t probe)
{
	if (!s->o->samples) {
		schedule_again(&s->schedule, probe);
	}
}

/* Send as much as the rate allows now. Returns 0 or a fatal error. */
static int
send_some(struct scan *s)
{
	uint64_t ms = scan_ms();

	while (s->outstanding.count < OUTSTANDING_MAX && ms >= s->blocked) {
		size_t probe;
		int rc;

		if (!next_probe(s, ms, &probe)) {
			return 0;
		}
		if (!timing_bucket_take(&s->bucket, clock_us())) {
			put_back(s, probe);
			return 0;
		}
		rc = launch(s, probe);
		if (rc == -EAGAIN) {
			s->blocked = ms + BLOCKED_MS;
			put_back(s, probe);
		} else if (rc < 0) {
			return rc;
		} else if (s->o->samples) {
			schedule_sampled(&s->schedule);
		}
	}
	return 0;
}

/* ---- time */

static void
expire(struct scan *s)
{
	uint64_t ms = scan_ms();
	struct shot *shot;

	while ((shot = outstanding_expired(&s->outstanding, ms)) != NULL) {
		size_t probe = shot->probe;
		struct timing *host = scan_host(s, probe);

		if (shot->try == 0 && !scan_is_decided(s, probe)) {
			timing_silent(host);
		}
		land(s, shot);
		if (s->o->samples) {
			continue;
		}
		if (timing_again(host, s->tries[probe])) {
			schedule_again(&s->schedule, probe);
		} else if (!s->parked[probe]) {
			s->parked[probe] = true;
			s->decided++;
		}
	}
}

/* An answer came late: probes that were given up may still be answered. */
static bool
unpark(struct scan *s)
{
	bool any = false;

	for (size_t i = 0; i < s->f->count; i++) {
		if (s->parked[i] && !scan_is_decided(s, i) &&
		    timing_again(scan_host(s, i), s->tries[i])) {
			s->parked[i] = false;
			s->decided--;
			schedule_again(&s->schedule, i);
			any = true;
		}
	}
	return any;
}

static uint32_t
longest_timeout(const struct scan *s)
{
	uint32_t longest = 0;

	for (size_t i = 0; i < s->f->target_count; i++) {
		uint32_t timeout = timing_timeout(&s->hosts[i]);

		longest = timeout > longest ? timeout : longest;
	}
	return longest;
}

static bool
is_over(struct scan *s)
{
	if (s->outstanding.count > 0 || schedule_waits(&s->schedule)) {
		return false;
	}
	return s->o->samples ? scan_ms() >= s->last_sent + longest_timeout(s)
			     : !unpark(s);
}

/* Read the captures first: they show why a connection ended. */
static int
take_all(struct scan *s)
{
	struct scan_io_event event;
	int rc;

	while ((rc = scan_io_next(&s->io, &event)) == 1) {
		take_event(s, &event);
	}
	return rc;
}

static void
tell_progress(const struct scan *s)
{
	const struct schedule *r = &s->schedule;

	if (s->o->samples) {
		s->o->progress(s->o->context, r->round * r->count + r->place,
			       r->rounds * r->count);
	} else {
		s->o->progress(s->o->context, s->decided, r->count);
	}
}

static int
turn(struct scan *s)
{
	int rc = send_some(s);

	if (rc == 0) {
		uint64_t ms = scan_ms();

		outstanding_wait(
			&s->outstanding, ms,
			ms + (schedule_waits(&s->schedule) ? 1 : SLEEP_MAX));
		rc = take_all(s);
	}
	for (size_t i = 0; i < OUTSTANDING_MAX; i++) {
		struct shot *shot = &s->outstanding.shots[i];

		if (shot->used && shot->dials) {
			take_dial(s, shot);
		}
	}
	expire(s);
	tell_progress(s);
	return rc;
}

static void
settle(struct scan *s)
{
	for (size_t i = 0; i < s->f->count; i++) {
		finding_settle(s->f, i, s->tries[i]);
	}
}

static int
prepare(struct scan *s)
{
	size_t count = s->f->count;
	size_t *queue = calloc(count, sizeof *queue);
	size_t *order = calloc(count, sizeof *order);
	uint64_t seed = 0;

	s->schedule.queue = queue;
	s->schedule.order = order;
	s->hosts = calloc(s->f->target_count, sizeof *s->hosts);
	s->tries = calloc(count, sizeof *s->tries);
	s->parked = calloc(count, sizeof *s->parked);
	s->sent = calloc(count, sizeof *s->sent);
	s->before = calloc(count, sizeof *s->before);
	if (!s->hosts || !s->tries || !s->parked || !s->sent || !s->before ||
	    !queue || !order) {
		return -ENOMEM;
	}
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
		return -errno;
	}
	schedule_init(&s->schedule, count, queue, order, s->o->samples, seed);
	for (size_t i = 0; i < s->f->target_count; i++) {
		timing_init(&s->hosts[i], s->o->timeout_min);
		if (s->o->adapts) {
			timing_adapt(&s->hosts[i]);
		}
	}
	timing_bucket_init(&s->bucket, s->o->rate, clock_us());
	return 0;
}

static void
finish(struct scan *s)
{
	free(s->hosts);
	free(s->tries);
	free(s->parked);
	free(s->sent);
	free(s->before);
	free(s->schedule.queue);
	free(s->schedule.order);
	free(s);
}

int
scan_run(struct findings *findings, struct distinguish_sample *samples,
	 const struct scan_options *options, struct scan_summary *summary,
	 char *why)
{
	struct scan *s = calloc(1, sizeof *s);
	struct scan_io_options io = options->io;
	int closed;
	int rc;

	why_set(why, -1, "out of memory");
	if (!s) {
		return -ENOMEM;
	}
	memset(summary, 0, sizeof *summary);
	s->f = findings;
	s->o = options;
	s->samples = samples;
	s->summary = summary;
	s->outstanding.io = &s->io;
	rc = prepare(s);
	if (rc == 0) {
		io.tries = s->tries;
		rc = scan_io_open(&s->io, findings, &io, why);
	}
	if (rc == 0) {
		while (rc == 0 && !is_over(s)) {
			rc = turn(s);
		}
		if (rc < 0) {
			why_set(why, -1, "%s%s%s",
				s->io.file.error ? io.file : "",
				s->io.file.error ? ": " : "", strerror(-rc));
		}
		settle(s);
		outstanding_end_all(&s->outstanding);
		summary->lost = captures_lost(&s->io.captures);
		closed = scan_io_close(&s->io);
		if (closed < 0 && rc == 0) {
			why_set(why, -1, "%s: %s", io.file, strerror(-closed));
			rc = closed;
		}
	}
	finish(s);
	return rc;
}
