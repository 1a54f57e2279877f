#include "server/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/clock.h"
#include "os/sock_diag.h"
#include "server/worker_log.h"
#include "server/worker_fastpath.h"
#include "daemon/open_queue.h"
#include "tap.h"

/*
 * The kernel's queue of SYNs has to take a burst beyond those held, the
 * other ones what their rate limit lets through in a second.
 */
#define QUEUE_SPARE 16384u
#define QUEUE_REST (2u * FW_REST_PER_SECOND)
/* Batches of SYNs taken before anything else gets its turn. */
#define BATCHES_MAX 64
/*
 * Connections through this host have no socket here.  For this long
 * after the start those that tracking does not know may pass.
 */
#define ADOPTION_MS 60000u

/* The gate's name of a packet: which queue, and its id there. */
static uint64_t
name_of(size_t queue, uint32_t id)
{
	return (uint64_t)queue << 32 | id;
}

struct gate_now
guard_now(void)
{
	return (struct gate_now){ clock_instant(), clock_ms() };
}

/* Only what was held is released: it is accepted or dropped. */
static void
apply(struct guard *g, const struct gate_result *result, uint64_t ms)
{
	for (size_t i = 0; i < result->releases_count; i++) {
		const struct gate_release *r = &result->releases[i];

		nfq_decide(&g->queues[r->id >> 32], (uint32_t)r->id,
			   r->verdict == GATE_ACCEPT ? NFQ_ACCEPT : NFQ_DROP,
			   NULL, 0);
	}
	for (size_t i = 0; i < result->events_count; i++) {
		guard_log(g, &result->events[i], ms);
	}
}

/* A closed port is silent to a packet that did not arrive whole. */
static bool
is_intact(const struct nfq_packet *q, const struct packet *p)
{
	size_t end = p->data_at + p->data_len;

	return !q->checksum_ready || end > q->len ||
	       packet_tcp_checksum(q->bytes, p) ==
		       be16_load(q->bytes + p->tcp_at + 16);
}

static void
carry_out(struct guard *g, size_t queue, const struct nfq_packet *q,
	  const struct packet *p, enum gate_verdict verdict)
{
	struct nfq *nfq = &g->queues[queue];

	switch (verdict) {
	case GATE_HOLD:
		break;
	case GATE_PASS:
	case GATE_ACCEPT:
		nfq_decide(nfq, q->id, NFQ_ACCEPT, NULL, 0);
		break;
	case GATE_RESET:
		if (is_intact(q, p)) {
			reset_send(&g->reset, p, q->bytes, q->indev);
			g->shared->resets++;
		}
		nfq_decide(nfq, q->id, NFQ_DROP, NULL, 0);
		break;
	case GATE_DECOY:
		g->shared->decoys++;
		nfq_accept_marked(nfq, q->id,
				  q->mark | g->conf->settings.mark);
		break;
	case GATE_DROP:
		nfq_decide(nfq, q->id, NFQ_DROP, NULL, 0);
		break;
	}
}

/* What the gate is told of a packet; p must outlive it. */
static struct gate_packet
describe(struct guard *g, size_t queue, const struct nfq_packet *q,
	 const struct packet *p)
{
	struct gate_packet in = {
		.packet = p,
		.options = q->bytes + p->options_at,
		.forwarded = queue >= FW_QUEUE_FORWARD,
		.id = name_of(queue, q->id),
	};

	if (g->conf->acl.by_device) {
		static char indev[ACL_IFNAME_MAX];
		const char *name = links_name(&g->links, q->physout ?
							 q->physin : q->indev);

		/* Copied: two names may share a place in the cache. */
		snprintf(indev, sizeof indev, "%s", name ? name : "");
		in.indev = indev;
		in.outdev = links_name(&g->links, q->physout ? q->physout :
							       q->outdev);
	}
	return in;
}

/*
 * A packet that is broken but for its options is one to a listener.
 *
 * Where a port is to look closed, the kernel's answers to all others have
 * to be as ours.  What it makes of odd IP headers and TCP options, which
 * no honest connection begins with, differs from kernel to kernel: there
 * they get no answer, at any port.
 */
static bool
is_usable(const struct guard *g, size_t queue, int error,
	  const struct packet *p)
{
	if (g->imitates && queue < FW_QUEUE_FORWARD) {
		return error == PACKET_OK && packet_is_plain(p);
	}
	return error == PACKET_OK || error == PACKET_OPTION;
}

