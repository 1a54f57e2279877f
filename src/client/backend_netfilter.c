#include "client/backend_netfilter.h"

#include <linux/netfilter.h>
#include <string.h>

#include "client/client_parts.h"
#include "daemon/log.h"
#include "daemon/open_queue.h"
#include "os/clock.h"
#include "tap.h"

#define QUEUE_LENGTH 4096u /* connections begun at the same moment */
/*
 * Batches of SYNs taken before anything else gets its turn: who connects
 * as fast as he can does not keep the worker from all else.
 */
#define BATCHES_MAX 64

void
netfilter_init(struct netfilter *c)
{
	memset(c, 0, sizeof *c);
	c->links.nl.fd = c->links.query = -1;
	way_init(&c->way);
}

void
netfilter_close(struct netfilter *c)
{
	way_close(&c->way);
	ifname_close(&c->links);
}

static int
send_frames(void *context, const struct outbound_syn *in,
	    const struct packet *syn, const struct packet_view *frames,
	    size_t count)
{
	struct netfilter *c = context;

	return way_send(&c->way, in, syn, frames, count);
}

/* Ask the monitor, which may read /proc. */
static const char *
program_behind(void *context, const struct outbound_syn *in,
	       const struct packet *p)
{
	const struct sock_diag_connection connection = { p->src, p->dst,
							 p->sport, p->dport,
							 in->outdev };
	struct netfilter *c = context;
	uint8_t answer[MONITOR_QUESTION_MAX];
	ssize_t len = monitor_ask(c->to_monitor, &connection, sizeof connection,
				  answer, NULL);

	if (len <= 0 || (size_t)len >= sizeof c->program) {
		return NULL;
	}
	memcpy(c->program, answer, (size_t)len);
	c->program[len] = '\0';
	return c->program;
}

static int
open_netfilter(struct client *c)
{
	struct settings *settings = &c->conf->settings;
	int status = c->options->task
		? queue_open_free(&c->syns, settings->queue + 1u, QUEUE_LENGTH,
				  true)
		: queue_open(&c->syns, settings->queue, QUEUE_LENGTH, true);
	int rc;

	if (status != TAP_OK) {
		return status;
	}
	settings->queue = c->syns.queue;
	c->outbound.context = &c->netfilter;
	c->outbound.send = send_frames;
	c->outbound.program = program_behind;
	rc = way_open(&c->netfilter.way);
	if (rc == 0) {
		rc = ifname_open(&c->netfilter.links);
	}
	return rc < 0 ? log_fail("raw socket", rc) : TAP_OK;
}

static size_t
fds_of_netfilter(const struct client *c, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ .fd = c->syns.nl.fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->netfilter.links.nl.fd,
				  .events = POLLIN };
	return 2;
}

/* The guest by whose device it came; 0: none. */
static unsigned
guest_of(struct client *c, const struct nfq_packet *q)
{
	const struct guest_list *guests = &c->conf->guests;
	const char *device;

	if (!c->conf->by_guest || q->hook != NF_INET_FORWARD) {
		return 0;
	}
	device = ifname_name(&c->netfilter.links,
			     q->physin ? q->physin : q->indev);
	for (size_t i = 0; device && i < guests->count; i++) {
		if (strcmp(guests->at[i].dev, device) == 0) {
			return (unsigned)i + 1;
		}
	}
	return 0;
}

static struct outbound_syn
syn_of(struct client *c, const struct nfq_packet *q)
{
	return (struct outbound_syn){
		.bytes = q->bytes,
		.len = q->len,
		.wire_len = q->wire_len,
		.outdev = q->outdev,
		.forwarded = q->hook == NF_INET_FORWARD,
		.indev = c->conf->by_device && q->indev
			? ifname_name(&c->netfilter.links, q->indev)
			: NULL,
		.device = c->conf->by_device
			? ifname_name(&c->netfilter.links, q->outdev)
			: NULL,
		.mark = q->mark,
		.has_uid = q->has_uid,
		.uid = q->uid,
		.gid = q->gid,
	};
}

