/*
 * The ingress program: a program in the kernel that sees packets where they
 * come in, ahead of the queue.  See ingress program.bpf.c for what it does.
 *
 * It is gone with the process, or when a device's own program is asked
 * for: then all goes to the queue, as without it.  It never replaces a
 * program that is on a device already.
 */
#ifndef TAP_FASTPATH_INGRESS_H
#define TAP_FASTPATH_INGRESS_H

#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/netdev.h"
#include "fastpath/async_load.h"
#include "fastpath/flood_hold.h"
#include "fastpath/ringbuf.h"
#include "conf/settings.h"
#include "fastpath/ingress_map.h"

#define INGRESS_WHY_MAX 256u
#define INGRESS_FDS 2
#define INGRESS_DEVICES_MAX 64u  /* others are served by the queue alone */
#define INGRESS_LOCALS_MAX 1024u /* addresses, likewise */
/* So many of them make the call of the kernel cheap, and need little room. */
#define INGRESS_FORGOTTEN 256u

/* What a configuration comes to; the arrays are the caller's. */
struct ingress_tables {
	uint32_t assembly_ms, flood_per_second;
	uint32_t replays;   /* groups that tap itself remembers */
	uint32_t strangers; /* mark of those who go on */
	int admitted;       /* the door's map of accepted connections, or -1 */
	const char (*devices)[IF_NAMESIZE]; /* that rules name */
	size_t devices_count;               /* INGRESS_NAMES_MAX at most */
	const struct ingress_port *ports;   /* INGRESS_PORTS, or twice */
	size_t ports_count;
	const struct ingress_list *lists;
	size_t lists_count;
	const struct ingress_rule *rules;
	size_t rules_count;
	const struct ingress_entry *entries;
	size_t entries_count;
	const struct ingress_range *ranges;
	size_t ranges_count;
	const struct ingress_key *keys; /* by index, with their numbers */
	const uint16_t *key_numbers;
	size_t keys_count;
};

/* The maps of ingress program.bpf.c; those from here on outlive a
 * configuration. */
enum ingress_map {
	INGRESS_MAP_PORTS,
	INGRESS_MAP_LISTS,
	INGRESS_MAP_RULES,
	INGRESS_MAP_ENTRIES,
	INGRESS_MAP_RANGES,
	INGRESS_MAP_KEYS,
	INGRESS_MAP_ADMITTED, /* the door's, where there is one */
	INGRESS_MAP_CONFIG,
	INGRESS_MAP_LOCALS,
	INGRESS_MAP_GROUPS,
	INGRESS_MAP_MARKS,
	INGRESS_MAP_RATES,
	INGRESS_MAP_SCRATCH,
	INGRESS_MAP_COUNTS,
	INGRESS_MAP_RECORDS,
	INGRESS_MAP_CHARGES,
	INGRESS_MAP_REPLAYS,
	INGRESS_MAP_DEVICES,
	INGRESS_MAPS,
};

/*
 * Where a program runs.  XDP is the fastest way to drop a packet, but some
 * drivers (veth, virtio) handle all other packets worse while one is there;
 * tc (by TCX, Linux 6.6) is in nobody's way.  A device whose packets have no
 * link header has the program of tc as it is for those.
 */
enum ingress_way { INGRESS_XDP, INGRESS_TC, INGRESS_TC_BARE, INGRESS_WAYS };

struct ingress_link {
	uint32_t device;
	int fd[INGRESS_WAYS]; /* or below 0 */
	bool generic;         /* XDP: not in the driver */
	bool seen;
};

static inline bool
ingress_link_by_tc(const struct ingress_link *link)
{
	return link->fd[INGRESS_TC] >= 0 || link->fd[INGRESS_TC_BARE] >= 0;
}

static inline bool
ingress_link_is_on(const struct ingress_link *link)
{
	return link->fd[INGRESS_XDP] >= 0 || ingress_link_by_tc(link);
}

