#include "replay_test/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "os/clock.h"
#include "base/text.h"

/* Retry so much later when the kernel has no buffer space. */
#define BLOCKED_MS 5

static void
make_filter(const struct attack_wire_options *o, char *out)
{
	struct text t = text_over(out, CAP_FILTER_MAX);

	text_put(&t, "icmp or icmp6 or (tcp and (");
	for (size_t i = 0; i < o->target_count; i++) {
		const struct packet_addr *addr = &o->targets[i].addr;
		char name[INET6_ADDRSTRLEN] = "";

		inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes,
			  name, sizeof name);
		text_put(&t, "%ssrc host %s", i ? " or " : "", name);
	}
	text_put(&t, ") and (");
	for (size_t i = 0; i < o->port_count; i++) {
		text_put(&t, "%ssrc port %u", i ? " or " : "", o->ports[i]);
	}
	text_put(&t, "))");
}

int
attack_wire_open(struct attack_wire *s,
		 const struct attack_wire_options *options, char *why)
{
	char filter[CAP_FILTER_MAX];
	int rc;

	memset(s, 0, sizeof *s);
	ports_init(&s->ports);
	s->mark = options->mark;
	timing_bucket_init(&s->bucket, options->rate, clock_us());
	rc = rawsock_open(&s->raw);
	if (rc < 0) {
		return why_errno(why, rc, "raw socket");
	}
	/* Otherwise netfilter would reassemble fragments on their way out. */
	setsockopt(s->raw.fd4, IPPROTO_IP, IP_NODEFRAG, &(int){ 1 },
		   sizeof(int));
	make_filter(options, filter);
	for (size_t i = 0; i < options->target_count && rc == 0; i++) {
		rc = captures_add(&s->captures, options->targets[i].device,
				  filter, why);
	}
	if (rc < 0) {
		attack_wire_close(s);
	}
	return rc;
}

void
attack_wire_close(struct attack_wire *s)
{
	captures_close(&s->captures);
	ports_close(&s->ports);
	rawsock_close(&s->raw);
}

/* ---- what comes back */

/* Whether a SYN/ACK was seen before. */
static bool
is_repeated(const struct attack_wire *s, const struct answer *a)
{
	size_t count = s->begun_count < ATTACK_WIRE_BEGUN_MAX
		? s->begun_count
		: ATTACK_WIRE_BEGUN_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct attack_wire_begun *b = &s->begun[i];

		if (b->isn == a->seq && b->sport == a->flow.dport &&
		    packet_addr_equal(&b->addr, &a->flow.src)) {
			return true;
		}
	}
	return false;
}

/* Reset the connection, so that none stays half open at the server. */
static void
reset(struct attack_wire *s, const struct attack_wire_sent *sent,
      const struct answer *a)
{
	struct forgery f = sent->forgery;
	uint8_t bytes[FORGERY_MAX];
	struct packet_view packet = { .bytes = bytes };

	f.seq = a->ack;
	packet.len =
		forgery_reset(bytes, sent->model->bytes, &sent->model->syn, &f);
	(void)rawsock_send(&s->raw, &f.src, &f.dst, s->scope, s->mark, &packet,
			   1);
}

static void
begin(struct attack_wire *s, struct attack_wire_sent *sent,
      const struct answer *a)
{
	if (is_repeated(s, a)) {
		return;
	}
	s->begun[s->begun_count++ % ATTACK_WIRE_BEGUN_MAX] =
		(struct attack_wire_begun){ a->flow.src, a->flow.dport,
					    a->seq };
	sent->answers |= ATTACK_WIRE_SYN_ACK;
	reset(s, sent, a);
}

static bool
is_to(const struct attack_wire_sent *sent, const struct answer_flow *from,
      uint32_t ack)
{
	const struct forgery *f = &sent->forgery;

	return f->sport == from->dport && f->dport == from->sport &&
		ack - f->seq - 1 <= f->data &&
		packet_addr_equal(&f->dst, &from->src) &&
		packet_addr_equal(&f->src, &from->dst);
}

static void
take_tcp(struct attack_wire *s, struct attack_wire_sent *sent,
	 const struct answer *a)
{
	if (a->flags & PACKET_RST) {
		sent->answers |= ATTACK_WIRE_RESET;
	} else if ((a->flags & (PACKET_SYN | PACKET_ACK)) ==
		   (PACKET_SYN | PACKET_ACK)) {
		begin(s, sent, a);
	}
}

/* An ACK as from the middle of a connection may have any number. */
static bool
is_stray_ack(const struct attack_wire_sent *sent, const struct answer *a)
{
	const struct forgery *f = &sent->forgery;

	return (a->flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) ==
		PACKET_ACK &&
		f->sport == a->flow.dport && f->dport == a->flow.sport &&
		packet_addr_equal(&f->dst, &a->flow.src);
}

static bool
is_quoted(const struct attack_wire_sent *sent, const struct answer *a)
{
	return a->quoted_kind == ANSWER_TCP &&
		a->quoted.sport == sent->forgery.sport &&
		a->quoted_seq == sent->forgery.seq &&
		packet_addr_equal(&a->quoted.dst, &sent->forgery.dst);
}