static void
judge(struct client *c, const struct nfq_packet *q, unsigned guest,
      const struct guest_owner *owner)
{
	struct outbound_syn in = syn_of(c, q);
	struct guest_owner nobody = { .unknown = GUEST_KNOWN };
	uint8_t syn0[NFQ_COPY];
	enum outbound_fate fate;

	in.guest = guest;
	in.owner = owner;
	fate = outbound_syn(&c->outbound, &in, syn0);
	if (fate == OUTBOUND_ASK) {
		struct packet syn;

		packet_parse(&syn, q->bytes, q->len, q->wire_len);
		nobody.unknown = guest_holds_take(c->guest_holds, guest, q,
						  &syn, clock_ms());
		if (nobody.unknown == GUEST_KNOWN) {
			return; /* it is held */
		}
		in.owner = &nobody;
		fate = outbound_syn(&c->outbound, &in, syn0);
	}
	nfq_decide(&c->syns, q->id,
		   fate == OUTBOUND_DROP ? NFQ_DROP : NFQ_ACCEPT,
		   fate == OUTBOUND_SYN0 ? syn0 : NULL, q->len);
}

static void
handle(struct client *c, const struct nfq_packet *q)
{
	const unsigned guest = guest_of(c, q);
	const struct guest_owner *owner = NULL;
	struct packet syn;

	if (guest != 0 &&
	    packet_parse(&syn, q->bytes, q->len, q->wire_len) == PACKET_OK) {
		owner = guest_holds_find(c->guest_holds, guest, &syn,
					 clock_ms());
	}
	judge(c, q, guest, owner);
}

/* SYNs of guests whose owners are known by now. */
static bool
serve_guests(struct client *c)
{
	struct guest_judged judged;
	int rc = 0;

	while (rc == 0 &&
	       guest_holds_next(c->guest_holds, clock_ms(), &judged)) {
		judge(c, &judged.packet, judged.guest, &judged.owner);
		rc = nfq_flush(&c->syns);
	}
	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR, "queue %u: verdicts: %s",
			c->syns.queue, strerror(-rc));
	}
	return rc == 0;
}

/*
 * Those that wait are sent again, and the next worker does not know them: the
 * kernel would keep them for ever.
 */
static void
leave_netfilter(struct client *c)
{
	struct guest_judged judged;

	while (guest_holds_end(c->guest_holds, &judged)) {
		nfq_decide(&c->syns, judged.packet.id, NFQ_DROP, NULL, 0);
	}
	(void)nfq_flush(&c->syns);
}

static bool
serve_queue(struct client *c)
{
	for (int batch = 0; batch < BATCHES_MAX; batch++) {
		int count = nfq_receive(&c->syns);
		int rc = 0;

		if (count < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: %s", c->syns.queue,
				strerror(-count));
			return false;
		}
		if (count == 0) {
			return true;
		}
		for (int i = 0; i < count && rc == 0; i++) {
			handle(c, &c->syns.packets[i]);
			rc = nfq_flush(&c->syns);
		}
		if (rc < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: verdicts: %s",
				c->syns.queue, strerror(-rc));
			return false;
		}
		/* Most of the time it was all: poll(2) says if not. */
		if (count < (int)NFQ_BATCH) {
			return true;
		}
	}
	return true;
}

static bool
serve_netfilter(struct client *c, const struct pollfd *fds)
{
	/* Names first: a SYN may leave by a new device. */
	if (fds[1].revents) {
		ifname_update(&c->netfilter.links);
	}
	return serve_guests(c) && (!fds[0].revents || serve_queue(c));
}

static void
recover_netfilter(struct client *c)
{
	nfq_drop_waiting(&c->syns);
}

static int
replace_rules(struct client *c, const struct client_conf *conf,
	      const struct fw_plan *rules, char *err)
{
	(void)conf;
	return fw_replace(&c->fw, &c->plan.fw, rules, err);
}

const struct backend by_netfilter = {
	.name = "netfilter",
	.has_rules = true,
	.open = open_netfilter,
	.fds = fds_of_netfilter,
	.serve = serve_netfilter,
	.leave = leave_netfilter,
	.recover = recover_netfilter,
	.replace = replace_rules,
};
