/*
 * From a client's configuration to what its program in the kernel needs of
 * it.
 *
 * The program takes rules that name no program, with EGRESS_RANGES_MAX ranges
 * of ports, the first EGRESS_RULES_MAX of them.  All others are left to the
 * queue; and while there are any of this host's own connections, so are those
 * that name a user: a SYN that the firewall has left to the program does not
 * come to the queue any more, where a later rule may be for another user.
 */
#ifndef TAP_FASTPATH_EGRESS_TABLES_H
#define TAP_FASTPATH_EGRESS_TABLES_H

#include "conf/client_conf.h"
#include "fastpath/egress.h"

struct egress_plan {
	struct egress_tables tables;
	/* What they point to: */
	struct egress_rule rules[EGRESS_RULES_MAX]; /* with keys: secret */
	char outdev[EGRESS_RULES_MAX][IF_NAMESIZE];
};

/* Whether it takes one of the rules, after `taken` others. */
bool egress_tables_takes(const struct client_conf *conf,
			 const struct sender_rule *rule, size_t taken);

void egress_tables_make(struct egress_plan *plan,
			const struct client_conf *conf);
void egress_tables_wipe(struct egress_plan *plan);

#endif
