#include "server/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/clock.h"
#include "os/conntrack.h"
#include "os/sock_diag.h"
#include "protocol/frame.h"
#include "fastpath/ingress_locals.h"
#include "server/judge.h"
#include "server/worker_fastpath.h"
#include "server/worker_share.h"
#include "server/bundle_source.h"
#include "server/worker_state.h"
#include "server/worker_switch.h"
#include "daemon/open_queue.h"
#include "tap.h"

/* The kernel's queues have to take a burst beyond what is held. */
#define QUEUE_SPARE 16384u
/* Batches of SYNs taken before anything else gets its turn. */
#define BATCHES_MAX 64
/* What the program tells is read at the end, for so long at the most. */
#define LEAVE_MS 1000u

struct receiver_now
worker_now(void)
{
	return (struct receiver_now){ clock_instant(), clock_ms() };
}

uint32_t
worker_second(void)
{
	return (uint32_t)(clock_instant() / FRAME_SECOND);
}

/* If verdicts cannot be sent, packets stay in the kernel's queue. */
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

/* SYNs that the ingress program took off the wire. */
static void
note_frames(struct worker *g, const struct receiver_now *now, bool forwarded,
	    const char *indev, const struct packet *syns, size_t count)
{
	struct receiver_result result;

	for (size_t i = 0; i < count; i++) {
		const struct receiver_packet in = { .packet = &syns[i],
						    .forwarded = forwarded,
						    .indev = indev };

		receiver_note_frame(g->receiver, now, &in, &result);
		judge_apply(g, &result, false, now->ms);
	}
}

/* A group that the program has begun with. */
static void
inherit(void *context, const struct ingress_record *r)
{
	const struct receiver_now now = worker_now();
	struct worker *g = context;
	struct packet syns[FRAME_MAX];

	note_frames(g, &now, worker_fastpath_forwarded(r),
		    ingress_locals_device(&g->ingress, r), syns,
		    worker_fastpath_syns(r, syns));
}

/* What the ingress program took off the wire comes before what it let through.
 */
static void
take_from_ingress(struct worker *g, const struct receiver_now *now)
{
	struct packet syns[FRAME_MAX];
	struct receiver_accepted accepted;
	struct receiver_result result;
	size_t count;

	/* What arrives meanwhile is read before the next packet. */
	ingress_turn(&g->ingress);
	while ((count = worker_fastpath_take(g, syns, &accepted)) > 0) {
		if (accepted.count > 0) {
			receiver_note_accepted(g->receiver, &accepted, &result);
			judge_apply(g, &result, accepted.forwarded, now->ms);
			count = 0;
		}
		note_frames(g, now, accepted.forwarded, accepted.indev, syns,
			    count);
		/* If this worker dies before, the next one finds the record. */
		worker_fastpath_taken(g);
		g->by_ingress = true;
	}
	worker_fastpath_charge(g, now);
}

static bool
serve_queue(struct worker *g, size_t queue)
{
	struct nfq *nfq = &g->queues[queue];
	bool syns = queue == FW_QUEUE_SYN || queue == FW_QUEUE_FORWARD;

	for (int batch = 0; batch < (syns ? BATCHES_MAX : 1); batch++) {
		int count = nfq_receive(nfq);
		struct receiver_now now;
		bool decided;

		if (count < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: %s", nfq->queue,
				strerror(-count));
			return false;
		}
		if (count == 0) {
			return true;
		}
		now = worker_now();
		take_from_ingress(g, &now);
		for (int i = 0; i < count; i++) {
			if (syns) {
				judge_syn(g, queue, &nfq->packets[i], &now);
			} else {
				judge_rest(g, queue, &nfq->packets[i]);
			}
		}
		worker_share_flush(g);
		/* Publish before the verdict: --status may be asked at once. */
		worker_state_publish(g);
		decided = nfq->verdicts.len > 0;
		if (!send_verdicts(nfq)) {
			return false;
		}
		/* Its frames come apart, but behind a group there is a gap. */
		if (decided && count < (int)NFQ_BATCH) {
			return true;
		}
	}
	return true;
}

static bool
send_all_verdicts(struct worker *g)
{
	bool usable = true;

	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		usable &= send_verdicts(&g->queues[queue]);
	}
	return usable;
}

static bool
expire(struct worker *g)
{
	const struct receiver_now now = worker_now();
	struct receiver_result result;

	take_from_ingress(g, &now);

	while (receiver_expire(g->receiver, &now, &result)) {
		judge_apply(g, &result, false, now.ms);
	}
	judge_confirm(g, now.ms);
	worker_state_publish(g);
	return send_all_verdicts(g);
}

void
worker_fds(const struct worker *g, struct pollfd *fds)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		fds[queue] = (struct pollfd){ .fd = g->queues[queue].nl.fd,
					      .events = POLLIN };
	}
	fds[FW_QUEUES] =
		(struct pollfd){ .fd = g->links.nl.fd, .events = POLLIN };
	ingress_fds(&g->ingress, fds + FW_QUEUES + 1);
	worker_share_fds(g, fds + FW_QUEUES + 1 + INGRESS_FDS);
}

int
worker_wait(struct worker *g)
{
	const struct receiver_now now = worker_now();
	const int most = g->by_ingress ? INGRESS_WAKE_MS : MONITOR_BEAT_MS;
	const int64_t share = worker_share_wait(g, now.ms);
	int64_t wait = receiver_wait(g->receiver, &now);

	wait = share >= 0 && (wait < 0 || share < wait) ? share : wait;
	g->by_ingress = false;
	return wait < 0 || wait > most ? most : (int)wait;
}

