#include "firewall/ruleset_nft.h"

#include <string.h>

#include "firewall/ruleset.h"

static const char syn[] = "tcp flags & (fin|syn|rst|ack) == syn ";
/* Whose other flags some systems do not look at. */
static const char any_syn[] = "tcp flags & (syn|ack) == syn ";
static const char no_syn[] = "tcp flags & (fin|syn|rst|ack) != syn ";

static void
put_address(struct text *t, const char *which, const struct packet_addr *addr,
	    unsigned bits)
{
	char text[64];

	if (addr->family) {
		text_put(t, "%s %s %s/%u ", addr->family == 4 ? "ip" : "ip6",
			 which, ruleset_addr(text, addr), bits);
	}
}

static void
put_indev(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	if (m->indev && m->indev[0]) {
		text_put(t, "iifname \"%s\" ", m->indev);
	} else if (plan->loopback_open && m->place == FW_LOCAL) {
		text_put(t, "iifname != \"lo\" ");
	}
}

static void
put_ports(struct text *t, const struct fw_match *m)
{
	if (m->ports_count == 0) {
		text_put(t, "meta l4proto tcp ");
		return;
	}
	text_put(t, "tcp dport { ");
	for (size_t i = 0; i < m->ports_count; i++) {
		text_put(t, i ? ", %u" : "%u", m->ports[i].low);
		if (m->ports[i].high != m->ports[i].low) {
			text_put(t, "-%u", m->ports[i].high);
		}
	}
	text_put(t, " } ");
}

/* But for the ports. */
static void
put_way(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	put_indev(t, plan, m);
	if (m->outdev && m->outdev[0]) {
		text_put(t, "oifname \"%s\" ", m->outdev);
	}
	put_address(t, "saddr", &m->src, m->src_bits);
	put_address(t, "daddr", &m->dst, m->dst_bits);
	if (plan->cgroup) {
		text_put(t, "socket cgroupv2 level 1 \"%s\" ", plan->cgroup);
	}
	if (plan->user) {
		text_put(t, "meta skuid %u ", *plan->user);
	}
}

static void
put_match(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	put_way(t, plan, m);
	put_ports(t, m);
}

/* Before routing: whether it is for this host follows the routing table. */
static void
put_early(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	text_put(t, "fib daddr type %slocal ",
		 m->place == FW_LOCAL ? "" : "!= ");
	put_match(t, plan, m);
}

static void
begin_chain(struct text *t, const char *name, const char *type,
	    const char *hook, int priority)
{
	text_put(t,
		 "\tchain %s {\n\t\ttype %s hook %s priority %d; "
		 "policy accept;\n",
		 name, type, hook, priority);
}

static void
put_queue(struct text *t, const struct fw_plan *plan, bool forwarded, bool rest)
{
	text_put(t, "queue num %u%s\n", ruleset_queue(plan, forwarded, rest),
		 plan->unconfirmed ? " bypass" : "");
}

/* But for strangers', whom the program in the kernel has marked. */
static void
put_not_marked(struct text *t, const struct fw_plan *plan,
	       const struct fw_match *m)
{
	const uint32_t bits = ruleset_strangers(plan);

	if (ruleset_ends_marked(plan, m) && bits != plan->mark) {
		text_put(t, "meta mark & 0x%08x != 0x%08x ", bits, plan->mark);
	} else if (ruleset_ends_marked(plan, m)) {
		text_put(t, "meta mark & 0x%08x == 0 ", plan->mark);
	}
}

static void
put_syn_chain(struct text *t, const struct fw_plan *plan,
	      const struct ruleset_hook *hook)
{
	begin_chain(t, hook->nft, "filter", "prerouting", -300);
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		struct fw_plan other = *plan;

		if (!m->by_ingress || !ruleset_has_place(hook, m, 0)) {
			continue;
		}
		/* Packets that this host sends must not have the mark. */
		other.loopback_open = true;
		text_put(t, "\t\tmeta mark & 0x%08x != 0 %s",
			 plan->accepted_mark, syn);
		put_early(t, &other, m);
		text_put(t, "accept\n");
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (ruleset_has_place(hook, m, 0)) {
			text_put(t, "\t\t%s", syn);
			put_early(t, plan, m);
			put_not_marked(t, plan, m);
			put_queue(t, plan, ruleset_is_forwarded(m), false);
		}
	}
	text_put(t, "\t}\n");
}

