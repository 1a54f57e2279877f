/*
 * In the monitor: the carrier (switching/carrier.h), and what it needs:
 * listeners, sockets, routes.  It is started when a rule has switch=mirror,
 * and again when it dies.
 */
#ifndef TAP_SERVER_MIRROR_H
#define TAP_SERVER_MIRROR_H

#include <sys/types.h>

#include "daemon/stats.h"
#include "os/own_route.h"
#include "server/worker.h"
#include "switching/carrier_line.h"

#define MIRROR_WHY_MAX 128u
/* How long the carrier has to answer an alarm. */
#define MIRROR_ANSWER_MS 1000

struct mirror {
	int listeners[2]; /* of IPv4 and IPv6, or below 0 */
	int notes[2];     /* the worker's end and the carrier's; or below 0 */
	int line;         /* to the carrier, or below 0 */
	bool deaf;        /* it has not answered the last alarm yet */
	pid_t carrier;    /* or 0 */
	uint64_t started_ms, due_ms;
	unsigned deaths; /* in a row */
	uint64_t restarts;
	uint32_t alarms;               /* asked so far */
	struct carrier_counts *counts; /* shared with it, or NULL */
	struct own_route route;
	uint32_t socket_mark;
	char why[MIRROR_WHY_MAX]; /* a rule wants it, and it can't be */
};

void mirror_init(struct mirror *m);
/*
 * A configuration is about to be put to work by a worker that is not there
 * yet: be there, if one of its rules wants that.  What can't be is in the log;
 * then connections go to the service, as without switch=.
 */
void mirror_prepare(struct mirror *m, struct worker *g);
/* Once a second or so, and when m->line is readable. */
void mirror_tick(struct mirror *m, struct worker *g);
/*
 * An alarm: how many connections were switched, and *cut how many were cut
 * instead; or -errno: -ETIMEDOUT where the carrier does not answer in time.  It
 * may hear of it later, and until it has answered no other alarm waits.
 */
int mirror_alarm(struct mirror *m, const struct alarm *alarm, uint32_t *cut);
/* In the worker: let go of all but its end of the notes. */
void mirror_leave(struct mirror *m);
/* End it, and what it carries; and take away what routes there are. */
void mirror_close(struct mirror *m);

void mirror_stats(const struct mirror *m, struct stats *s);
/* What is wrong, or "". */
const char *mirror_trouble(const struct mirror *m);

#endif