static void
judge_syn(struct guard *g, size_t queue, const struct nfq_packet *q,
	  const struct gate_now *now)
{
	struct gate_result result;
	struct gate_packet in;
	struct packet p;
	int error = packet_parse(&p, q->bytes, q->len, q->wire_len);

	if (!is_usable(g, queue, error, &p)) {
		g->gate->counters.syns++;
		g->gate->counters.by_reason[MATCH_MALFORMED]++;
		nfq_decide(&g->queues[queue], q->id, NFQ_DROP, NULL, 0);
		return;
	}
	in = describe(g, queue, q, &p);
	gate_input(g->gate, now, &in, &result);
	carry_out(g, queue, q, &p, result.verdict);
	apply(g, &result, now->ms);
}

/*
 * What is no SYN, and of a connection that the kernel does not track: it
 * passes if there is a socket for it, since established connections are
 * never touched.
 */
static bool
has_connection(struct guard *g, size_t queue, const struct packet *p)
{
	const struct diag_connection c = { p->dst, p->src, p->dport,
					   p->sport };

	if (queue == FW_QUEUE_FORWARD_REST) {
		return p->flags & PACKET_ACK && !(p->flags & PACKET_RST) &&
		       clock_ms() - g->opened < ADOPTION_MS;
	}
	return diag_exists(&g->diag, &c) == 1;
}

/*
 * What else comes to a port that answers strangers.  A listener resets
 * whatever acknowledges something, just as a closed port does, so that
 * may pass; the rest it would ignore.
 */
static enum gate_verdict
judge_stray(enum gate_verdict verdict, const struct packet *p)
{
	if (verdict != GATE_RESET && verdict != GATE_DECOY) {
		return verdict;
	}
	if (p->flags & PACKET_RST) {
		return GATE_DROP;
	}
	return p->flags & PACKET_ACK || verdict == GATE_DECOY ? GATE_PASS :
								verdict;
}

static void
judge_rest(struct guard *g, size_t queue, const struct nfq_packet *q,
	   const struct gate_now *now)
{
	struct gate_result result = { .verdict = GATE_DROP };
	struct gate_packet in;
	struct packet p;
	int error = packet_parse(&p, q->bytes, q->len, q->wire_len);

	if (is_usable(g, queue, error, &p)) {
		/*
		 * Asked of every port, hidden or not: the time that the
		 * question takes must not tell which are.
		 */
		const bool known = has_connection(g, queue, &p);

		in = describe(g, queue, q, &p);
		gate_input(g->gate, now, &in, &result);
		if (result.verdict != GATE_PASS) {
			result.verdict = known ? GATE_PASS :
						 judge_stray(result.verdict,
							     &p);
		}
	}
	g->shared->rest_passed += result.verdict == GATE_PASS;
	g->shared->rest_dropped += result.verdict != GATE_PASS;
	carry_out(g, queue, q, &p, result.verdict);
}

/* Verdicts that don't arrive leave their packets in the kernel's queue. */
static bool
send_verdicts(struct nfq *nfq)
{
	int rc = nfq_flush(nfq);

	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR, "queue %u: verdicts: %s", nfq->queue,
			strerror(-rc));
	}
	return rc == 0;
}

void
guard_witness(struct guard *g, const struct gate_now *now,
	      const struct packet *syns, size_t count)
{
	struct gate_result result;

	for (size_t i = 0; i < count; i++) {
		const struct gate_packet in = { .packet = &syns[i] };

		gate_witness(g->gate, now, &in, &result);
		apply(g, &result, now->ms);
	}
}

/* What the sieve took off the wire comes before what it let through. */
static void
take_sieved(struct guard *g, const struct gate_now *now)
{
	struct packet syns[FRAME_MAX];
	struct gate_accepted accepted;
	struct gate_result result;
	size_t count;

	while ((count = guard_sieve_take(g, syns, &accepted)) > 0) {
		if (accepted.count > 0) {
			gate_learn(g->gate, &accepted, &result);
			apply(g, &result, now->ms);
			count = 0;
		}
		guard_witness(g, now, syns, count);
		/* Whoever comes after us, if we don't, finds it there. */
		guard_sieve_taken(g);
		g->sieved = true;
	}
	guard_sieve_charge(g, now);
}