/* What comes back to the carrier. */
static void
put_back(struct text *t, const struct fw_plan *plan)
{
	text_put(t,
		 "\t\tmeta l4proto tcp meta mark & 0x%08x == 0 "
		 "ct mark & 0x%08x != 0 meta mark set meta mark | 0x%08x\n",
		 plan->accepted_mark, plan->switch_mark, plan->switch_mark);
}

/* A chain that routes anew what it has marked. */
static void
put_switch_chain(struct text *t, const struct fw_plan *plan)
{
	begin_chain(t, "switch", "route", "output", -150);
	text_put(t,
		 "\t\tmeta l4proto tcp meta mark & 0x%08x != 0 "
		 "ct mark set ct mark | 0x%08x\n",
		 plan->accepted_mark, plan->switch_mark);
	put_back(t, plan);
	text_put(t, "\t}\n");
}

/* The mark of acceptance, but not of what was let through this host. */
static void
put_accepted(struct text *t, const struct fw_plan *plan)
{
	const uint32_t mark = plan->accepted_mark;

	if (ruleset_lets_through(plan)) {
		text_put(t, "meta mark & 0x%08x == 0x%08x ", mark | plan->mark,
			 mark);
	} else {
		text_put(t, "meta mark & 0x%08x != 0 ", mark);
	}
}

/* Just after tracking: marks may be gone by the time they are looked at. */
static void
put_labels_chain(struct text *t, const struct fw_plan *plan)
{
	begin_chain(t, "labels", "filter", "prerouting", -199);
	if (ruleset_has_labels(plan)) {
		text_put(t, "\t\t");
		put_accepted(t, plan);
		text_put(t, "%sct label set %u\n", syn, RULESET_LABEL);
	}
	if (plan->switch_mark) {
		put_back(t, plan);
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (ruleset_is_labelled(plan, m, 0)) {
			text_put(t, "\t\tct state new meta mark & 0x%08x == 0 ",
				 plan->accepted_mark);
			put_early(t, plan, m);
			text_put(t, "ct label set %u\n", RULESET_LABEL_CAME);
		}
		if (ruleset_has_decoy(m, 0)) {
			text_put(t, "\t\tct state new %s", no_syn);
			put_early(t, plan, m);
			put_queue(t, plan, ruleset_is_forwarded(m), true);
		}
	}
	text_put(t, "\t}\n");
}

/* A decoy is no protected port, but came from one. */
static void
put_decoys(struct text *t, const struct fw_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		char addr[64];

		if (ruleset_leads(m, 0)) {
			text_put(t,
				 "\t\tct status dnat %s daddr %s tcp dport "
				 "%u accept\n",
				 m->decoy.family == 4 ? "ip" : "ip6",
				 ruleset_addr(addr, &m->decoy), m->decoy_port);
		}
	}
}

static void
put_original(struct text *t, const struct fw_plan *plan,
	     const struct fw_match *m, const struct fw_ports *ports)
{
	char addr[64];

	put_indev(t, plan, m);
	put_address(t, "saddr", &m->src, m->src_bits);
	text_put(t, "meta l4proto tcp ct status dnat ");
	if (m->dst.family) {
		text_put(t, "ct original %s daddr %s/%u ",
			 m->dst.family == 4 ? "ip" : "ip6",
			 ruleset_addr(addr, &m->dst), m->dst_bits);
	}
	if (ports && ports->low == ports->high) {
		text_put(t, "ct original proto-dst %u ", ports->low);
	} else if (ports) {
		text_put(t, "ct original proto-dst %u-%u ", ports->low,
			 ports->high);
	}
}

/* What has come to a protected port and was sent to another one since. */
static void
put_translated(struct text *t, const struct fw_plan *plan)
{
	put_decoys(t, plan);
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		size_t ranges = m->ports_count ? m->ports_count : 1;

		for (size_t k = 0; k < ranges && ruleset_is_translated(m, 0);
		     k++) {
			const struct fw_ports *ports =
				m->ports_count ? &m->ports[k] : NULL;

			text_put(t, "\t\t%s", syn);
			put_original(t, plan, m, ports);
			put_queue(t, plan, false, false);
			text_put(t, "\t\t");
			put_original(t, plan, m, ports);
			put_queue(t, plan, false, true);
		}
	}
	if (ruleset_labels_some(plan, 0)) {
		text_put(t, "\t\t%sct status dnat ct label %u ", syn,
			 RULESET_LABEL_CAME);
		put_queue(t, plan, false, false);
		text_put(t, "\t\tct status dnat ct label %u ",
			 RULESET_LABEL_CAME);
		put_queue(t, plan, false, true);
	}
}

