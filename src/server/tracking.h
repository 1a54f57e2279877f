/*
 * Connection tracking costs each packet of a host.  The rules ask it only where
 * they have to (tracking=on), or where somebody else has the kernel track
 * anyway; else they go by the sockets that there are (see ruleset.h).  They
 * count on the door for that, which has no listener for strangers, and stands
 * without any process.
 *
 * Whether somebody else tracks can't be seen while tap's own rules do.  So it
 * is looked for before they are installed and while they go without; then they
 * ask it until the next start or reload, after which they go without once more
 * to see.
 */
#ifndef TAP_SERVER_TRACKING_H
#define TAP_SERVER_TRACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/stats.h"
#include "firewall/plan.h"
#include "firewall/watchdog.h"
#include "server/worker.h"

struct tracking {
	const char *others;  /* somebody else may track: why; or NULL */
	const char *why;     /* the rules ask it; or "" */
	uint64_t since_ms;   /* they do as they do */
	uint64_t looked_ms;  /* for others */
	uint64_t changed_ms; /* as the watchdog had it then */
};

/*
 * Why a configuration's rules can't do without, by itself and by what the door
 * is like; or NULL.
 */
const char *tracking_needed(const struct server_conf *conf,
			    const struct door *d);

/* At the start, after worker_door_open(), before there are rules. */
void tracking_begin(struct tracking *t, struct worker *g);
/* After a reload. */
void tracking_again(struct tracking *t);
/*
 * Every second or so, ahead of door_trust_follow(), which puts other rules in
 * the place of those that stand.  Before they ask, the kernel is told which
 * connections there are.
 */
void tracking_follow(struct tracking *t, struct worker *g,
		     const struct plan *plan, const struct fw *fw,
		     const struct watchdog *k);

void tracking_stats(const struct tracking *t, const struct plan *plan,
		    struct stats *s);

#endif
