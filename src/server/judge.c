#include "server/judge.h"

#include <linux/netfilter.h>
#include <stdio.h>

#include "os/clock.h"
#include "os/conntrack.h"
#include "os/sock_diag.h"
#include "protocol/header_chain.h"
#include "protocol/ip_options.h"
#include "server/worker_door.h"
#include "server/worker_log.h"
#include "server/worker_share.h"
#include "server/worker_switch.h"
#include "server/worker_stats.h"

/*
 * Connections through this host have no socket here.  For this long
 * after the start those that tracking does not know may pass.
 */
#define ADOPTION_MS 60000u
/* How many of those are looked after in a turn. */
#define CONFIRM_MAX 256u
/*
 * Packets in a second, of connections that may be none, for which the kernel is
 * asked for a socket, or told of one.
 */
#define UNKNOWN_MAX 1000u
/* What tracking is told of, and sees no packet of, it forgets again. */
#define TRACKED_SECONDS 300u
/* Who ended, and has not heard of it, waits twice as long each time. */
#define AGAIN_SECONDS 5u
/* How often it is said that accepted SYNs get no answer. */
#define WARN_EVERY_MS 10000u

/* The receiver's name of a packet: when, in which queue, and its id there. */
#define EARLY ((uint64_t)1 << 40)

static bool
is_early(const struct nfq_packet *q)
{
	return q->hook == NF_INET_PRE_ROUTING;
}

static uint64_t
name_of(size_t queue, const struct nfq_packet *q)
{
	return (is_early(q) ? EARLY : 0) | (uint64_t)queue << 32 | q->id;
}

static struct nfq *
queue_of(struct worker *g, uint64_t name)
{
	return &g->queues[(name & ~EARLY) >> 32];
}

static void
let_in(struct worker *g, uint64_t name, uint32_t mark)
{
	if (name & EARLY) {
		nfq_accept_marked(queue_of(g, name), (uint32_t)name,
				  mark | g->conf->fastpath_mark);
	} else {
		nfq_decide(queue_of(g, name), (uint32_t)name, NFQ_ACCEPT, NULL,
			   0);
	}
}

/* Let it go on, but without the mark of accepted SYNs. */
static void
let_on(struct worker *g, uint64_t name, uint32_t mark)
{
	nfq_accept_marked(queue_of(g, name), (uint32_t)name,
			  mark & ~g->conf->fastpath_mark);
}

/* To the decoy: rules translate by this mark alone whoever was accepted. */
static void
lead_on(struct worker *g, uint64_t name, uint32_t mark)
{
	if (name & EARLY) {
		let_on(g, name, mark | g->conf->settings.mark);
	} else {
		nfq_decide(queue_of(g, name), (uint32_t)name, NFQ_DROP, NULL,
			   0);
	}
}

static void
drop(struct worker *g, uint64_t name)
{
	nfq_decide(queue_of(g, name), (uint32_t)name, NFQ_DROP, NULL, 0);
}

static bool
is_alive(void *context, const struct packet *p)
{
	struct worker *g = context;
	const struct sock_diag_connection c = { p->dst, p->src, p->dport,
						p->sport, 0 };

	return worker_is_untracked(g)
		? sock_diag_exists(&g->diag, &c) == 1
		: conntrack_is_established(&g->conntrack, p) == 1;
}

static void
note_accepted(struct worker *g, const struct receiver_event *e)
{
	const struct packet p = { .src = e->src,
				  .dst = e->dst,
				  .sport = e->sport,
				  .dport = e->dport };

	connections_note(g->store.connections, &p, e->key_no, worker_second(),
			 is_alive, g);
}

/*
 * A SYN that is accepted once more had no answer, although it should have
 * made a socket here: then something behind us has dropped it.
 */