static void
put_final(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	const bool forwarded = ruleset_is_forwarded(m);
	const bool closes = m->closed && plan->door_stays;

	text_put(t, "\t\t%s", syn);
	put_match(t, plan, m);
	put_not_marked(t, plan, m);
	text_put(t, "queue num %u%s\n\t\t%s",
		 ruleset_queue(plan, forwarded, false),
		 closes || plan->unconfirmed ? " bypass" : "",
		 ruleset_ends_marked(plan, m) ? no_syn : "");
	put_match(t, plan, m);
	if (closes) {
		text_put(t, "accept\n");
		return;
	}
	/* An unpinned door ends with the daemon: then no packet may pass. */
	put_queue(t, plan, forwarded, true);
}

/*
 * Of a cgroup with any other value, a socket was found before routing: it is no
 * listener's.  Where the door has none, it may be looked for now.
 */
static void
put_sockets(struct text *t, const struct fw_plan *plan,
	    const struct ruleset_hook *hook)
{
	if (!plan->by_socket || !ruleset_is(hook, RULESET_INPUT)) {
		return;
	}
	if (plan->untracked) {
		text_put(t, "\t\t%ssocket transparent 0 accept\n", no_syn);
	} else {
		text_put(t,
			 "\t\tmeta cgroup != 0xffffffff socket transparent 0 "
			 "%saccept\n",
			 no_syn);
	}
}

/* In INPUT and FORWARD: the final decision. */
static void
put_last_chain(struct text *t, const struct fw_plan *plan,
	       const struct ruleset_hook *hook, const char *name)
{
	begin_chain(t, hook->nft, "filter", name, -1);
	text_put(t, "\t\tmeta l4proto != tcp accept\n");
	if (!plan->untracked) {
		text_put(t, "\t\tct state established %saccept\n", no_syn);
	}
	put_sockets(t, plan, hook);
	if (ruleset_has_labels(plan)) {
		text_put(t, "\t\tct label %u accept\n", RULESET_LABEL);
	}
	/* Clear the mark: it is not needed any more. */
	text_put(t, "\t\t");
	put_accepted(t, plan);
	text_put(t, "%smeta mark set meta mark & 0x%08x accept\n", syn,
		 ~plan->accepted_mark);
	if (ruleset_lets_through(plan)) {
		const uint32_t both = plan->accepted_mark | plan->mark;

		text_put(t,
			 "\t\tmeta mark & 0x%08x == 0x%08x ct status & dnat == "
			 "0 %smeta mark set meta mark & 0x%08x accept\n",
			 both, both, syn, ~both);
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (ruleset_has_place(hook, &plan->matches[i], 0)) {
			put_final(t, plan, &plan->matches[i]);
		}
	}
	if (!plan->untracked) {
		put_translated(t, plan);
	}
	/* Strangers' SYNs, after as many rules as those to other ports. */
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (!ruleset_ends_marked(plan, m) ||
		    !ruleset_has_place(hook, m, 0)) {
			continue;
		}
		text_put(t, "\t\t");
		put_match(t, plan, m);
		if (m->closed) {
			text_put(t, "meta mark set meta mark & 0x%08x accept\n",
				 ~plan->mark);
		} else {
			text_put(t, "drop\n");
		}
	}
	if (ruleset_catches_marked(plan)) {
		text_put(t, "\t\tmeta mark & 0x%08x != 0 %sdrop\n", plan->mark,
			 syn);
	}
	text_put(t, "\t}\n");
}

