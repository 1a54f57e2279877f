/*
 * What the server's daemon is made of.
 */
#ifndef TAP_SERVER_SERVER_PARTS_H
#define TAP_SERVER_SERVER_PARTS_H

#include "daemon/monitor.h"
#include "daemon/signals.h"
#include "firewall/plan.h"
#include "firewall/watchdog.h"
#include "server/confirm.h"
#include "daemon/prometheus.h"
#include "server/door_trust.h"
#include "server/mirror.h"
#include "server/server.h"
#include "server/share_link.h"
#include "server/switching.h"
#include "server/tracking.h"
#include "server/worker.h"

struct server {
	struct server_conf *conf;
	struct server_conf *next; /* that is to take its place, or NULL */
	struct monitor monitor;
	const struct server_options *options;
	struct worker worker;
	struct plan plan;
	struct fw fw;
	int signals, control;
	struct daemon_reload reloading; /* and why files were refused */
	bool leaves_rules;              /* at its end, for the next one */
	bool staged;      /* copies of conf, or of next, that are to be kept */
	uint64_t started; /* ms */
	struct confirmation confirm;
	struct metrics metrics;
	struct settings_user user; /* of workers, or empty */
	struct watchdog watchdog;
	uint64_t drops, drops_ms;        /* that were told of last, and when */
	uint64_t drops_seen, dropped_ms; /* the last of all, and when */
	struct door_trust trust;
	struct tracking tracking;
	struct share_link share;
	struct mirror mirror;
	struct switching switching;
	bool user_shared; /* there is none of its own */
};

#endif
