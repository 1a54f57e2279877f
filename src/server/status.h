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
#include "server/mirror.h"
#include "server/overview.h"
#include "server/switching.h"
#include "server/tracking.h"
#include "server/worker.h"
#include "server/worker_door.h"
#include "server/worker_fastpath.h"
#include "server/worker_stats.h"

struct status_facts {
	const struct server_conf *conf;
	struct worker *worker;
	const struct monitor *monitor;
	const struct watchdog *watchdog;
	const char *firewall; /* whose rules */
	uint64_t started;     /* as all below, by clock_ms() */
	const struct confirmation *confirm;
	uint64_t dropped; /* when a queue was full last, or 0 */
	bool user_shared; /* the worker has no user of its own */
	const struct bundle_source *bundle; /* or NULL */
	const char *refused;                /* why its files were; or empty */
	const char *closing; /* how ports with hide=closed look */
	const struct mirror *mirror;
	const struct tracking *tracking;
	const struct plan *plan; /* of the rules that stand */
	const struct switching *switching;
};

void status_fill(struct stats *s, const struct status_facts *facts);

#endif
