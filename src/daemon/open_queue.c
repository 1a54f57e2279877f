#include "daemon/open_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control_client.h"
#include "daemon/log.h"
#include "tap.h"

#define TRIES_MAX 40
#define TRY_MS 50
/* A daemon's socket is named by its first queue; these may follow it. */
#define QUEUES_MAX 4u
/* Commands that are served at the same time. */
#define FREE_TRIES_MAX 1000

/* If a tap has the queue, say what to do about it. */
static bool
tell_of_tap(uint16_t queue)
{
	static const char *const sides[] = { "server", "client" };

	for (unsigned i = 0; i < 2 * QUEUES_MAX; i++) {
		const char *side = sides[i % 2];
		uint16_t first = (uint16_t)(queue - i / 2);
		int process = ask_process(side, first);

		if (process >= 0) {
			log_say(LOG_LEVEL_ERROR,
				"queue %u: tap %s, process %d, runs with it: "
				"'tap %s --reload' makes it read its files again, "
				"'tap %s --stop' ends it; or give this one "
				"another queue (queue= or --queue)",
				queue, side, process, side, side);
			return true;
		}
	}
	return false;
}

static void
tell_of_other(uint16_t queue)
{
	const pid_t process = nfq_process(queue);
	char who[32] = "another process";

	if (process > 0) {
		snprintf(who, sizeof who, "process %d", (int)process);
	}
	log_say(LOG_LEVEL_ERROR,
		"queue %u: in use by %s; choose another (queue= or --queue)",
		queue, who);
}

int
queue_open(struct nfq *nfq, uint16_t queue, uint32_t length, bool with_uid)
{
	int rc = nfq_open(nfq, queue, length, with_uid);

	if (rc == -EBUSY && tell_of_tap(queue)) {
		return TAP_SYSTEM;
	}
	/* The worker of a killed server needs a moment to follow it. */
	for (int tries = 0; rc == -EBUSY && tries < TRIES_MAX; tries++) {
		poll(NULL, 0, TRY_MS);
		rc = nfq_open(nfq, queue, length, with_uid);
	}
	switch (-rc) {
	case 0:
		return TAP_OK;
	case EBUSY:
		tell_of_other(queue);
		return TAP_SYSTEM;
	case EPERM:
		log_say(LOG_LEVEL_ERROR,
			"queue %u: not permitted; run as root, or with "
			"CAP_NET_ADMIN",
			queue);
		return TAP_SYSTEM;
	case ENOSYS:
		log_say(LOG_LEVEL_ERROR,
			"queue %u: this kernel has no NFQUEUE; load the module "
			"nfnetlink_queue%s",
			queue,
			with_uid ? ", or use 'tap client --backend pcap'" : "");
		return TAP_SYSTEM;
	default:
		log_say(LOG_LEVEL_ERROR, "queue %u: %s", queue, strerror(-rc));
		return TAP_SYSTEM;
	}
}

int
queue_open_free(struct nfq *nfq, uint16_t from, uint32_t length, bool with_uid)
{
	uint16_t queue = from;

	while (queue - from < FREE_TRIES_MAX &&
	       nfq_open(nfq, queue, length, with_uid) == -EBUSY) {
		queue++;
	}
	return nfq->nl.fd >= 0 ? TAP_OK
			       : queue_open(nfq, queue, length, with_uid);
}
