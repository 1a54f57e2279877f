#include "firewall/ruleset.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const struct ruleset_hook server_hooks[FW_HOOKS] = {
	[RULESET_LABELS] = { "mangle", "PREROUTING", "-labels", "labels" },
	[RULESET_INPUT] = { "mangle", "INPUT", "", "input" },
	[RULESET_FORWARD] = { "mangle", "FORWARD", "-forward", "forward" },
	[RULESET_DECOY] = { "nat", "PREROUTING", "-decoy", "decoy" },
	[RULESET_SYN] = { "raw", "PREROUTING", "", "syn" },
	[RULESET_SWITCH] = { "mangle", "OUTPUT", "-switch", "switch" },
};

static const struct ruleset_hook client_hooks[] = {
	{ "raw", "OUTPUT", "", "syn" },
	{ "mangle", "FORWARD", "-forward", "forward" },
};

bool
ruleset_has_judged(const struct fw_plan *plan, const struct ruleset_hook *hook)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->matches[i].judged &&
		    ruleset_is_here(hook, &plan->matches[i])) {
			return true;
		}
	}
	return false;
}

bool
ruleset_is_here(const struct ruleset_hook *hook, const struct fw_match *m)
{
	return (hook == &client_hooks[1]) == ruleset_is_forwarded(m);
}

const struct ruleset_hook *
ruleset_hooks(enum fw_side side, size_t *count)
{
	*count = side == FW_SERVER ? FW_HOOKS : 2;
	return side == FW_SERVER ? server_hooks : client_hooks;
}

bool
ruleset_is(const struct ruleset_hook *hook, enum ruleset_server_hook which)
{
	return hook == &server_hooks[which];
}

void
ruleset_name(char out[RULESET_NAME_MAX], enum fw_side side, uint16_t queue)
{
	snprintf(out, RULESET_NAME_MAX, "tap-%s-%u",
		 side == FW_SERVER ? "server" : "client", queue);
}

bool
ruleset_is_forwarded(const struct fw_match *m)
{
	return m->place != FW_LOCAL;
}

bool
ruleset_has_family(const struct fw_match *m, unsigned family)
{
	const unsigned own = m->src.family ? m->src.family : m->dst.family;

	return own == 0 || own == family;
}

bool
ruleset_leads(const struct fw_match *m, unsigned family)
{
	return m->decoy.family != 0 &&
		(family == 0 || m->decoy.family == family);
}

bool
ruleset_has_decoy(const struct fw_match *m, unsigned family)
{
	return ruleset_leads(m, family) && !m->led;
}

static bool
has_decoys(const struct fw_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (ruleset_has_decoy(&plan->matches[i], 0)) {
			return true;
		}
	}
	return false;
}

bool
ruleset_has_labels(const struct fw_plan *plan)
{
	return has_decoys(plan) && !plan->unlabelled;
}

bool
ruleset_is_labelled(const struct fw_plan *plan, const struct fw_match *m,
		    unsigned family)
{
	return plan->side == FW_SERVER && !plan->untracked &&
		!plan->unlabelled && m->place == FW_LOCAL &&
		!ruleset_is_translated(m, 0) && !ruleset_has_decoy(m, 0) &&
		(family == 0 || ruleset_has_family(m, family));
}

bool
ruleset_labels_some(const struct fw_plan *plan, unsigned family)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (ruleset_is_labelled(plan, &plan->matches[i], family)) {
			return true;
		}
	}
	return false;
}

bool
ruleset_uses_labels(const struct fw_plan *plan)
{
	return ruleset_has_labels(plan) || ruleset_labels_some(plan, 0);
}

bool
ruleset_is_translated(const struct fw_match *m, unsigned family)
{
	return m->place != FW_BRIDGED && (m->closed || m->dst.family != 0) &&
		(family == 0 || ruleset_has_family(m, family));
}

bool
ruleset_ends_marked(const struct fw_plan *plan, const struct fw_match *m)
{
	return m->by_ingress && (!m->closed || plan->door_stays) &&
		(plan->untracked || !plan->unlabelled ||
		 ruleset_is_translated(m, 0));
}

bool
ruleset_catches_marked(const struct fw_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->untracked &&
		    ruleset_ends_marked(plan, &plan->matches[i])) {
			return true;
		}
	}
	return false;
}

bool
ruleset_lets_through(const struct fw_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (m->by_ingress && ruleset_is_forwarded(m)) {
			return true;
		}
	}
	return false;
}

uint32_t
ruleset_strangers(const struct fw_plan *plan)
{
	return ruleset_lets_through(plan) ? plan->mark | plan->accepted_mark
					  : plan->mark;
}

bool
ruleset_has_place(const struct ruleset_hook *hook, const struct fw_match *m,
		  unsigned family)
{
	if (family && !ruleset_has_family(m, family)) {
		return false;
	}
	if (ruleset_is(hook, RULESET_INPUT)) {
		return m->place == FW_LOCAL;
	}
	if (ruleset_is(hook, RULESET_FORWARD)) {
		return ruleset_is_forwarded(m);
	}
	if (ruleset_is(hook, RULESET_DECOY)) {
		return ruleset_leads(m, family);
	}
	if (ruleset_is(hook, RULESET_SYN)) {
		return !m->closed &&
			(m->place == FW_LOCAL || ruleset_leads(m, 0));
	}
	return !ruleset_is(hook, RULESET_LABELS) &&
		!ruleset_is(hook, RULESET_SWITCH);
}

bool
ruleset_needs(const struct fw_plan *plan, const struct ruleset_hook *hook)
{
	for (size_t i = 0; plan->side == FW_CLIENT && i < plan->count; i++) {
		if (ruleset_is_here(hook, &plan->matches[i])) {
			return true;
		}
	}
	if (plan->side == FW_CLIENT) {
		return hook == &client_hooks[0];
	}
	if (ruleset_is(hook, RULESET_SWITCH)) {
		return plan->switch_mark != 0;
	}
	if (ruleset_is(hook, RULESET_LABELS)) {
		return has_decoys(plan) || ruleset_uses_labels(plan) ||
			plan->switch_mark;
	}
	if (ruleset_is(hook, RULESET_INPUT) ||
	    ruleset_is(hook, RULESET_FORWARD)) {
		if (ruleset_labels_some(plan, 0) ||
		    ruleset_catches_marked(plan)) {
			return true;
		}
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (ruleset_has_place(hook, m, 0) ||
		    (!plan->untracked &&
		     (ruleset_is(hook, RULESET_INPUT) ||
		      ruleset_is(hook, RULESET_FORWARD)) &&
		     ruleset_is_translated(m, 0))) {
			return true;
		}
	}
	return false;
}

unsigned
ruleset_queue(const struct fw_plan *plan, bool forwarded, bool rest)
{
	const unsigned first = forwarded ? FW_QUEUE_FORWARD : FW_QUEUE_SYN;

	return plan->queue + first + (rest ? 1u : 0u);
}

const char *
ruleset_addr(char out[64], const struct packet_addr *addr)
{
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out, 64);
	return out;
}
