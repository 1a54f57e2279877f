/*
 * The door: where the kernel looks for a listener, a program (sk_lookup,
 * Linux 5.9) says that a protected port of this host has none, but for
 * connections that were accepted.  Whatever way a packet came, past which
 * rules, it meets what a closed port is.  Sockets of connections, being made
 * or there, are found before, and are not asked for.
 *
 * It knows rules as acl_rule_for() does for packets to this host.  Those who
 * accept a connection say so to it before SYN0 goes on.
 *
 * Its link and the map of accepted connections are kept in bpffs, where that
 * is mounted: then it stands without any process, and the next server takes
 * it over.  Where it can't be, it is off, and the rules stand alone.
 */
#ifndef TAP_FASTPATH_DOOR_H
#define TAP_FASTPATH_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/door_map.h"
#include "os/netlink.h"
#include "protocol/acl.h"
#include "protocol/packet.h"

#define DOOR_WHY_MAX 256u
#define DOOR_PATH_MAX 128u

struct door {
	int link;                           /* below 0: it is off */
	int accepted, own, devices, counts; /* maps, or below 0 */
	bool on;                  /* in the worker, too, which has no link */
	bool is_pinned;           /* it outlives this process */
	bool taken_over;          /* from one who is gone */
	bool by_device;           /* the kernel tells it the device */
	char why[DOOR_WHY_MAX];   /* it is off, or not pinned; or empty */
	char path[DOOR_PATH_MAX]; /* of its directory in bpffs */
	struct netlink watch;
	uint32_t *keys; /* see struct door_tables */
	char (*names)[ACL_IFNAME_MAX];
	size_t names_count;
	/* Ports that it can't protect, one of them, and why. */
	size_t without;
	uint16_t without_port;
	const char *without_why;
};

/* What it is to do; nothing of it has to outlive a call. */
struct door_conf {
	const struct acl *acl;
	bool loopback_open; /* what comes by that device is let alone */
	uint16_t queue;     /* the server's name */
};

/* As door_close() leaves it. */
void door_init(struct door *d);
/*
 * Put it up, or take over that which stands, in the monitor.  It never fails:
 * where it can't be, it is off and `why` says why.
 */
void door_open(struct door *d, const struct door_conf *conf);
/* Another configuration, at once; false: it is off from now on. */
bool door_change(struct door *d, const struct door_conf *conf);
/* Every second or so: devices and addresses come and go. */
void door_tick(struct door *d);
/* In a process that was forked: let go of all but what it needs to admit. */
void door_leave(struct door *d);
/* Let go; where it is pinned, it stands. */
void door_close(struct door *d);
/*
 * Take away what was pinned for a queue of this network namespace: the door
 * goes with the last process that holds it.  0, -ENOENT or another -errno.
 */
int door_remove(uint16_t queue);
/* The queues that one is pinned for there, up to max.  How many. */
size_t door_pinned(uint16_t *queues, size_t max);

/*
 * A connection was accepted: its packets may find their listener.  It stays so
 * for DOOR_LIFE_NS.  0 or -errno: then they don't.
 */
int door_admit(const struct door *d, const struct acl *acl,
	       const struct packet_addr *src, uint16_t sport, uint16_t dport);

void door_counts(const struct door *d, uint64_t counts[DOOR_COUNTS]);
/*
 * Names of programs of others, "a, b", as far as they fit: one that chooses a
 * socket itself wins over the door.  Returns how many there are.
 */
size_t door_others(const struct door *d, char *out, size_t size);

#endif