static void
note_again(struct worker *g, const struct receiver_event *e, uint64_t ms)
{
	const struct sock_diag_connection c = { e->dst, e->src, e->dport,
						e->sport, 0 };
	const bool again =
		admitted_again(&g->admitted, &e->src, e->sport, e->isn, ms);

	/* Of connections through this host there is no socket here. */
	if (!again || g->queues[FW_QUEUE_FORWARD].nl.fd >= 0 ||
	    sock_diag_exists(&g->diag, &c) != 0) {
		return;
	}
	g->shared->unanswered++;
	g->shared->unanswered_ms = ms;
	if (g->warned == 0 || ms - g->warned >= WARN_EVERY_MS) {
		g->warned = ms;
		worker_log_unanswered(e);
	}
}

/*
 * Only held packets are released: accepted or dropped. A SYN that is accepted
 * early comes to the last place again, and is noted for that only now:
 * otherwise a copy could take its place.
 */
static void
apply(struct worker *g, const struct receiver_result *result, bool early,
      bool routed, uint64_t ms)
{
	for (size_t i = 0; i < result->events_count; i++) {
		const struct receiver_event *e = &result->events[i];

		if (e->reason == VERIFY_ACCEPTED) {
			note_accepted(g, e);
		}
		if (e->reason == VERIFY_ACCEPTED && early) {
			const struct packet syn = { .src = e->src,
						    .dst = e->dst,
						    .sport = e->sport,
						    .dport = e->dport,
						    .seq = e->isn };

			admitted_note(&g->admitted, &syn, routed, ms);
		}
		worker_log(g, e, ms);
		if (e->reason == VERIFY_ACCEPTED) {
			worker_stats_accept(g, e);
			note_again(g, e, ms);
		}
	}
	for (size_t i = 0; i < result->releases_count; i++) {
		const struct receiver_release *r = &result->releases[i];

		if (r->verdict == RECEIVER_ACCEPT) {
			let_in(g, r->id, admitted_mark(&g->admitted, r->id));
		} else if (r->verdict == RECEIVER_DECOY) {
			lead_on(g, r->id, admitted_mark(&g->admitted, r->id));
		} else {
			drop(g, r->id);
		}
	}
}

/* Without a release, the kernel's program has let it in, early. */
static bool
lets_in_early(const struct receiver_result *result)
{
	for (size_t i = 0; i < result->releases_count; i++) {
		if (result->releases[i].verdict == RECEIVER_ACCEPT) {
			return result->releases[i].id & EARLY;
		}
	}
	return true;
}

void
judge_apply(struct worker *g, const struct receiver_result *result, bool routed,
	    uint64_t ms)
{
	apply(g, result, lets_in_early(result), routed, ms);
}

/* Until it is confirmed, rules lead only what bears it to a decoy. */
static uint32_t
decoy_mark(const struct worker *g)
{
	return g->unconfirmed &&
			!__atomic_load_n(&g->shared->confirmed,
					 __ATOMIC_RELAXED)
		? g->conf->settings.mark
		: 0;
}

static void
carry_out(struct worker *g, uint64_t name, uint32_t mark,
	  enum receiver_verdict verdict)
{
	switch (verdict) {
	case RECEIVER_HOLD:
		admitted_hold(&g->admitted, name, mark);
		return;
	case RECEIVER_ACCEPT:
		let_in(g, name, mark);
		return;
	case RECEIVER_CLOSED:
		g->shared->closed++;
		let_on(g, name, mark);
		return;
	case RECEIVER_DECOY:
		if (name & EARLY) {
			g->shared->decoys++;
			let_on(g, name, mark | decoy_mark(g));
			return;
		}
		break;
	case RECEIVER_PASS: /* no rule that would let it in */
	case RECEIVER_DROP:
		break;
	}
	drop(g, name);
}

