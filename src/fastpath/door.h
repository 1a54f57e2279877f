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
 * Where bpffs is mounted it is kept there: then it stands without any process,
 * and the next server takes it over.  Where it can't be, it is off, and the
 * rules stand alone.
 */
#ifndef TAP_FASTPATH_DOOR_H
#define TAP_FASTPATH_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/door_pin.h"
#include "fastpath/door_load.h"
#include "fastpath/door_map.h"
#include "os/netlink.h"
#include "protocol/acl.h"
#include "protocol/packet.h"

#define DOOR_WHY_MAX 256u

struct door {
	int link; /* below 0: it is off, or this is the worker */
	struct door_shared maps;
	struct door_version now, next; /* next: prepared */
	bool on;
	bool is_pinned;           /* the next server takes it over */
	bool outlives;            /* pins stay when all our processes go */
	bool taken_over;          /* from one who is gone */
	char why[DOOR_WHY_MAX];   /* it is off, or not pinned; or empty */
	char path[DOOR_PATH_MAX]; /* of where it is pinned */
	const char *in_vrf; /* a device that rules name in vain; or NULL */
	struct netlink watch;
	/* Others, with root's rights, may take it away. */
	bool lost;            /* they did, and it can't be put back */
	uint64_t seen_ms;     /* when it was last seen to stand */
	uint64_t restored;    /* how often it was put back */
	uint64_t restored_ms; /* the last time, or 0 */
	uint64_t gap_ms;      /* how long it was away then, at the most */
	uint64_t missing_ms;  /* all such gaps */
};

enum door_found {
	DOOR_AS_BEFORE,
	DOOR_PUT_BACK, /* it was away, and is there again */
	DOOR_TAKEN,    /* it is away, and stays so: see `why` */
};

/* As door_close() leaves it. */
void door_init(struct door *d);
/*
 * Put it up, or take over that which stands, in the monitor.  It never fails:
 * where it can't be, it is off, and `why` says why.
 */
void door_open(struct door *d, const struct door_conf *conf);
/* Pin it, so that it outlives this process; if it can't be, `why` says why. */
void door_keep(struct door *d);
/*
 * Make all that another configuration needs, where it is on.  0 or -errno.
 * Then it is put in the place of the one that stands, at once; or thrown away.
 */
int door_prepare(struct door *d, const struct door_conf *conf);
int door_commit(struct door *d);
void door_abandon(struct door *d);
/*
 * Every second or so: devices and addresses come and go.  And whether it still
 * stands: where its link was ended, or leads to another program, it is put
 * back; where its name in bpffs is gone, it gets it again.
 */
enum door_found door_tick(struct door *d);
/* In a process that was forked: let go of all but what it needs to admit. */
void door_leave(struct door *d);
/* Let go; where it is kept, it stands. */
void door_close(struct door *d);
/* End it, for all who hold it, too, and let go; see door_remove(). */
int door_end(struct door *d, uint16_t queue);

/*
 * A connection was accepted: its packets may find their listener.  It stays so
 * for DOOR_LIFE_NS.  0 or -errno: then they don't.
 */
int door_admit(const struct door *d, const struct acl *acl,
	       const struct packet_addr *src, uint16_t sport, uint16_t dport,
	       bool carried);
/*
 * The carrier's listeners, of IPv4 and IPv6, or below 0, to which it leads
 * from now on whoever was accepted to be carried.  0 or -errno.
 */
int door_lead(const struct door *d, const int listeners[2]);

/*
 * Whether one of this source may still find its listener: then a SYN that was
 * refused must not go on to it.  So, too, where that can't be told.
 */
bool door_admits(const struct door *d, const struct acl *acl,
		 const struct packet_addr *src, uint16_t sport, uint16_t dport);

/* Whether this port of this host has a door, if a rule protects it. */
bool door_covers(const struct door *d, uint16_t port);

void door_counts(const struct door *d, uint64_t counts[DOOR_COUNTS]);
/*
 * Names of programs of others at the same place, "a, b", as far as they fit.
 * Returns how many may choose a socket, and win over it: other servers' doors,
 * which are named as well, choose none.
 */
size_t door_others(const struct door *d, char *out, size_t size);

#endif
