#include "scan_check/pattern_run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/why.h"
#include "base/siphash.h"
#include "measure/captures.h"
#include "measure/probe.h"
#include "measure/timing.h"
#include "os/clock.h"
#include "os/rawsock.h"
#include "os/source_ports.h"
#include "scan_check/schedule.h"

/*
 * Each port is reused only after so many packets, so that late answers are
 * recognised.
 */
#define SPORTS (4 * PORTS_AHEAD)
/* How long to wait for answers after the last packet, ms. */
#define LATE_MS 1000u
/*
 * Hosts limit their ICMP errors (Linux: one a second, six at once). If
 * fragments are answered by ICMP, send them this slowly, so that enough answers
 * come.
 */
#define ICMP_PAUSE_US 250000u
/* To find a neighbour of an anycast address, ms (RFC 4861, 7.2.7). */
#define ANYCAST_MS 1200u
#define NO_SAMPLE SIZE_MAX

/* What a source port, or an echo's number, was last used for. */
struct use {
	size_t sample; /* NO_SAMPLE: nothing */
	uint32_t token;
	bool begins;    /* the sample's time begins when this is sent */
	bool companion; /* its answer is only counted */
};

struct runner {
	const struct findings *f;
	const struct pattern_options *o;
	struct distinguish_sample *samples;
	struct route *routes;
	struct rawsock raw;
	struct ports pools[SPORTS / PORTS_AHEAD];
	uint16_t sports[SPORTS];
	size_t next_sport;
	struct use by_port[65536];
	struct use by_echo[65536];
	uint16_t echo_id, echo_seq;
	struct captures captures;
	struct timing_bucket bucket;
	struct hash_key secret;
	uint64_t counter;
	uint64_t pieces_us; /* when pieces may go out again */
	bool icmp;          /* some got an error */
};

size_t
pattern_at(const struct findings *f, size_t target, size_t port,
	   enum pattern pattern, unsigned samples)
{
	return ((target * f->port_count + port) * PATTERN_KINDS + pattern) *
		samples;
}

/* ---- answers */

/* Of the sample that a packet with these numbers belongs to, or NULL. */
static struct use *
find_use(struct runner *r, uint16_t sport)
{
	struct use *use = &r->by_port[sport];

	return use->sample == NO_SAMPLE ? NULL : use;
}

static const struct packet_addr *
target_of(const struct runner *r, size_t sample)
{
	size_t each = (size_t)r->o->samples * PATTERN_KINDS * r->f->port_count;

	return &r->f->targets[sample / each].addr;
}

static enum pattern
pattern_of(const struct runner *r, size_t sample)
{
	return (enum pattern)(sample / r->o->samples % PATTERN_KINDS);
}

static void
take_segment(struct runner *r, const struct answer *a, uint64_t ns)
{
	const struct answer_flow *flow =
		a->kind == ANSWER_ICMP ? &a->quoted : &a->flow;
	bool out = a->kind == ANSWER_ICMP;
	struct use *use = find_use(r, out ? flow->sport : flow->dport);
	struct probe_numbers numbers;
	struct distinguish_sample *s;

	if (!use) {
		return;
	}
	numbers = probe_numbers(use->token);
	if (out ? a->quoted_seq != numbers.seq
		: a->ack - numbers.seq > 1 && a->seq != numbers.ack) {
		return;
	}
	s = &r->samples[use->sample];
	if (use->companion) {
		s->values[DISTINGUISH_ORDER] += s->packets == 0;
		return;
	}
	if (pattern_of(r, use->sample) == PATTERN_PING) {
		return; /* its answer is the ping's */
	}
	if (pattern_of(r, use->sample) == PATTERN_FRAGMENT &&
	    a->kind == ANSWER_ICMP) {
		r->icmp = true;
	}
	distinguish_observe(s, a, target_of(r, use->sample), ns);
}

static void
take_sent(struct runner *r, const struct answer *a, uint64_t ns)
{
	struct use *use = find_use(r, a->flow.sport);

	if (use && use->begins && probe_numbers(use->token).seq == a->seq &&
	    r->samples[use->sample].sent_ns == 0) {
		r->samples[use->sample].sent_ns = ns;
	}
}

static void
take_echo(struct runner *r, uint16_t id, uint16_t seq, uint64_t ns)
{
	size_t sample = r->by_echo[seq].sample;

	if (id == r->echo_id && sample != NO_SAMPLE &&
	    r->samples[sample].packets == 0) {
		r->samples[sample].packets = 1;
		r->samples[sample].answered_ns = ns;
	}
}