static void
put_decoy_chain(struct text *t, const struct fw_plan *plan)
{
	begin_chain(t, "decoy", "nat", "prerouting", -101);
	text_put(t, "\t\tmeta l4proto != tcp accept\n");
	if (ruleset_has_labels(plan)) {
		text_put(t, "\t\tct label %u accept\n", RULESET_LABEL);
	}
	text_put(t,
		 "\t\tmeta mark & 0x%08x != 0 accept\n"
		 "\t\tip daddr 127.0.0.0/8 accept\n",
		 plan->accepted_mark);
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		char addr[64];

		if (!ruleset_leads(m, 0)) {
			continue;
		}
		text_put(t, "\t\t");
		if (plan->unconfirmed || m->led) {
			text_put(t, "meta mark & 0x%08x != 0 ", plan->mark);
		}
		put_early(t, plan, m);
		text_put(t,
			 m->decoy.family == 4 ? "dnat ip to %s:%u\n"
					      : "dnat ip6 to [%s]:%u\n",
			 ruleset_addr(addr, &m->decoy), m->decoy_port);
	}
	text_put(t, "\t}\n");
}

/*
 * nft sees fragments as they are, unless somebody has them put together.  Whose
 * flags are not in the first one, nobody has judged; no system sends such
 * (RFC 3128, 2.1; RFC 7112, 5).
 */
static void
put_fragments(struct text *t, const struct fw_plan *plan,
	      const struct fw_match *m)
{
	static const char *const odd[] = {
		"ip protocol tcp ip frag-off & 0x1fff == 1",
		"frag nexthdr tcp frag frag-off 1",
		"frag nexthdr { 0, 43, 44, 60 }",
	};
	const size_t from = m->src.family == 6 || m->dst.family == 6;
	const size_t to = m->src.family == 4 || m->dst.family == 4 ? 1 : 3;

	for (size_t i = from; i < to; i++) {
		text_put(t, "\t\t");
		put_way(t, plan, m);
		text_put(t, "%s drop\n", odd[i]);
	}
}

static void
put_client(struct text *t, const struct fw_plan *plan,
	   const struct ruleset_hook *hook)
{
	const bool forwards = strcmp(hook->hook, "FORWARD") == 0;

	begin_chain(t, hook->nft, "filter", forwards ? "forward" : "output",
		    forwards ? -1 : -300);
	/* Sockets of a control group have the mark, and frames are in none. */
	if (!plan->cgroup) {
		text_put(t, "\t\tmeta mark 0x%08x accept\n", plan->mark);
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		/* The families of IP know no bridge's ports. */
		if (!ruleset_is_here(hook, m) || m->bridge_port) {
			continue;
		}
		if (m->judged) {
			put_fragments(t, plan, m);
		}
		text_put(t, "\t\t%s%s", m->judged ? any_syn : syn,
			 m->marked ? "rt ipsec missing " : "");
		put_match(t, plan, m);
		if (m->marked) {
			text_put(t, "meta priority set %x:%x accept\n",
				 plan->mark >> 16, plan->mark & 0xffff);
		} else {
			text_put(t, "queue num %u%s\n", plan->queue,
				 m->judged ? "" : " bypass");
		}
	}
	text_put(t, "\t}\n");
}

static void
put_chain(struct text *t, const struct fw_plan *plan,
	  const struct ruleset_hook *hook)
{
	if (ruleset_is(hook, RULESET_LABELS)) {
		put_labels_chain(t, plan);
	} else if (ruleset_is(hook, RULESET_INPUT)) {
		put_last_chain(t, plan, hook, "input");
	} else if (ruleset_is(hook, RULESET_FORWARD)) {
		put_last_chain(t, plan, hook, "forward");
	} else if (ruleset_is(hook, RULESET_DECOY)) {
		put_decoy_chain(t, plan);
	} else if (ruleset_is(hook, RULESET_SYN)) {
		put_syn_chain(t, plan, hook);
	} else if (ruleset_is(hook, RULESET_SWITCH)) {
		put_switch_chain(t, plan);
	} else {
		put_client(t, plan, hook);
	}
}

void
ruleset_nft(struct text *t, const struct fw_plan *plan)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(plan->side, &count);
	char name[RULESET_NAME_MAX];

	ruleset_name(name, plan->side, plan->queue);
	text_put(t,
		 "add table inet %s\ndelete table inet %s\n"
		 "table inet %s {\n",
		 name, name, name);
	for (size_t i = 0; i < count; i++) {
		if (ruleset_needs(plan, &hooks[i])) {
			put_chain(t, plan, &hooks[i]);
		}
	}
	text_put(t, "}\n");
}
