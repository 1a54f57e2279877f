/*
 * From a configuration to what the sieve needs of it.
 *
 * A port is sieved where every packet to it falls under a rule that shows
 * strangers nothing (hide=filtered), with windows that survive; by rules of
 * type=LOCAL that name no device, SIEVE_RULES_MAX of them at the most.  All
 * others are left to the gate, and so is what is forwarded.
 */
#ifndef TAP_FASTPATH_INGRESS_TABLES_H
#define TAP_FASTPATH_INGRESS_TABLES_H

#include "conf/server_conf.h"
#include "fastpath/ingress.h"

struct sieve_plan {
	struct sieve_tables tables;
	/* What they point to; owned. */
	struct sieve_port *ports;
	struct sieve_list *lists;
	struct sieve_rule *rules;
	struct sieve_entry *entries;
	struct sieve_range *ranges;
	struct sieve_key *keys; /* secret */
	uint16_t *key_numbers;
};

/*
 * Whether groups may be accepted in the kernel at all: not by XDP, which
 * has no mark for it; and not where some port is to look closed, since
 * then broken options get nobody in.
 */
bool sieve_plan_accepts(const struct conf_server *conf);
/* Whether that may be for a rule's ports. */
bool sieve_plan_serves(const struct acl_rule *rule);

/* 0, or -1 where memory is out. */
int sieve_plan_make(struct sieve_plan *plan, const struct conf_server *conf);
/* A key, as programs in the kernel take it: as secret as it was. */
void sieve_plan_key(struct sieve_key *to, const struct acl_key *key);
/* Wipe and free. */
void sieve_plan_free(struct sieve_plan *plan);

#endif
