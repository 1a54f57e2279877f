/*
 * From a configuration to what the ingress program needs of it.
 *
 * A port is accepted in the kernel where every packet to it falls under a rule
 * that shows strangers nothing (hide=filtered), with windows that survive; by
 * rules of type=LOCAL, INGRESS_RULES_MAX of them at the most.  So is what this
 * host routes, by rules of type=ROUTER that name no device where it leaves. All
 * others are left to the receiver.
 */
#ifndef TAP_FASTPATH_INGRESS_TABLES_H
#define TAP_FASTPATH_INGRESS_TABLES_H

#include "conf/server_conf.h"
#include "fastpath/ingress.h"

struct ingress_plan {
	struct ingress_tables tables;
	/* What they point to; owned. */
	struct ingress_port *ports;
	struct ingress_list *lists;
	struct ingress_rule *rules;
	struct ingress_entry *entries;
	struct ingress_range *ranges;
	struct ingress_key *keys; /* secret */
	uint16_t *key_numbers;
	char devices[INGRESS_NAMES_MAX][IF_NAMESIZE];
};

/*
 * Whether groups may be accepted in the kernel at all: not by XDP, which
 * has no mark for it; and not where some port is to look closed, since
 * then broken options get nobody in.
 */
bool ingress_tables_accepts(const struct server_conf *conf);
/* Whether that may be for a rule's ports. */
bool ingress_tables_serves(const struct acl_rule *rule);

/* 0, or -1 where memory is out. */
int ingress_tables_make(struct ingress_plan *plan,
			const struct server_conf *conf);
/* A key, as programs in the kernel take it: as secret as it was. */
void ingress_tables_key(struct ingress_key *to, const struct acl_key *key);
/* Wipe and free. */
void ingress_tables_free(struct ingress_plan *plan);

#endif
