/*
 * Keeps firewall rules in place while a daemon runs: what another program
 * has flushed is put back.
 */
#ifndef TAP_FIREWALL_WATCHDOG_H
#define TAP_FIREWALL_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "firewall/firewall.h"

struct watchdog {
	int events; /* of fw_watch(), or below 0 */
	uint64_t checked_ms;
	uint64_t restored; /* how often rules were put back */
	bool lost;         /* they are gone now, and can't be */
};

/* From now on, the rules being in place; what can't be watched is polled. */
void watchdog_open(struct watchdog *k);
void watchdog_close(struct watchdog *k);

/*
 * Put rules back that are gone, and say so in the log: at once where
 * nftables tells of changes, else within ten seconds.  To be called every
 * second or so, with plan the one that is installed.
 */
void watchdog_look(struct watchdog *k, struct fw *fw,
		   const struct fw_plan *plan);

#endif
