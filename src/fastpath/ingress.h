/*
 * The sieve: a program in the kernel that sees packets where they come in,
 * ahead of the queue.  See sieve.bpf.c for what it does.
 *
 * It is gone with the process, or when a device's own program is asked
 * for: then all goes to the queue, as without it.  It never replaces a
 * program that is on a device already.
 */
#ifndef TAP_FASTPATH_INGRESS_H
#define TAP_FASTPATH_INGRESS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/netdev.h"
#include "fastpath/async_load.h"
#include "fastpath/ringbuf.h"
#include "conf/settings.h"
#include "fastpath/ingress_map.h"

#define SIEVE_WHY_MAX 256u
#define SIEVE_FDS 2
#define SIEVE_DEVICES_MAX 64u	/* others are served by the queue alone */
#define SIEVE_LOCALS_MAX 1024u	/* addresses, likewise */

/* What a configuration comes to; the arrays are the caller's. */
struct sieve_tables {
	uint32_t assembly_ms, flood_per_second;
	uint32_t replays; /* groups that tap itself remembers */
	const struct sieve_port *ports; /* 65,536 */
	const struct sieve_list *lists;
	size_t lists_count;
	const struct sieve_rule *rules;
	size_t rules_count;
	const struct sieve_entry *entries;
	size_t entries_count;
	const struct sieve_range *ranges;
	size_t ranges_count;
	const struct sieve_key *keys; /* by index, with their numbers */
	const uint16_t *key_numbers;
	size_t keys_count;
};

/* The maps of sieve.bpf.c; those from here on outlive a configuration. */
enum sieve_map {
	SIEVE_MAP_PORTS,
	SIEVE_MAP_LISTS,
	SIEVE_MAP_RULES,
	SIEVE_MAP_ENTRIES,
	SIEVE_MAP_RANGES,
	SIEVE_MAP_KEYS,
	SIEVE_MAP_CONFIG,
	SIEVE_MAP_LOCALS,
	SIEVE_MAP_GROUPS,
	SIEVE_MAP_MARKS,
	SIEVE_MAP_RATE,
	SIEVE_MAP_SCRATCH,
	SIEVE_MAP_COUNTS,
	SIEVE_MAP_RECORDS,
	SIEVE_MAP_CHARGES,
	SIEVE_MAP_REPLAYS,
	SIEVE_MAPS,
};

/*
 * Where a program runs.  XDP is the fastest way to drop a packet, but some
 * drivers (veth, virtio) handle all other packets worse while one is there;
 * tc (by TCX, Linux 6.6) is in nobody's way.
 */
enum sieve_way { SIEVE_XDP, SIEVE_TC, SIEVE_WAYS };

struct sieve_link {
	uint32_t device;
	int fd[SIEVE_WAYS]; /* or below 0 */
	bool generic;	    /* XDP: not in the driver */
	bool seen;
};

struct sieve {
	enum settings_fastpath wanted;
	int map[SIEVE_MAPS];
	int program[SIEVE_WAYS]; /* or below 0 */
	int refused[SIEVE_WAYS]; /* -errno: it can't be loaded */
	struct loader loader;	 /* of the program for this way */
	enum sieve_way loading;
	bool pending; /* to be put on devices, once it is loaded */
	bool no_tc;		 /* the kernel is too old */
	bool flood; /* so many SYNs that XDP is worth its price */
	uint64_t syns, syns_ms;	 /* at the last tick */
	bool syns_on;		 /* by a program's count */
	uint64_t flood_ms;	 /* when it was seen last */
	struct sieve_link links[SIEVE_DEVICES_MAX];
	size_t links_count;
	struct netlink watch;
	struct sieve_config *config; /* mapped */
	struct ring records, charges;
	char why[SIEVE_WHY_MAX]; /* empty: all is as it was asked for */
};

/* As sieve_close() leaves it. */
void sieve_init(struct sieve *s);

/*
 * Make all that a process shares with those that it forks.  The program,
 * which takes the kernel a while to check, comes with a later tick.  It
 * never fails: where it can't be, why says so, and the queue serves alone.
 */
void sieve_open(struct sieve *s, const struct sieve_tables *tables,
		enum settings_fastpath wanted);
void sieve_close(struct sieve *s);
/* Take the program off all devices, and forget it. */
void sieve_detach(struct sieve *s);
/* Another configuration; until a later tick the queue serves alone. */
void sieve_change(struct sieve *s, const struct sieve_tables *tables);
/*
 * Every second or so, and when a child has ended: programs are loaded,
 * devices come and go, clocks are set, floods begin and end.  syns: so many
 * have come to the queue so far.
 */
void sieve_tick(struct sieve *s, uint64_t syns);
/* Whether it is as it is to stay, as long as nothing changes. */
bool sieve_is_settled(const struct sieve *s);
/*
 * In a process that was forked: let go of the program and of where it is, for
 * it is to go when the one that opened it says so.
 */
void sieve_leave(struct sieve *s);

/*
 * What the sieve took, or NULL where there is no more.  What belongs to
 * a packet is there before the packet.  In any process, the one that
 * opened it or one that was forked.
 */
const struct sieve_record *sieve_record(struct sieve *s);
void sieve_record_done(struct sieve *s);
/* Whether the program has written none that was not read. */
bool sieve_records_end(const struct sieve *s);
/*
 * Wait until the process that reads them has read those written so far: a
 * moment, unless it hangs.
 */
void sieve_records_await(const struct sieve *s);
const struct sieve_charge *sieve_charge(struct sieve *s);
void sieve_charge_done(struct sieve *s);
/* Descriptors to wait for, or below 0: not for each record, for many. */
void sieve_fds(const struct sieve *s, struct pollfd fds[SIEVE_FDS]);

/* "off", "generic" or "native". */
const char *sieve_state(const struct sieve *s);
/* Why so, or where: "eth0: it has another program of XDP", "2 devices". */
void sieve_reason(const struct sieve *s, char why[SIEVE_WHY_MAX]);
void sieve_counts(const struct sieve *s, uint64_t counts[SIEVE_COUNTS]);

#endif