/* What the receiver is told of a packet; p must outlive it. */
static struct receiver_packet
describe(struct worker *g, size_t queue, const struct nfq_packet *q,
	 const struct packet *p)
{
	struct receiver_packet in = {
		.packet = p,
		.options = q->bytes + p->options_at,
		.forwarded = queue >= FW_QUEUE_FORWARD,
		.id = name_of(queue, q),
	};

	if (g->conf->acl.by_device) {
		static char indev[ACL_IFNAME_MAX];
		const char *name = ifname_name(
			&g->links, q->physout ? q->physin : q->indev);

		/* Copied: two names may share a place in the cache. */
		snprintf(indev, sizeof indev, "%s", name ? name : "");
		in.indev = indev;
		in.outdev = ifname_name(&g->links,
					q->physout ? q->physout : q->outdev);
	}
	return in;
}

/* Strangers, to the stack: the door has no listener for them. */
static bool
may_go_on(const struct worker *g)
{
	return __atomic_load_n(&g->shared->door_trusted, __ATOMIC_RELAXED);
}

/*
 * Where packet_parse() is content with it: 0.  Else the addresses and ports all
 * the same, as far as they are there.  *refused: TCP never sees it here.
 */
static int
read_packet(struct packet *p, const struct nfq_packet *q, bool *refused)
{
	const int error = packet_parse(p, q->bytes, q->len, q->wire_len);

	*refused = p->src.family == 6 && header_chain_find(p, q->bytes, q->len);
	/* The listener judges broken TCP options. */
	return error == PACKET_OPTION ? PACKET_OK : error;
}

/* The door would admit a repeated SYN of an accepted connection, too. */
static bool
is_refused_by_door(const struct worker *g, const struct packet *p)
{
	return may_go_on(g) && door_covers(&g->door, p->dport) &&
		!door_admits(&g->door, &g->conf->acl, &p->src, p->sport,
			     p->dport);
}

/*
 * A SYN that can't be read goes on where others of strangers' do; and to a
 * decoy's port, untranslated, where it never comes to a listener.
 */
static enum receiver_verdict
judge_unreadable(struct worker *g, size_t queue, const struct nfq_packet *q,
		 const struct packet *p, bool refused)
{
	const struct receiver_packet in = describe(g, queue, q, p);
	const struct acl_rule *rule = acl_rule_for(
		&g->conf->acl, p, in.forwarded, in.indev, in.outdev);

	g->receiver->counters.syns++;
	g->receiver->counters.by_reason[VERIFY_MALFORMED]++;
	if (rule && rule->hide == ACL_DECOY && is_early(q)) {
		return RECEIVER_DECOY;
	}
	if (rule && !in.forwarded && !is_early(q) &&
	    (rule->hide == ACL_CLOSED ||
	     (rule->hide == ACL_DECOY && refused)) &&
	    is_refused_by_door(g, p)) {
		return RECEIVER_CLOSED;
	}
	return RECEIVER_DROP;
}

/* What the door would admit is not to look closed: it would be open. */
static enum receiver_verdict
mind_door(const struct worker *g, const struct packet *p,
	  enum receiver_verdict verdict)
{
	return verdict == RECEIVER_CLOSED && !is_refused_by_door(g, p)
		? RECEIVER_DROP
		: verdict;
}

/* The receiver's last word on a packet; whoever is listed goes elsewhere. */
static void
carry_out_accepted(struct worker *g, const struct acl_rule *rule, uint64_t name,
		   uint32_t mark, const struct receiver_packet *in,
		   const struct packet *p, struct receiver_result *result)
{
	const bool accepted = result->verdict == RECEIVER_ACCEPT;

	worker_switch_lead(g, rule, result);
	worker_door_admit(g, in, result);
	if (accepted && result->verdict == RECEIVER_DECOY) {
		lead_on(g, name, mark);
		return;
	}
	carry_out(g, name, mark, mind_door(g, p, result->verdict));
}

