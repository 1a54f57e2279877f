/*
 * What a server says of itself, put together.
 */
#ifndef TAP_SERVER_STATUS_H
#define TAP_SERVER_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/server_conf.h"
#include "daemon/alarms.h"
#include "daemon/stats.h"
#include "firewall/watchdog.h"
#include "server/confirm.h"
#include "server/overview.h"
#include "server/worker.h"
#include "server/worker_door.h"
#include "server/worker_fastpath.h"
#include "server/worker_stats.h"

#define STATUS_FIRST 19u /* items ahead of those of the worker */

struct status_facts {
	const struct server_conf *conf;
	struct worker *worker;
	const struct monitor *monitor;
	const struct watchdog *watchdog;
	const char *firewall; /* whose rules */
	uint64_t started;     /* as all below, by clock_ms() */
	const struct confirmation *confirm;
	uint64_t dropped;    /* when a queue was full last, or 0 */
	bool user_shared;    /* the worker has no user of its own */
	const char *refused; /* why its files were; or empty */
	const char *closing; /* how ports with hide=closed look */
};

/* The items, and the texts that they are of. */
struct status {
	struct stat_item items[STATUS_FIRST + WORKER_STATS +
			       WORKER_FASTPATH_STATS + WORKER_DOOR_STATS];
	size_t count;
	char duration[32], confirm[80];
	char alarm[ALARMS_MAX], hidden[OVERVIEW_MAX];
	char programs[128]; /* of others, at devices */
};

void status_fill(struct status *st, const struct status_facts *facts);

#endif