static bool
serve_queue(struct guard *g, size_t queue)
{
	struct nfq *nfq = &g->queues[queue];
	bool syns = queue == FW_QUEUE_SYN || queue == FW_QUEUE_FORWARD;

	for (int batch = 0; batch < (syns ? BATCHES_MAX : 1); batch++) {
		int count = nfq_receive(nfq);
		struct gate_now now;

		if (count < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: %s", nfq->queue,
				strerror(-count));
			return false;
		}
		if (count == 0) {
			return true;
		}
		now = guard_now();
		take_sieved(g, &now);
		g->shared->last_id[queue] = nfq->packets[count - 1].id;
		for (int i = 0; i < count; i++) {
			if (syns) {
				judge_syn(g, queue, &nfq->packets[i], &now);
			} else {
				judge_rest(g, queue, &nfq->packets[i], &now);
			}
		}
		if (!send_verdicts(nfq)) {
			return false;
		}
	}
	return true;
}

static bool
expire(struct guard *g)
{
	const struct gate_now now = guard_now();
	struct gate_result result;
	bool usable = true;

	take_sieved(g, &now);

	while (gate_expire(g->gate, &now, &result)) {
		apply(g, &result, now.ms);
	}
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		usable &= send_verdicts(&g->queues[queue]);
	}
	return usable;
}

void
guard_fds(const struct guard *g, struct pollfd *fds)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		fds[queue] = (struct pollfd){ .fd = g->queues[queue].nl.fd,
					      .events = POLLIN };
	}
	fds[FW_QUEUES] = (struct pollfd){ .fd = g->links.nl.fd,
					  .events = POLLIN };
	sieve_fds(&g->sieve, fds + FW_QUEUES + 1);
}

int
guard_wait(struct guard *g)
{
	const struct gate_now now = guard_now();
	const int most = g->sieved ? SIEVE_WAKE_MS : MONITOR_BEAT_MS;
	int64_t wait = gate_wait(g->gate, &now);

	g->sieved = false;
	return wait < 0 || wait > most ? most : (int)wait;
}

bool
guard_serve(struct guard *g, const struct pollfd *fds)
{
	bool usable = true;

	__atomic_fetch_add(&g->shared->monitor.beats, 1, __ATOMIC_RELAXED);
	/* Names first: the packets may come from a new device. */
	if (fds[FW_QUEUES].revents) {
		links_update(&g->links);
	}
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		if (fds[queue].fd >= 0 && fds[queue].revents) {
			usable &= serve_queue(g, queue);
		}
	}
	return expire(g) && usable;
}

static int
fail(const char *what, int rc)
{
	log_say(LOG_LEVEL_ERROR, "%s: %s", what, strerror(-rc));
	return TAP_SYSTEM;
}

static void
use_conf(struct guard *g, const struct conf_server *conf)
{
	g->conf = conf;
	g->imitates = false;
	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		g->imitates |= conf->acl.rules[i].hide == ACL_CLOSED;
	}
}

/* The queues of this host always, those of forwarded packets if needed. */
static int
open_queues(struct guard *g, const struct conf_server *conf)
{
	bool forwards = false;
	int status = TAP_OK;

	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		forwards |= conf->acl.rules[i].type != ACL_LOCAL;
	}
	for (size_t queue = 0; queue < FW_QUEUES && status == TAP_OK;
	     queue++) {
		bool syns = queue == FW_QUEUE_SYN ||
			    queue == FW_QUEUE_FORWARD;

		if (g->queues[queue].nl.fd >= 0 ||
		    (queue >= FW_QUEUE_FORWARD && !forwards)) {
			continue;
		}
		status = queue_open(&g->queues[queue],
				    (uint16_t)(conf->settings.queue + queue),
				    syns ? conf->limits.quad.held +
						   QUEUE_SPARE :
					   QUEUE_REST,
				    false);
	}
	return status;
}