struct ingress {
	enum settings_fastpath wanted;
	int map[INGRESS_MAPS];
	int program[INGRESS_WAYS]; /* or below 0 */
	int refused[INGRESS_WAYS]; /* -errno: it can't be loaded */
	struct loader loader;      /* of the program for this way */
	enum ingress_way loading;
	bool pending;           /* to be put on devices, once it is loaded */
	bool no_tc;             /* the kernel is too old */
	bool bare;              /* a device without link headers was there */
	bool flood;             /* so many SYNs that XDP is worth its price */
	uint64_t syns, syns_ms; /* at the last tick */
	bool syns_on;           /* by a program's count */
	uint64_t flood_ms;      /* when it was seen last */
	struct flood_hold hold; /* of XDP, which stays a while after it */
	struct ingress_link links[INGRESS_DEVICES_MAX];
	size_t ifname_count;
	struct netlink watch;
	uint32_t room[INGRESS_MAPS]; /* entries of each */
	bool has_door;               /* INGRESS_MAP_ADMITTED is one's */
	char devices[INGRESS_NAMES_MAX][IF_NAMESIZE]; /* that rules name */
	size_t devices_count;
	/* As config has them, if the worker has not written there. */
	uint64_t assembly;
	int64_t flood_limit;
	uint64_t strangers, settled; /* see ingress_map.h */
	bool relays;
	/* Replays that are to be forgotten: all at once. */
	uint64_t forgotten[INGRESS_FORGOTTEN];
	size_t forgotten_count;
	struct ingress_config *config; /* mapped */
	struct ring records, charges;
	uint64_t counted[INGRESS_COUNTS]; /* by maps that are closed */
	char why[INGRESS_WHY_MAX]; /* empty: all is as it was asked for */
};

/* As ingress_close() leaves it. */
void ingress_init(struct ingress *s);

/*
 * Make all that a process shares with those that it forks.  The program,
 * which takes the kernel a while to check, comes with a later tick.  It
 * never fails: where it can't be, why says so, and the queue serves alone.
 */
void ingress_open(struct ingress *s, const struct ingress_tables *tables,
		  enum settings_fastpath wanted);
void ingress_close(struct ingress *s);
/* Take the program off all devices, and forget it. */
void ingress_detach(struct ingress *s);
/*
 * Another configuration, while nothing is accepted, for the program that is
 * there: no group is lost but one that is completed at that moment.  False
 * where its tables are too small, or something else is in the way; then they
 * may hold anything.
 */
bool ingress_rewrite(struct ingress *s, const struct ingress_tables *tables);
/*
 * Another one, after ingress_detach(); until a later tick the queue serves
 * alone.
 */
void ingress_change(struct ingress *s, const struct ingress_tables *tables);
/*
 * Every second or so, and when a child has ended: programs are loaded,
 * devices come and go, clocks are set, floods begin and end.  syns: so many
 * have come to the queue so far.
 */
void ingress_tick(struct ingress *s, uint64_t syns);
/* Whether it is as it is to stay, as long as nothing changes. */
bool ingress_is_settled(const struct ingress *s);
/*
 * In a process that was forked: let go of the program and of where it is, for
 * it is to go when the one that opened it says so.
 */
void ingress_leave(struct ingress *s);

/* What it took by now, and not what it takes meanwhile: see ring_turn(). */
static inline void
ingress_turn(struct ingress *s)
{
	ring_turn(&s->records);
	ring_turn(&s->charges);
}

/*
 * What the ingress program took, or NULL where there is no more.  What belongs
 * to a packet is there before the packet.  In any process, the one that opened
 * it or one that was forked.
 */
const struct ingress_record *ingress_record(struct ingress *s);
void ingress_record_done(struct ingress *s);
/* Whether all that it had written by the last ingress_turn() was read. */
bool ingress_records_end(const struct ingress *s);
/*
 * Wait until the process that reads them has read those written so far: a
 * moment, unless it hangs.
 */
void ingress_records_await(const struct ingress *s);
const struct ingress_charge *ingress_charge(struct ingress *s);
void ingress_charge_done(struct ingress *s);
/* Descriptors to wait for, or below 0: not for each record, for many. */
void ingress_fds(const struct ingress *s, struct pollfd fds[INGRESS_FDS]);

#endif
