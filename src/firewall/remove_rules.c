#include "firewall/remove_rules.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "firewall/leftover.h"
#include "daemon/control_client.h"
#include "daemon/log.h"
#include "fastpath/door.h"
#include "os/nfqueue.h"
#include "os/own_route.h"
#include "tap.h"

static size_t removed;

static const char *
side_name(enum fw_side side)
{
	return side == FW_SERVER ? "server" : "client";
}

static void
tell(const char *line)
{
	printf("removed: %s\n", line);
	removed++;
}

/* One that was killed may have a worker yet, for a moment. */
#define TRIES_MAX 20
#define TRY_MS 50

/* The process whose rules they are; 0, or -1 where one is, but not which. */
static int
running(enum fw_side side, uint16_t queue)
{
	int process = ask_process(side_name(side), queue);

	if (process >= 0) {
		return process > 0 ? process : -1;
	}
	/* A process that does not answer still has the queue. */
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		if (nfq_owner(queue) == 0) {
			return 0;
		}
		poll(NULL, 0, TRY_MS);
	}
	process = nfq_process(queue);
	return process > 0 ? process : -1;
}

static int
remove_door(uint16_t queue)
{
	char line[64];
	int rc = door_remove(queue);

	if (rc == 0) {
		snprintf(line, sizeof line, "the door of queue %u", queue);
		tell(line);
	} else if (rc != -ENOENT) {
		fprintf(stderr, "tap server: the door of queue %u: %s\n", queue,
			strerror(-rc));
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static int
remove_queue(enum fw_side side, uint16_t queue)
{
	const char *name = side_name(side);
	int process = running(side, queue);
	char err[FW_ERROR_MAX];
	int status = TAP_OK;

	if (process != 0) {
		char who[32] = "a process";

		if (process > 0) {
			snprintf(who, sizeof who, "process %d", process);
		}
		fprintf(stderr,
			"tap %s: queue %u: %s runs with it, and would "
			"put the rules back: 'tap %s --stop --queue %u' ends "
			"it, and takes them away\n",
			name, queue, who, name, queue);
		return TAP_NO;
	}
	if (leftover_remove(side, queue, tell, err) < 0) {
		fprintf(stderr, "tap %s: %s\n", name, err);
		status = TAP_SYSTEM;
	}
	/* What can go does, whatever stays. */
	if (side == FW_SERVER) {
		own_route_remove(OWN_ROUTE_TABLE + queue);
	}
	if (side == FW_SERVER && remove_door(queue) != TAP_OK) {
		status = TAP_SYSTEM;
	}
	return status;
}

/* Queues that have a door, perhaps without rules. */
static void
find_doors(struct leftover *found)
{
	uint16_t queues[LEFTOVER_QUEUES_MAX];
	size_t count = door_pinned(queues, LEFTOVER_QUEUES_MAX);

	for (size_t i = 0; i < count; i++) {
		leftover_note(found, queues[i]);
	}
}

int
remove_rules(enum fw_side side, long queue)
{
	const char *name = side_name(side);
	char err[FW_ERROR_MAX];
	struct leftover found;
	int status = TAP_OK;

	if (leftover_find(&found, side, err) < 0 || found.unasked[0]) {
		fprintf(stderr, "tap %s: rules may be left: %s\n", name,
			found.unasked[0] ? found.unasked : err);
		status = TAP_SYSTEM;
	}
	if (side == FW_SERVER) {
		find_doors(&found);
	}
	if (queue >= 0) {
		found.count = 1;
		found.queues[0] = (uint16_t)queue;
	}
	for (size_t i = 0; i < found.count; i++) {
		int rc = remove_queue(side, found.queues[i]);

		/* What runs is to be named, also where something else fails. */
		if (status != TAP_NO && rc != TAP_OK) {
			status = rc;
		}
	}
	if (removed == 0 && status == TAP_OK) {
		printf("no rules of a tap %s are here\n", name);
	}
	return status;
}

static void
remove_dead(uint16_t queue, const struct fw_plan *plan)
{
	char err[FW_ERROR_MAX] = "";

	if (!leftover_shares(FW_SERVER, queue, plan)) {
		log_say(LOG_LEVEL_WARNING,
			"queue %u: rules, or the door, of a server that is not "
			"there hide its ports from all: 'tap server "
			"--remove-rules --queue %u' takes them away",
			queue, queue);
		return;
	}
	if (leftover_remove(FW_SERVER, queue, leftover_log, err) < 0) {
		log_say(LOG_LEVEL_ERROR,
			"queue %u: rules of a server that is not there hide "
			"the same ports, and stay: %s",
			queue, err);
		return;
	}
	(void)door_remove(queue);
	own_route_remove(OWN_ROUTE_TABLE + queue);
}

void
remove_rules_of_the_dead(const struct fw_plan *plan)
{
	char ignored[FW_ERROR_MAX];
	struct leftover found;

	if (leftover_find(&found, FW_SERVER, ignored) < 0) {
		return;
	}
	find_doors(&found);
	for (size_t i = 0; i < found.count; i++) {
		if (found.queues[i] != plan->queue &&
		    running(FW_SERVER, found.queues[i]) == 0) {
			remove_dead(found.queues[i], plan);
		}
	}
}