void
judge_settle(struct worker *g, const struct worker_waiting *w, uint64_t ms)
{
	const struct receiver_packet in = { .forwarded = w->forwarded };
	const struct receiver_event *e = &w->event;
	const struct packet p = { .src = e->src,
				  .sport = e->sport,
				  .dport = e->dport };
	struct receiver_result result = {
		.verdict = e->reason == VERIFY_ACCEPTED ? RECEIVER_ACCEPT
							: w->refusal,
		.rule = w->rule,
		.events_count = 1,
		.events = { *e },
	};

	g->receiver->counters.by_reason[e->reason]++;
	carry_out_accepted(g, w->rule, w->name, w->mark, &in, &p, &result);
	apply(g, &result, w->name & EARLY, false, ms);
}

void
judge_syn(struct worker *g, size_t queue, const struct nfq_packet *q,
	  const struct receiver_now *now)
{
	const uint64_t name = name_of(queue, q);
	struct receiver_result result;
	struct receiver_packet in;
	struct packet p;
	bool refused;
	const int error = read_packet(&p, q, &refused);

	/* Nobody has put it together yet; then it comes to the last place. */
	if (error == PACKET_FRAGMENT && is_early(q)) {
		let_on(g, name, q->mark);
		return;
	}
	if (error < 0) {
		carry_out(g, name, q->mark,
			  judge_unreadable(g, queue, q, &p, refused));
		return;
	}
	/* The kernel answers bad IP options itself, as for any port. */
	if (is_early(q) && p.src.family == 4 &&
	    ip_options_are_refused(q->bytes + PACKET_IP4_HEADER,
				   p.tcp_at - PACKET_IP4_HEADER)) {
		let_on(g, name, q->mark);
		return;
	}
	if (!is_early(q) && admitted_take(&g->admitted, &p, now->ms)) {
		let_in(g, name, q->mark);
		return;
	}
	in = describe(g, queue, q, &p);
	receiver_input(g->receiver, now, &in, &result);
	if (g->share && result.events_count > 0) {
		const struct worker_waiting w = {
			.name = name,
			.mark = q->mark,
			.forwarded = in.forwarded,
			.rule = result.rule,
			.refusal = receiver_hides(result.rule, &p),
		};

		worker_share_defer(g, &result, &w, now->ms);
	}
	carry_out_accepted(g, result.rule, name, q->mark, &in, &p, &result);
	apply(g, &result, is_early(q), false, now->ms);
}

static bool
has_socket(struct worker *g, const struct nfq_packet *q, const struct packet *p)
{
	const struct sock_diag_connection c = { p->dst, p->src, p->dport,
						p->sport, q->indev };

	return sock_diag_exists(&g->diag, &c) == 1;
}

/* Strangers may send any number: one more may cost that. */
static bool
may_look(struct worker *g)
{
	const uint64_t now = clock_ms();

	if (now - g->looks_ms >= 1000) {
		g->looks_ms = now;
		g->looks = 0;
	}
	return g->looks++ < UNKNOWN_MAX;
}

/*
 * Of a connection that is not known, though it may be one: to this host if it
 * has a socket, through it for some time after the start.  That costs little,
 * and among a flood's there may be one.
 */
static bool
may_be_one(struct worker *g, size_t queue, const struct nfq_packet *q,
	   const struct packet *p)
{
	if (queue == FW_QUEUE_REST) {
		return may_look(g) && has_socket(g, q, p);
	}
	if ((p->flags & (PACKET_ACK | PACKET_RST | PACKET_SYN)) == PACKET_ACK &&
	    clock_ms() - g->opened < ADOPTION_MS) {
		connections_note(g->store.connections, p, CONNECTION_SEEN,
				 worker_second(), NULL, NULL);
		return true;
	}
	return false;
}

/*
 * Its connection, among those that are known.  What has a SYN begins one, or
 * some stack may think so.
 */
static struct connection *
connection_of(struct worker *g, size_t queue, const struct nfq_packet *q,
	      const struct packet *p)
{
	const bool translated =
		queue == FW_QUEUE_REST && q->hook == NF_INET_FORWARD;

	return p->flags & PACKET_SYN
		? NULL
		: connections_find(g->store.connections, p, translated);
}

/*
 * It has just passed.  From now on the kernel is to let its packets by itself,
 * also where it sees no answers, or takes up nothing in midstream.  Those of a
 * socket it does.
 */