static void
take(struct attack_wire *s, const struct answer *a)
{
	size_t count = s->sent_count < ATTACK_WIRE_SENT_MAX
		? s->sent_count
		: ATTACK_WIRE_SENT_MAX;

	for (size_t i = 0; i < count; i++) {
		struct attack_wire_sent *sent = &s->sent[i];

		if (a->kind == ANSWER_ICMP) {
			sent->answers |=
				is_quoted(sent, a) ? ATTACK_WIRE_ICMP : 0;
		} else if (a->kind == ANSWER_TCP &&
			   is_to(sent, &a->flow, a->ack)) {
			take_tcp(s, sent, a);
		} else if (a->kind == ANSWER_TCP && is_stray_ack(sent, a)) {
			sent->answers |= ATTACK_WIRE_ACK;
		}
	}
}

int
attack_wire_listen(struct attack_wire *s, unsigned ms)
{
	struct pollfd fds[CAPTURES_MAX];
	nfds_t count = captures_poll(&s->captures, fds);
	struct cap_packet packet;
	struct answer a;
	int rc;

	if (poll(fds, count, (int)ms) < 0 && errno != EINTR) {
		return -errno;
	}
	while ((rc = captures_next(&s->captures, &packet)) == 1) {
		if (answer_parse(&a, packet.ip, packet.len, packet.wire_len) ==
		    0) {
			take(s, &a);
		}
	}
	return rc;
}

/* ---- sending */

/* Send one packet at the allowed rate; keep reading answers meanwhile. */
static int
put(struct attack_wire *s, const struct forgery *f, const uint8_t *bytes,
    size_t len)
{
	struct packet_view packet = { bytes, len };
	int rc;

	while (!timing_bucket_take(&s->bucket, clock_us())) {
		rc = attack_wire_listen(s, 1);
		if (rc < 0) {
			return rc;
		}
	}
	while ((rc = rawsock_send(&s->raw, &f->src, &f->dst, s->scope, s->mark,
				  &packet, 1)) == -ENOBUFS ||
	       rc == -EAGAIN) {
		rc = attack_wire_listen(s, BLOCKED_MS);
		if (rc < 0) {
			return rc;
		}
	}
	s->packets += rc == 0;
	return rc;
}

static int
put_parts(struct attack_wire *s, const struct forgery *f, const uint8_t *bytes,
	  size_t len, size_t split)
{
	uint16_t id = ++s->fragment_id ? s->fragment_id : ++s->fragment_id;
	int rc = 0;

	for (unsigned part = 0; part < FORGERY_PARTS && rc == 0; part++) {
		uint8_t out[FORGERY_MAX];
		size_t part_len =
			forgery_fragment(out, bytes, len, part, split, id);

		rc = part_len ? put(s, f, out, part_len) : -EMSGSIZE;
	}
	return rc;
}

/* Do not store a packet that is sent once more. */
static void
note(struct attack_wire *s, const struct attack_wire_sent *new)
{
	size_t count = s->sent_count < ATTACK_WIRE_SENT_MAX
		? s->sent_count
		: ATTACK_WIRE_SENT_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct attack_wire_sent *old = &s->sent[i];

		if (old->shot == new->shot &&
		    old->forgery.seq == new->forgery.seq &&
		    old->forgery.sport == new->forgery.sport) {
			return;
		}
	}
	s->sent[s->sent_count++ % ATTACK_WIRE_SENT_MAX] = *new;
}

int
attack_wire_send(struct attack_wire *s, const struct attack_wire_aim *aim,
		 const struct attack_shot *shot, unsigned number)
{
	int rc = 0;

	s->scope = aim->target->scope;
	for (size_t i = 0; i < shot->count && rc == 0; i++) {
		const struct attack_frame *frame = &shot->frames[i];
		const struct attack_wire_sent sent = {
			.shot = number,
			.model = aim->model,
			.is_syn0 = frame->is_syn0,
			.forgery = {
				.src = frame->other_address ?
					       aim->target->other :
					       aim->target->src,
				.dst = aim->target->addr,
				.sport = frame->sport,
				.dport = aim->port,
				.seq = frame->seq,
				.window = frame->window,
				.words = shot->words,
				.data = shot->data,
			},
		};
		uint8_t bytes[FORGERY_MAX];
		size_t len = forgery_build(bytes, aim->model->bytes,
					   &aim->model->syn, &sent.forgery);

		if (sent.is_syn0 || !shot->syn0_alone) {
			note(s, &sent);
		}
		rc = shot->split
			? put_parts(s, &sent.forgery, bytes, len, shot->split)
			: put(s, &sent.forgery, bytes, len);
	}
	return rc;
}

/* ---- what became of it */

unsigned
attack_wire_answers(const struct attack_wire *s, unsigned number, bool syn0)
{
	size_t count = s->sent_count < ATTACK_WIRE_SENT_MAX
		? s->sent_count
		: ATTACK_WIRE_SENT_MAX;
	unsigned answers = 0;

	for (size_t i = 0; i < count; i++) {
		if (s->sent[i].shot == number &&
		    (s->sent[i].is_syn0 || !syn0)) {
			answers |= s->sent[i].answers;
		}
	}
	return answers;
}

unsigned
attack_wire_accepted(const struct attack_wire *s, unsigned number)
{
	size_t count = s->sent_count < ATTACK_WIRE_SENT_MAX
		? s->sent_count
		: ATTACK_WIRE_SENT_MAX;
	unsigned accepted = 0;

	for (size_t i = 0; i < count; i++) {
		accepted += s->sent[i].shot == number &&
			s->sent[i].answers & ATTACK_WIRE_SYN_ACK;
	}
	return accepted;
}

void
attack_wire_forget(struct attack_wire *s)
{
	s->sent_count = 0;
}
