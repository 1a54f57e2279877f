/*
 * Rules of a tap that is not there: found by their names and removed,
 * whatever tool put them there, such as iptables-restore at boot from
 * what was saved while a tap ran.
 */
#ifndef TAP_FIREWALL_LEFTOVER_H
#define TAP_FIREWALL_LEFTOVER_H

#include "firewall/firewall.h"

#define LEFTOVER_QUEUES_MAX 256u

/* The queues that rules of a side are named for, in order, none twice. */
struct leftover {
	enum fw_side side;
	size_t count;
	uint16_t queues[LEFTOVER_QUEUES_MAX];
	char unasked[FW_ERROR_MAX]; /* a tool that is there and failed */
};

/*
 * Look with every tool that there is.  0; or -1 with the error in err
 * (FW_ERROR_MAX), where none of them can be asked.
 */
int leftover_find(struct leftover *found, enum fw_side side, char *err);

/*
 * Whether rules of a side that are named for a queue hide a port that the plan
 * has, too; of which addresses is not looked at.
 */
bool leftover_shares(enum fw_side side, uint16_t queue,
		     const struct fw_plan *plan);

/*
 * Whether some rule, of whomever, gives connections another source: then
 * answers to them come back to this host.  True where no tool can be asked.
 */
bool leftover_masquerades(void);

/* One more queue, that something else than rules is named for. */
void leftover_note(struct leftover *found, uint16_t queue);

/* A line of the log, for leftover_remove() in a daemon. */
void leftover_log(const char *line);

/*
 * Remove all rules of a side that are named for a queue; told() gets a
 * line for each table and chain.  0; or -1 with the error in err: then
 * some may be left.
 */
int leftover_remove(enum fw_side side, uint16_t queue,
		    void (*told)(const char *line), char *err);

#endif
