/*
 * The client's fast path: SYNs made into groups by a program in the kernel,
 * where the firewall's rules mark them for it.  What it can't do stays with
 * the queue.
 *
 * In order: the worker reserves source ports, the program is put on devices,
 * and only then do the rules mark; and the other way round at the end.
 */
#ifndef TAP_CLIENT_FASTPATH_H
#define TAP_CLIENT_FASTPATH_H

#include <poll.h>

#include "conf/client_conf.h"
#include "fastpath/egress.h"
#include "client/outbound.h"
#include "firewall/plan.h"
#include "fastpath/egress_ports.h"
#include "daemon/stats.h"

struct client_egress {
	struct egress egress;
	struct port_pool pool; /* the worker's */
	bool loaded;           /* the program, and rules are as it needs them */
	/* What the rules name: now, and after the next change. */
	char devices[2][EGRESS_DEVICES_MAX][IF_NAMESIZE];
	unsigned current; /* which of them is now */
	size_t count;     /* of these */
};

void client_egress_init(struct client_egress *c);
/*
 * In the monitor; the kernel begins to check the program.  `cannot` says why
 * there is to be none, or is NULL.
 */
void client_egress_open(struct client_egress *c, const struct client_conf *conf,
			const char *cannot);
/* When the rules mark nothing any more. */
void client_egress_close(struct client_egress *c);
/* Likewise, with no worker at work: another configuration. */
void client_egress_change(struct client_egress *c,
			  const struct client_conf *conf);
/*
 * In the monitor, every second or so: put the program on devices, and then
 * the rules, which are those of plan, for conf.
 */
void client_egress_tick(struct client_egress *c, struct fw *fw,
			struct plan *plan, const struct client_conf *conf);
/* Whether it is as it is to stay, as long as nothing changes. */
bool client_egress_is_settled(const struct client_egress *c);

/*
 * In the worker: reserve ports and say what became of SYNs.  To be called
 * when the descriptor is readable, and every second or so.
 */
void client_egress_serve(struct client_egress *c, struct outbound *outbound);
struct pollfd client_egress_fd(const struct client_egress *c);

/* Add what the program has counted. */
void client_egress_count(const struct client_egress *c,
			 struct outbound_counters *counted);
void client_egress_stats(const struct client_egress *c, struct stats *s);

#endif