static void
track(struct worker *g, size_t queue, const struct nfq_packet *q,
      const struct packet *p, struct connection *c)
{
	const uint32_t second = worker_second();
	const uint32_t last = worker_is_untracked(g) ? c->used : c->known;

	c->used = second;
	if (second == last || p->flags & PACKET_RST ||
	    (queue == FW_QUEUE_REST && q->hook == NF_INET_FORWARD)) {
		return;
	}
	/* What it is told of it keeps: nobody is to fill its table. */
	if (c->key_no == CONNECTION_SEEN && !may_look(g)) {
		return;
	}
	/* On its way first: or tracking would have two of it. */
	g->queues[queue].failed = nfq_flush(&g->queues[queue]);
	if (queue == FW_QUEUE_REST && has_socket(g, q, p)) {
		c->known = second;
		return;
	}
	if (worker_is_untracked(g)) {
		if (c->known == 0 || second - last >= AGAIN_SECONDS) {
			c->known = second;
		}
		g->shared->without_socket +=
			second - c->known > 2 * AGAIN_SECONDS;
		return;
	}
	c->known = second;
	conntrack_establish(&g->conntrack, p, TRACKED_SECONDS);
}

void
judge_confirm(struct worker *g, uint64_t ms)
{
	struct connection *all = &g->store.connections->places[0][0];
	size_t asked = 0;

	if (ms - g->opened < ADOPTION_MS) {
		return;
	}
	for (; g->confirmed < CONNECTIONS_MAX && asked < CONFIRM_MAX;
	     g->confirmed++) {
		struct connection *c = &all[g->confirmed];
		const struct packet p = connections_packet(c);

		if (c->family == 0 || c->key_no != CONNECTION_SEEN) {
			continue;
		}
		asked++;
		if (is_alive(g, &p)) {
			c->key_no = CONNECTION_LASTED;
		} else {
			c->family = 0;
		}
	}
}

/*
 * Whether the door is to have it answered: what comes to a closed port, and of
 * what comes to a decoy's, and tracking can make nothing of, that which any
 * listener resets, and that which never comes to one.
 */
static bool
is_answered(struct worker *g, size_t queue, const struct nfq_packet *q,
	    const struct packet *p, bool refused)
{
	const struct receiver_packet in = describe(g, queue, q, p);
	const struct acl_rule *rule = acl_rule_for(
		&g->conf->acl, p, in.forwarded, in.indev, in.outdev);

	if (!rule || in.forwarded || !may_go_on(g) ||
	    !door_covers(&g->door, p->dport)) {
		return false;
	}
	return rule->hide == ACL_CLOSED ||
		(rule->hide == ACL_DECOY &&
		 (refused ||
		  (p->flags & PACKET_ACK && !(p->flags & PACKET_RST))));
}

void
judge_rest(struct worker *g, size_t queue, const struct nfq_packet *q)
{
	struct packet p;
	bool refused;
	const bool usable = read_packet(&p, q, &refused) == 0;
	struct connection *c = usable ? connection_of(g, queue, q, &p) : NULL;
	/* Asked of every port: the time that it takes tells nothing. */
	const bool known = c || (usable && may_be_one(g, queue, q, &p));
	bool passes = known;

	/* Whether it is led to a decoy is all that is asked as yet. */
	if (is_early(q)) {
		nfq_accept_marked(&g->queues[queue], q->id,
				  known ? q->mark | g->conf->fastpath_mark
					: q->mark & ~g->conf->fastpath_mark);
		return;
	}
	if (!known) {
		passes = is_answered(g, queue, q, &p, refused);
	}
	g->shared->untracked_passed += passes;
	g->shared->untracked_dropped += !passes;
	nfq_decide(&g->queues[queue], q->id, passes ? NFQ_ACCEPT : NFQ_DROP,
		   NULL, 0);
	if (c) {
		track(g, queue, q, &p, c);
	}
}