static void
take_packet(struct runner *r, const struct cap_packet *packet)
{
	struct answer a;
	uint16_t id, seq;

	if (pattern_is_reply(packet->ip, packet->len, &id, &seq)) {
		take_echo(r, id, seq, packet->ns);
	}
	if (answer_parse(&a, packet->ip, packet->len, packet->wire_len) < 0 ||
	    a.kind == ANSWER_UDP) {
		return;
	}
	if (a.kind == ANSWER_TCP && find_use(r, a.flow.sport)) {
		take_sent(r, &a, packet->ns);
	}
	take_segment(r, &a, packet->ns);
}

static int
take_all(struct runner *r)
{
	struct cap_packet packet;
	int rc;

	while ((rc = captures_next(&r->captures, &packet)) == 1) {
		take_packet(r, &packet);
	}
	return rc;
}

/* Take answers until then (microseconds), at least once. */
static int
take_until(struct runner *r, uint64_t until_us)
{
	struct pollfd fds[CAPTURES_MAX];
	nfds_t count = captures_poll(&r->captures, fds);
	uint64_t now;
	int rc = take_all(r);

	while (rc == 0 && (now = clock_us()) < until_us) {
		poll(fds, count, (int)((until_us - now + 999) / 1000));
		rc = take_all(r);
	}
	return rc;
}

/* ---- sending */

static struct use *
next_sport(struct runner *r, struct pattern_probe *probe, size_t which)
{
	r->counter++;
	probe->sports[which] = r->sports[r->next_sport];
	probe->tokens[which] = (uint32_t)hash_bytes(&r->secret, &r->counter,
						    sizeof r->counter);
	r->next_sport = (r->next_sport + 1) % SPORTS;
	return &r->by_port[probe->sports[which]];
}

static void
fill_probe(struct runner *r, struct pattern_probe *probe, size_t sample)
{
	size_t count = pattern_segments(probe->pattern);

	for (size_t i = 0; i < count; i++) {
		struct use *use = next_sport(r, probe, i);

		*use = (struct use){
			.sample = sample,
			.token = probe->tokens[i],
			.begins = i == 0,
			.companion = probe->pattern == PATTERN_BURST &&
				i + 1 < count,
		};
	}
	probe->echo_id = r->echo_id;
	probe->echo_seq = ++r->echo_seq;
	if (probe->pattern == PATTERN_PING) {
		r->by_echo[probe->echo_seq].sample = sample;
	}
}

/* Wait for all tokens first: the packets of a pattern go out back to back. */
static int
await_turn(struct runner *r, enum pattern pattern, size_t packets)
{
	int rc = 0;

	for (size_t i = 0; i < packets && rc == 0; i++) {
		while (rc == 0 && !timing_bucket_take(&r->bucket, clock_us())) {
			rc = take_until(r, clock_us() + 500);
		}
	}
	if (rc == 0 && pattern == PATTERN_FRAGMENT) {
		rc = r->icmp ? take_until(r, r->pieces_us) : 0;
		r->pieces_us = clock_us() + ICMP_PAUSE_US;
	}
	return rc;
}

static int
send_batches(struct runner *r, const struct pattern_probe *probe,
	     uint32_t device, const struct pattern_packet *packets,
	     size_t count)
{
	struct packet_addr dst = probe->pattern == PATTERN_ANYCAST
		? pattern_anycast(&probe->dst)
		: probe->dst;
	int rc = 0;

	for (size_t at = 0; at < count && rc == 0; at += RAWSOCK_BATCH) {
		struct packet_view views[RAWSOCK_BATCH];
		size_t some =
			count - at < RAWSOCK_BATCH ? count - at : RAWSOCK_BATCH;

		for (size_t i = 0; i < some; i++) {
			views[i] = (struct packet_view){
				.bytes = packets[at + i].bytes,
				.len = packets[at + i].len,
			};
		}
		rc = rawsock_send(&r->raw, &probe->src, &dst, device, 0, views,
				  some);
	}
	return rc;
}

/* A packet that can't be sent makes no sample, but does not end the run. */
static int
send_sample(struct runner *r, size_t target, size_t port, enum pattern pattern,
	    unsigned round)
{
	const struct findings *f = r->f;
	size_t sample =
		pattern_at(f, target, port, pattern, r->o->samples) + round;
	struct pattern_packet packets[PATTERN_PACKETS];
	struct pattern_probe probe = {
		.pattern = pattern,
		.src = r->routes[target].src,
		.dst = f->targets[target].addr,
		.port = f->ports[port],
		.reference = f->ports[r->o->reference],
	};
	size_t count;
	int rc;

	if (pattern == PATTERN_ANYCAST && probe.dst.family != 6) {
		return 0;
	}
	fill_probe(r, &probe, sample);
	count = pattern_build(packets, &probe);
	rc = await_turn(r, pattern, count);
	if (rc < 0) {
		return rc;
	}
	if (send_batches(r, &probe, f->targets[target].device, packets,
			 count) == 0) {
		r->samples[sample].sent = true;
		r->samples[sample].numbers = probe_numbers(probe.tokens[0]);
	}
	return take_all(r);
}

