#include "firewall/remove_rules.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "firewall/leftover.h"
#include "daemon/control_client.h"
#include "fastpath/door.h"
#include "os/nfqueue.h"
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

/* The process whose rules they are, or 0. */
static int
running(enum fw_side side, uint16_t queue)
{
	int process = ask_process(side_name(side), queue);
	uint32_t owner;

	if (process >= 0) {
		return process > 0 ? process : 1;
	}
	/* One that does not answer has the queue all the same. */
	owner = nfq_owner(queue);
	return owner && kill((pid_t)owner, 0) == 0 ? (int)owner : 0;
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

	if (process > 0) {
		fprintf(stderr,
			"tap %s: queue %u: process %d runs with it, and would "
			"put the rules back: 'tap %s --stop --queue %u' ends "
			"it, and takes them away\n",
			name, queue, process, name, queue);
		return TAP_NO;
	}
	if (leftover_remove(side, queue, tell, err) < 0) {
		fprintf(stderr, "tap %s: %s\n", name, err);
		return TAP_SYSTEM;
	}
	return side == FW_SERVER ? remove_door(queue) : TAP_OK;
}

/* Those that have a door, and perhaps no rules any more. */
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

	if (leftover_find(&found, side, err) < 0) {
		fprintf(stderr, "tap %s: %s\n", name, err);
		return TAP_SYSTEM;
	}
	if (found.unasked[0]) {
		fprintf(stderr, "tap %s: warning: not looked at: %s\n", name,
			found.unasked);
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

		status = rc > status ? rc : status;
	}
	if (removed == 0 && status == TAP_OK) {
		printf("no rules of a tap %s are here\n", name);
	}
	return status;
}