bool
worker_serve(struct worker *g, const struct pollfd *fds)
{
	bool usable = true;

	__atomic_fetch_add(&g->shared->monitor.beats, 1, __ATOMIC_RELAXED);
	/* Device names before packets, which may come from a new device. */
	if (fds[FW_QUEUES].revents) {
		ifname_update(&g->links);
	}
	worker_share_serve(g, fds + FW_QUEUES + 1 + INGRESS_FDS);
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		if (fds[queue].fd >= 0 && fds[queue].revents) {
			usable &= serve_queue(g, queue);
		}
	}
	return expire(g) && usable;
}

/* The queues of this host always, those of forwarded packets if needed. */
static int
open_queues(struct worker *g, const struct server_conf *conf)
{
	bool forwards = false;
	int status = TAP_OK;

	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		forwards |= conf->acl.rules[i].type != ACL_LOCAL;
	}
	for (size_t queue = 0; queue < FW_QUEUES && status == TAP_OK; queue++) {
		bool syns = queue == FW_QUEUE_SYN || queue == FW_QUEUE_FORWARD;

		if (g->queues[queue].nl.fd >= 0 ||
		    (queue >= FW_QUEUE_FORWARD && !forwards)) {
			continue;
		}
		status = queue_open(&g->queues[queue],
				    (uint16_t)(conf->settings.queue + queue),
				    (syns ? conf->limits.reassembly.held : 0) +
					    QUEUE_SPARE,
				    false);
	}
	return status;
}

void
worker_prepare(struct worker *g)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		struct nfq *nfq = &g->queues[queue];
		int rc = nfq->nl.fd >= 0 ? nfq_renew(nfq) : 0;

		if (rc < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: %s", nfq->queue,
				strerror(-rc));
		}
	}
	worker_share_prepare(g);
	worker_state_prepare(g);
}

void
worker_recover(struct worker *g, bool sound)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		if (g->queues[queue].nl.fd >= 0) {
			nfq_drop_waiting(&g->queues[queue]);
		}
	}
	worker_fastpath_recover(g);
	worker_state_recover(g, sound);
}

uint32_t
worker_begin(struct worker *g)
{
	const uint32_t damaged = worker_state_begin(g);
	const struct receiver_now now = worker_now();

	/* Read what the program accepted last, so that replays are known. */
	take_from_ingress(g, &now);
	worker_fastpath_remember(g);
	worker_fastpath_inherit(g, inherit);
	worker_share_begin(g);
	worker_state_publish(g);
	return damaged;
}

void
worker_leave(struct worker *g)
{
	const struct receiver_now now = worker_now();

	do {
		take_from_ingress(g, &now);
	} while (!ingress_records_end(&g->ingress) &&
		 clock_ms() - now.ms < LEAVE_MS);
	worker_share_leave(g);
	(void)send_all_verdicts(g);
	worker_state_leave(g);
	worker_state_publish(g);
}

void
worker_drop(struct worker *g, uint64_t id)
{
	const size_t queue = (size_t)(id >> 32);

	if (queue < FW_QUEUES && g->queues[queue].nl.fd >= 0) {
		nfq_decide(&g->queues[queue], (uint32_t)id, NFQ_DROP, NULL, 0);
	}
}

bool
worker_may_hold(const struct worker *g, uint64_t id)
{
	const size_t queue = (size_t)(id >> 32);

	return queue < FW_QUEUES && g->queues[queue].nl.fd >= 0;
}

int
worker_open(struct worker *g, const struct server_conf *conf)
{
	struct hash_key key;
	int status, rc;

	*g = (struct worker){ .diag.fd = -1,
			      .conntrack.fd = -1,
			      .links.nl.fd = -1 };
	ingress_init(&g->ingress);
	door_init(&g->door);
	g->conf = conf;
	g->links.query = g->drops = g->to_carrier = -1;
	g->store.fd = -1;
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		g->queues[queue].nl.fd = -1;
	}
	g->opened = clock_ms();
	if (getrandom(&key, sizeof key, 0) != sizeof key) {
		return log_fail("getrandom", -errno);
	}
	admitted_init(&g->admitted, &key);
	status = open_queues(g, conf);
	if (status != TAP_OK) {
		return status;
	}
	rc = sock_diag_open(&g->diag);
	if (rc < 0) {
		return log_fail("sock_diag", rc);
	}
	rc = conntrack_open(&g->conntrack);
	if (rc < 0) {
		g->conntrack.fd = rc;
	}
	rc = ifname_open(&g->links);
	if (rc < 0) {
		return log_fail("rtnetlink", rc);
	}
	g->drops = nfq_open_drops();
	status = worker_state_open(g);
	status = status == TAP_OK ? worker_switch_open(g) : status;
	return status == TAP_OK ? worker_share_open(g) : status;
}

int
worker_configure(struct worker *g, const struct server_conf *conf)
{
	int status = open_queues(g, conf);

	if (status == TAP_OK) {
		g->conf = conf;
	}
	return status;
}

void
worker_close(struct worker *g)
{
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		nfq_close(&g->queues[queue]);
	}
	netlink_close(&g->diag);
	netlink_close(&g->conntrack);
	ifname_close(&g->links);
	worker_fastpath_close(g, false);
	door_close(&g->door);
	replay_file_close(&g->store);
	if (g->drops >= 0) {
		close(g->drops);
	}
}

void
worker_forget(const struct worker *g)
{
	server_conf_forget(g->conf);
	bundle_source_forget(g->bundle);
}