/*
 * Neighbour discovery of an anycast address takes long, and few packets are
 * queued meanwhile. So send one ahead that is no sample.
 */
static int
find_anycast(struct runner *r)
{
	bool any = false;

	for (size_t i = 0; i < r->f->target_count; i++) {
		struct pattern_packet packets[PATTERN_PACKETS];
		struct pattern_probe probe = {
			.pattern = PATTERN_ANYCAST,
			.src = r->routes[i].src,
			.dst = r->f->targets[i].addr,
			.port = r->f->ports[r->o->reference],
		};

		if (probe.dst.family == 6 && r->o->wanted[PATTERN_ANYCAST]) {
			next_sport(r, &probe, 0)->sample = NO_SAMPLE;
			pattern_build(packets, &probe);
			send_batches(r, &probe, r->f->targets[i].device,
				     packets, 1);
			any = true;
		}
	}
	return any ? take_until(r, clock_us() + ANYCAST_MS * 1000u) : 0;
}

/* A place in the order of a round: a target, a port, a pattern. */
static int
send_place(struct runner *r, size_t place, unsigned round)
{
	enum pattern pattern = (enum pattern)(place % PATTERN_KINDS);
	size_t port = place / PATTERN_KINDS % r->f->port_count;
	size_t target = place / PATTERN_KINDS / r->f->port_count;

	if (!r->o->wanted[pattern]) {
		return 0;
	}
	return send_sample(r, target, port, pattern, round);
}

static int
send_all(struct runner *r)
{
	size_t count = r->f->target_count * r->f->port_count * PATTERN_KINDS;
	size_t *order = calloc(count, sizeof *order);
	struct schedule schedule;
	size_t place;
	int rc;

	if (!order) {
		return -ENOMEM;
	}
	rc = find_anycast(r);
	schedule_init(&schedule, count, NULL, order, r->o->samples,
		      r->secret.k0);
	while (rc == 0 && schedule_sample(&schedule, &place)) {
		rc = send_place(r, place, schedule.round);
		schedule_sampled(&schedule);
		r->o->progress(r->o->context,
			       schedule.round * count + schedule.place,
			       r->o->samples * count);
	}
	free(order);
	return rc < 0 ? rc : take_until(r, clock_us() + LATE_MS * 1000u);
}

/* ---- before and after */

static int
find_ways(struct runner *r, char *why)
{
	const size_t count = r->f->target_count;
	int rc = captures_routes(&r->routes, r->f->targets, count, why);

	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = captures_add(&r->captures, r->routes[i].device,
				  "tcp or icmp or icmp6", why);
	}
	return rc;
}

static int
open_runner(struct runner *r, char *why)
{
	int rc = rawsock_open(&r->raw);

	if (rc < 0) {
		return why_errno(why, rc, "raw socket");
	}
	for (size_t i = 0; i < SPORTS && rc == 0; i += PORTS_AHEAD) {
		rc = ports_take(&r->pools[i / PORTS_AHEAD], r->sports + i,
				PORTS_AHEAD);
	}
	if (rc < 0) {
		return why_errno(why, rc, "source ports");
	}
	for (size_t i = 0; i < 65536; i++) {
		r->by_port[i].sample = r->by_echo[i].sample = NO_SAMPLE;
	}
	if (getrandom(&r->secret, sizeof r->secret, 0) !=
	    (ssize_t)sizeof r->secret) {
		return why_errno(why, -errno, "random numbers");
	}
	r->echo_id = (uint16_t)r->secret.k1;
	timing_bucket_init(&r->bucket, r->o->rate, clock_us());
	return find_ways(r, why);
}

int
pattern_run(const struct findings *f, struct distinguish_sample *samples,
	    const struct pattern_options *options, char *why)
{
	struct runner *r = calloc(1, sizeof *r);
	int rc;

	if (!r) {
		return why_errno(why, -ENOMEM, "patterns");
	}
	r->f = f;
	r->o = options;
	r->samples = samples;
	r->raw.fd4 = r->raw.fd6 = -1;
	for (size_t i = 0; i < SPORTS / PORTS_AHEAD; i++) {
		ports_init(&r->pools[i]);
	}
	rc = open_runner(r, why);
	if (rc == 0) {
		rc = send_all(r);
		if (rc < 0) {
			why_errno(why, rc, "patterns");
		}
	}
	captures_close(&r->captures);
	for (size_t i = 0; i < SPORTS / PORTS_AHEAD; i++) {
		ports_close(&r->pools[i]);
	}
	if (r->raw.fd4 >= 0) {
		rawsock_close(&r->raw);
	}
	free(r->routes);
	free(r);
	return rc;
}
