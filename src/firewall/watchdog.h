/*
 * Keeps firewall rules in place while a daemon runs: what another program
 * has flushed, changed or put its own rules before is put back.
 */
#ifndef TAP_FIREWALL_WATCHDOG_H
#define TAP_FIREWALL_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/firewall.h"
#include "firewall/legacy.h"

/* This many changes within a minute are a conflict, not an accident. */
#define WATCHDOG_CONTEST 5u

struct watchdog {
	int poll;   /* readable when there is something to look at; or -1 */
	int events; /* of fw_watch(), or below 0 */
	int timer;  /* for a postponed check, or to poll; or -1 */
	struct legacy tables; /* of iptables-legacy, or not open */
	uint64_t tables_sum, tables_ms;
	bool changed;        /* rules were changed, perhaps ours */
	uint64_t changed_ms; /* not before this time */
	uint64_t looked_ms;  /* when all rules were checked last */
	bool unsure;         /* that check could not tell */
	uint64_t restored;   /* how often rules were put back */
	uint64_t open_ms;    /* how long they were missing, at most */
	uint64_t times_ms[WATCHDOG_CONTEST]; /* when they were restored last */
	uint64_t complained_ms;
	bool lost; /* they are gone now, and can't be put back */
};

/* As watchdog_close() leaves it. */
void watchdog_init(struct watchdog *k);
/*
 * Call when the rules are installed, and look soon, for what was changed in
 * between; what cannot be watched is polled.
 */
void watchdog_open(struct watchdog *k, const struct fw *fw);
void watchdog_close(struct watchdog *k);

/*
 * Put rules back that are gone, and say so in the log: at once where the kernel
 * tells of changes, by nft or iptables-nft.  It tells nothing of those by
 * iptables-legacy: what changes the size of a table is seen within a quarter of
 * a second, all else within a minute.  To be called when k->poll is readable,
 * and every second or so, with plan the one that is installed.
 */
void watchdog_look(struct watchdog *k, struct fw *fw,
		   const struct fw_plan *plan);

/* Whether they were put back within the last minute. */
bool watchdog_has_restored(const struct watchdog *k);
/* Whether another program keeps removing the rules. */
bool watchdog_is_contested(const struct watchdog *k);

#endif
