/*
 * The text of firewall rules, for nft and for iptables-restore.
 */
#ifndef TAP_RULESET_H
#define TAP_RULESET_H

#include "fw.h"
#include "text.h"

/* A table of iptables that a side uses, and where it hooks in. */
struct ruleset_table {
	const char *name; /* "raw" */
	const char *hook; /* "PREROUTING" */
};

/* The tables of a side, FW_TABLES at the most. */
const struct ruleset_table *ruleset_tables(enum fw_side side, size_t *count);

/* "tap-server-5040" */
void ruleset_name(char out[32], enum fw_side side, uint16_t queue);

/* A whole nft script that puts the plan in place of what was there. */
void ruleset_nft(struct text *t, const struct fw_plan *plan);

/*
 * One table's section for iptables-restore --noflush.  stale has lines
 * ("-D ...") that remove earlier jumps, or is empty.
 */
void ruleset_iptables(struct text *t, const struct fw_plan *plan,
		      const struct ruleset_table *table, unsigned family,
		      const char *stale);

#endif