/* Open the memory of replays, and say what became of it. */
static int
open_store(struct guard *g)
{
	const char *path = g->conf->replay_file;
	char usual[64], why[STORE_WHY_MAX];

	if (path[0] == '\0') {
		mkdir("/var/lib/tap", 0700);
		snprintf(usual, sizeof usual, CONF_SERVER_REPLAYS,
			 g->conf->settings.queue);
		path = usual;
	} else if (strcmp(path, "none") == 0) {
		path = NULL;
	}
	if (store_open(&g->store, path, g->conf->limits.replays, clock_ms(),
		       why) < 0) {
		return fail("replay memory", -ENOMEM);
	}
	if (why[0]) {
		log_say(LOG_LEVEL_WARNING, "%s", why);
	} else if (g->store.state == STORE_LOST) {
		log_say(LOG_LEVEL_WARNING,
			"%s: no replay memory of this host and size; groups "
			"from before now are refused", path);
	}
	return TAP_OK;
}

/*
 * Begin with an empty gate and what the store remembers.  Damage is made
 * good on the way: should we be killed then, the store has to be known
 * to begin now.
 */
static int
begin_gate(struct guard *g)
{
	struct gate_now begin = { .ms = g->store.begin_ms };
	struct hash_key key;
	uint32_t damaged;

	if (getrandom(&key, sizeof key, 0) != sizeof key) {
		return fail("getrandom", -errno);
	}
	store_begin(&g->store, clock_ms());
	damaged = gate_init(g->gate, g->gate_memory, g->store.replay,
			    &g->conf->limits, &g->conf->acl, &key);
	if (damaged > 0) {
		log_say(LOG_LEVEL_WARNING,
			"replay memory: %u places damaged; groups from before "
			"now are refused", damaged);
		begin.ms = g->store.begin_ms;
	} else {
		store_begin(&g->store, begin.ms);
	}
	gate_begin_unknown(g->gate, &begin);
	return TAP_OK;
}

static int
make_gate(struct guard *g)
{
	int status;

	g->shared = monitor_memory(sizeof *g->shared);
	g->gate_memory = monitor_memory(gate_size(&g->conf->limits));
	if (!g->shared || !g->gate_memory) {
		return fail("memory", -ENOMEM);
	}
	g->gate = &g->shared->gate;
	status = open_store(g);
	return status == TAP_OK ? begin_gate(g) : status;
}

void
guard_recover(struct guard *g)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		if (g->queues[queue].nl.fd >= 0) {
			nfq_drop_waiting(&g->queues[queue],
					 g->shared->last_id[queue]);
		}
	}
	(void)begin_gate(g);
	guard_sieve_remember(g);
}

void
guard_drain(struct guard *g)
{
	const struct gate_now now = guard_now();

	take_sieved(g, &now);
}

bool
guard_settle(struct guard *g)
{
	/* The last worker may have been ended at any instant. */
	if (begin_gate(g) != TAP_OK) {
		return false;
	}
	guard_drain(g);
	return sieve_records_end(&g->sieve);
}

int
guard_open(struct guard *g, const struct conf_server *conf)
{
	struct hash_key key;
	int status;
	int rc;

	*g = (struct guard){ .diag.fd = -1, .links.nl.fd = -1 };
	sieve_init(&g->sieve);
	use_conf(g, conf);
	g->links.query = g->drops = -1;
	g->reset.fd4 = g->reset.fd6 = g->store.fd = -1;
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		g->queues[queue].nl.fd = -1;
	}
	g->opened = clock_ms();
	if (getrandom(&key, sizeof key, 0) != sizeof key) {
		return fail("getrandom", -errno);
	}
	status = open_queues(g, conf);
	if (status != TAP_OK) {
		return status;
	}
	rc = diag_open(&g->diag);
	if (rc < 0) {
		return fail("sock_diag", rc);
	}
	rc = links_open(&g->links);
	if (rc < 0) {
		return fail("rtnetlink", rc);
	}
	rc = reset_open(&g->reset, &key);
	if (rc < 0) {
		return fail("raw socket", rc);
	}
	g->drops = nfq_open_drops();
	return make_gate(g);
}

int
guard_configure(struct guard *g, const struct conf_server *conf)
{
	int status = open_queues(g, conf);

	if (status == TAP_OK) {
		use_conf(g, conf);
		gate_set_acl(g->gate, &conf->acl);
	}
	return status;
}

void
guard_close(struct guard *g)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		nfq_close(&g->queues[queue]);
	}
	netlink_close(&g->diag);
	links_close(&g->links);
	reset_close(&g->reset);
	guard_sieve_close(g);
	store_close(&g->store);
	if (g->drops >= 0) {
		close(g->drops);
	}
	/* The shared memory goes with the process. */
}
