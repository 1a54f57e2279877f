/*
 * The client's program in the kernel, which makes groups of SYNs where they
 * leave by a device.  See egress.bpf.c for what it does.
 *
 * It is gone with the process.  It stands beside the other programs of a
 * device (TCX, Linux 6.6), and takes nothing but what the firewall's rules
 * have marked for it.
 */
#ifndef TAP_FASTPATH_EGRESS_H
#define TAP_FASTPATH_EGRESS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/egress_map.h"
#include "fastpath/async_load.h"
#include "os/netlink.h"
#include "fastpath/ringbuf.h"
#include "conf/settings.h"

#define EGRESS_WHY_MAX 256u
/* Each has firewall rules of its own; others are served by the queue. */
#define EGRESS_DEVICES_MAX 16u

/* What a configuration comes to; the arrays are the caller's. */
struct egress_tables {
	const struct egress_rule *rules;   /* EGRESS_RULES_MAX at the most */
	const char (*outdev)[IF_NAMESIZE]; /* of each; empty: any */
	size_t rules_count;
	uint32_t mark; /* see egress_map.h */
	bool verbose;
};

enum egress_map {
	EGRESS_MAP_RULES,
	EGRESS_MAP_CONFIG,
	EGRESS_MAP_PORTS,
	EGRESS_MAP_SCRATCH,
	EGRESS_MAP_COUNTS,
	EGRESS_MAP_EVENTS,
	EGRESS_MAPS,
};

struct egress_link {
	uint32_t device;
	char name[IF_NAMESIZE];
	int fd;
	bool seen;
};

struct egress {
	int map[EGRESS_MAPS];
	int program;          /* or below 0 */
	struct loader loader; /* of it */
	struct egress_link links[EGRESS_DEVICES_MAX];
	size_t ifname_count;
	struct netlink watch;
	struct egress_config *config; /* mapped; NULL: not open */
	struct egress_ports *ports;   /* mapped */
	struct ring events;
	char outdev[EGRESS_RULES_MAX][IF_NAMESIZE];
	size_t rules_count;
	char why[EGRESS_WHY_MAX]; /* why it is off, or not everywhere */
};

/* As egress_close() leaves it. */
void egress_init(struct egress *e);
/*
 * Make all that a process shares with those that it forks.  0, or -1 with
 * the reason in why, and nothing open.
 */
int egress_open(struct egress *e, const struct egress_tables *tables);
/* All but why. */
void egress_close(struct egress *e);
/* Note why it is not as it should be. */
__attribute__((format(printf, 2, 3))) void
egress_explain(struct egress *e, const char *format, ...);

/*
 * Other rules, once the firewall's marks nothing more by the old ones.
 * 0, or -errno.
 */
int egress_change(struct egress *e, const struct egress_tables *tables);
/*
 * Load the program, which takes the kernel a moment.  0, or -errno with why;
 * -EINPROGRESS: to be called again, when a child has ended, or later.
 */
int egress_load(struct egress *e);
/* Every second or so: clocks are set. */
void egress_set_clock(struct egress *e);
/* Whether devices have come, gone or changed since it was asked last. */
bool egress_is_stale(struct egress *e);
/*
 * Put the program on the devices that are there, and write the names of
 * those that have it: their number.  Where it is to leave a device it stays
 * until egress_settle(), for the firewall's rules to change first.
 */
size_t egress_attach(struct egress *e,
		     char names[EGRESS_DEVICES_MAX][IF_NAMESIZE]);
void egress_settle(struct egress *e);
/*
 * In a process that was forked: let go of the program and of where it is, for
 * it is to go when the one that opened it says so.
 */
void egress_leave(struct egress *e);

/* Events of now, and not those that come meanwhile: see ring_turn(). */
void egress_events_turn(struct egress *e);
/* The next event, or NULL where there is none; in any process. */
const struct egress_event *egress_event(struct egress *e);
void egress_event_done(struct egress *e);
/* Readable when there is an event, or below 0. */
int egress_event_fd(const struct egress *e);
void egress_counts(const struct egress *e, uint64_t counts[EGRESS_COUNTS]);

#endif
