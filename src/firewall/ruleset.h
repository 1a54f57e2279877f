/*
 * The text of firewall rules, for nft and for iptables-restore.
 */
#ifndef TAP_FIREWALL_RULESET_H
#define TAP_FIREWALL_RULESET_H

#include "firewall/firewall.h"
#include "base/text.h"

#define RULESET_NAME_MAX 32u

/* Where iptables has rules of a side: each place has a chain of its own. */
struct ruleset_hook {
	const char *table;  /* "raw" */
	const char *hook;   /* "PREROUTING" */
	const char *suffix; /* of the chain's name */
	const char *nft;    /* the chain that nft has in its place */
};

/* The hooks of a side, FW_HOOKS at the most; what keeps goes in first. */
const struct ruleset_hook *ruleset_hooks(enum fw_side side, size_t *count);

/* "tap-server-5040" */
void ruleset_name(char out[RULESET_NAME_MAX], enum fw_side side,
		  uint16_t queue);

/* Whether a plan has anything to do at a hook. */
bool ruleset_needs(const struct fw_plan *plan, const struct ruleset_hook *hook);

/*
 * Whether it has a rule there for packets of this family, 4 or 6, or (0) of
 * either: where it has none, an empty chain is a whole one.
 */
bool ruleset_fills(const struct fw_plan *plan, const struct ruleset_hook *hook,
		   unsigned family);

/* A whole nft script that puts the plan in place of what was there. */
void ruleset_nft(struct text *t, const struct fw_plan *plan);

/*
 * One hook's section for iptables-restore --noflush.  stale has lines
 * ("-D ...") that remove earlier jumps, or is empty.
 */
void ruleset_iptables(struct text *t, const struct fw_plan *plan,
		      const struct ruleset_hook *hook, unsigned family,
		      const char *stale);

/* Whether a match may be of packets of this family, 4 or 6. */
bool ruleset_has_family(const struct fw_match *m, unsigned family);

#endif
