#include "firewall/ruleset_iptables.h"

#include <stdio.h>

#include "firewall/multiport.h"

#define TARGET_MAX 256u
#define MARK_MAX 48u

static const char syn[] = "--tcp-flags FIN,SYN,RST,ACK SYN";
/* Whose other flags some systems do not look at. */
static const char any_syn[] = "--tcp-flags SYN,ACK SYN";

/* What the rules of one section have in common. */
struct section {
	struct text *t;
	const struct fw_plan *plan;
	const struct ruleset_hook *hook;
	const char *chain;
	unsigned family;
};

static void
put_indev(const struct section *s, const struct fw_plan *plan,
	  const struct fw_match *m)
{
	bool bridged = m->place == FW_BRIDGED;

	if (bridged) {
		text_put(s->t, "-m physdev --physdev-is-bridged ");
	}
	if (m->bridge_port) {
		text_put(s->t, "-m physdev ");
	}
	if (m->indev && m->indev[0]) {
		text_put(s->t, "%s %s ",
			 bridged || m->bridge_port ? "--physdev-in" : "-i",
			 m->indev);
	} else if (plan->loopback_open && m->place == FW_LOCAL) {
		text_put(s->t, "! -i lo ");
	}
}

static void
put_devices(const struct section *s, const struct fw_plan *plan,
	    const struct fw_match *m)
{
	put_indev(s, plan, m);
	if (m->outdev && m->outdev[0]) {
		text_put(s->t, "%s %s ",
			 m->place == FW_BRIDGED ? "--physdev-out" : "-o",
			 m->outdev);
	}
}

static void
put_net(const struct section *s, const char *option,
	const struct packet_addr *addr, unsigned bits)
{
	char text[64];

	if (addr->family) {
		text_put(s->t, "%s %s/%u ", option, ruleset_addr(text, addr),
			 bits);
	}
}

static void
put_rule(const struct section *s, const struct fw_plan *plan,
	 const struct multiport *lot, const char *target)
{
	const struct fw_match *m = lot->match;

	text_put(s->t, "-A %s -p tcp ", s->chain);
	put_devices(s, plan, m);
	put_net(s, "-s", &m->src, m->src_bits);
	put_net(s, "-d", &m->dst, m->dst_bits);
	if (lot->to > lot->from) {
		text_put(s->t, "-m multiport --dports ");
	}
	for (size_t i = lot->from; i < lot->to; i++) {
		text_put(s->t, i > lot->from ? ",%u" : "%u", m->ports[i].low);
		if (m->ports[i].high != m->ports[i].low) {
			text_put(s->t, ":%u", m->ports[i].high);
		}
	}
	text_put(s->t, lot->to > lot->from ? " " : "");
	if (plan->cgroup) {
		text_put(s->t, "-m cgroup --path %s ", plan->cgroup);
	}
	if (plan->user) {
		text_put(s->t, "-m owner --uid-owner %u ", *plan->user);
	}
	text_put(s->t, "%s\n", target);
}

/* The same target for all ports of a match, in as many rules as needed. */
static void
put_match(const struct section *s, const struct fw_plan *plan,
	  const struct fw_match *m, const char *target)
{
	struct multiport lot = multiport_of(m);

	if (m->ports_count == 0) {
		put_rule(s, plan, &lot, target);
	}
	while (multiport_next(&lot)) {
		put_rule(s, plan, &lot, target);
	}
}

/* Before routing: whether it is for this host follows the routing table. */
static const char *
early(const struct fw_match *m)
{
	return m->place == FW_LOCAL ? "-m addrtype --dst-type LOCAL"
				    : "-m addrtype ! --dst-type LOCAL";
}

static const char *
bypass(const struct section *s)
{
	return s->plan->unconfirmed ? " --queue-bypass" : "";
}

/* But for strangers', whom the program in the kernel has marked. */
static const char *
not_marked(const struct section *s, const struct fw_match *m,
	   char text[MARK_MAX])
{
	text[0] = '\0';
	if (ruleset_ends_marked(s->plan, m)) {
		snprintf(text, MARK_MAX, "-m mark ! --mark 0x%x/0x%x ",
			 s->plan->mark, ruleset_strangers(s->plan));
	}
	return text;
}

static void
put_early_accept(const struct section *s, const struct fw_match *m)
{
	struct fw_plan other = *s->plan;
	char target[TARGET_MAX];

	/* Packets that this host sends must not have the mark. */
	other.loopback_open = true;
	/* The mark first: the routing table is the dearer. */
	snprintf(target, sizeof target, "-m mark --mark 0x%x/0x%x %s -j ACCEPT",
		 s->plan->accepted_mark, s->plan->accepted_mark, early(m));
	put_match(s, &other, m, target);
}

static void
put_syn_chain(const struct section *s)
{
	const struct fw_plan *plan = s->plan;
	char target[TARGET_MAX], mark[MARK_MAX];

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->matches[i].by_ingress &&
		    ruleset_has_place(s->hook, &plan->matches[i], s->family)) {
			put_early_accept(s, &plan->matches[i]);
		}
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (ruleset_has_place(s->hook, m, s->family)) {
			snprintf(target, sizeof target,
				 "%s%s -j NFQUEUE --queue-num %u%s",
				 not_marked(s, m, mark), early(m),
				 ruleset_queue(plan, ruleset_is_forwarded(m),
					       false),
				 bypass(s));
			put_match(s, plan, m, target);
		}
	}
}

/* Pass accepted SYNs, and what is none of our business. */
static void
put_admitted(const struct section *s)
{
	const uint32_t mark = s->plan->accepted_mark;
	const uint32_t through = mark | s->plan->mark;
	const bool lets_through = ruleset_lets_through(s->plan);

	/* Flags are matched last, since that match drops truncated headers. */
	if (!s->plan->untracked) {
		text_put(s->t,
			 "-A %s -p tcp -m conntrack --ctstate ESTABLISHED "
			 "-m tcp ! %s -j RETURN\n",
			 s->chain, syn);
	}
	if (ruleset_has_labels(s->plan)) {
		text_put(s->t, "-A %s -m connlabel --label %u -j RETURN\n",
			 s->chain, RULESET_LABEL);
	}
	text_put(s->t,
		 "-A %s -p tcp -m mark --mark 0x%x/0x%x -m tcp %s -j RETURN\n",
		 s->chain, mark, lets_through ? through : mark, syn);
	if (lets_through) {
		text_put(s->t,
			 "-A %s -p tcp -m mark --mark 0x%x/0x%x -m conntrack "
			 "! --ctstate DNAT -m tcp %s -j RETURN\n",
			 s->chain, through, through, syn);
	}
}

/* What is left of strangers' SYNs comes to the last rules. */
static const char *
no_syn(const struct section *s, const struct fw_match *m)
{
	return ruleset_ends_marked(s->plan, m)
		? "-m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN "
		: "";
}

/*
 * Whose packet it is was found before routing: no listener's, but for TPROXY.
 * Where the door has no listener, it may be looked for now.
 */
static void
put_sockets(const struct section *s, const struct fw_match *m)
{
	const bool late = s->plan->untracked;
	char target[TARGET_MAX];

	if (!s->plan->by_socket || !ruleset_is(s->hook, RULESET_INPUT)) {
		return;
	}
	snprintf(target, sizeof target,
		 "%s%s-m socket --nowildcard --transparent "
		 "-j NFQUEUE --queue-num %u%s",
		 no_syn(s, m), late ? "" : "-m cgroup --path / ",
		 ruleset_queue(s->plan, false, true), bypass(s));
	put_match(s, s->plan, m, target);
	snprintf(target, sizeof target, "%s-m %s -j RETURN", no_syn(s, m),
		 late ? "socket --nowildcard" : "cgroup --path /");
	put_match(s, s->plan, m, target);
}

static void
put_final(const struct section *s, const struct fw_match *m)
{
	const bool forwarded = ruleset_is_forwarded(m);
	const bool closes = m->closed && s->plan->door_stays;
	char target[TARGET_MAX], mark[MARK_MAX];

	snprintf(target, sizeof target,
		 "%s-m tcp %s -j NFQUEUE --queue-num %u%s",
		 not_marked(s, m, mark), syn,
		 ruleset_queue(s->plan, forwarded, false),
		 closes ? " --queue-bypass" : bypass(s));
	put_match(s, s->plan, m, target);
	if (closes) {
		snprintf(target, sizeof target, "%s-j RETURN", no_syn(s, m));
		put_match(s, s->plan, m, target);
		return;
	}
	put_sockets(s, m);
	/* An unpinned door ends with the daemon: then no packet may pass. */
	snprintf(target, sizeof target, "%s-j NFQUEUE --queue-num %u%s",
		 no_syn(s, m), ruleset_queue(s->plan, forwarded, true),
		 bypass(s));
	put_match(s, s->plan, m, target);
}

/* A decoy is no protected port, but came from one. */
static void
put_decoys(const struct section *s)
{
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct fw_match *m = &s->plan->matches[i];
		char addr[64];

		if (ruleset_leads(m, s->family)) {
			text_put(s->t,
				 "-A %s -p tcp -d %s -m conntrack --ctstate "
				 "DNAT -m multiport --dports %u -j RETURN\n",
				 s->chain, ruleset_addr(addr, &m->decoy),
				 m->decoy_port);
		}
	}
}

static void
put_original(const struct section *s, const struct fw_match *m,
	     const struct fw_ports *ports, const char *target)
{
	text_put(s->t, "-A %s -p tcp ", s->chain);
	put_indev(s, s->plan, m);
	put_net(s, "-s", &m->src, m->src_bits);
	text_put(s->t, "-m conntrack --ctstate DNAT ");
	put_net(s, "--ctorigdst", &m->dst, m->dst_bits);
	if (ports && ports->low == ports->high) {
		text_put(s->t, "--ctorigdstport %u ", ports->low);
	} else if (ports) {
		text_put(s->t, "--ctorigdstport %u:%u ", ports->low,
			 ports->high);
	}
	text_put(s->t, "%s\n", target);
}

/* What has come to a protected port and was sent to another one since. */
static void
put_translated(const struct section *s)
{
	char target[TARGET_MAX], rest[TARGET_MAX];

	snprintf(target, sizeof target, "-m tcp %s -j NFQUEUE --queue-num %u%s",
		 syn, ruleset_queue(s->plan, false, false), bypass(s));
	snprintf(rest, sizeof rest, "-j NFQUEUE --queue-num %u%s",
		 ruleset_queue(s->plan, false, true), bypass(s));
	put_decoys(s);
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct fw_match *m = &s->plan->matches[i];
		size_t ranges = m->ports_count ? m->ports_count : 1;

		for (size_t k = 0;
		     k < ranges && ruleset_is_translated(m, s->family); k++) {
			const struct fw_ports *ports =
				m->ports_count ? &m->ports[k] : NULL;

			put_original(s, m, ports, target);
			put_original(s, m, ports, rest);
		}
	}
	if (ruleset_labels_some(s->plan, s->family)) {
		text_put(s->t,
			 "-A %s -p tcp -m conntrack --ctstate DNAT "
			 "-m connlabel --label %u %s\n"
			 "-A %s -p tcp -m conntrack --ctstate DNAT "
			 "-m connlabel --label %u %s\n",
			 s->chain, RULESET_LABEL_CAME, target, s->chain,
			 RULESET_LABEL_CAME, rest);
	}
}

/* In INPUT and FORWARD: the final decision. */
static void
put_last_chain(const struct section *s)
{
	put_admitted(s);
	for (size_t i = 0; i < s->plan->count; i++) {
		if (ruleset_has_place(s->hook, &s->plan->matches[i],
				      s->family)) {
			put_final(s, &s->plan->matches[i]);
		}
	}
	if (!s->plan->untracked) {
		put_translated(s);
	}
	/* Strangers' SYNs, after as many rules as those to other ports. */
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct fw_match *m = &s->plan->matches[i];

		if (ruleset_ends_marked(s->plan, m) &&
		    ruleset_has_place(s->hook, m, s->family)) {
			put_match(s, s->plan, m,
				  m->closed ? "-j RETURN" : "-j DROP");
		}
	}
	if (ruleset_catches_marked(s->plan)) {
		text_put(s->t,
			 "-A %s -p tcp -m mark --mark 0x%x/0x%x -m tcp %s "
			 "-j DROP\n",
			 s->chain, s->plan->mark, s->plan->mark, syn);
	}
}

static void
put_decoy_chain(const struct section *s)
{
	const uint32_t mark = s->plan->accepted_mark;
	char led[TARGET_MAX / 4];

	if (ruleset_has_labels(s->plan)) {
		text_put(s->t, "-A %s -m connlabel --label %u -j RETURN\n",
			 s->chain, RULESET_LABEL);
	}
	text_put(s->t, "-A %s -m mark --mark 0x%x/0x%x -j RETURN\n", s->chain,
		 mark, mark);
	snprintf(led, sizeof led, "-m mark --mark 0x%x/0x%x ", s->plan->mark,
		 s->plan->mark);
	if (s->family == 4) {
		text_put(s->t, "-A %s -d 127.0.0.0/8 -j RETURN\n", s->chain);
	}
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct fw_match *m = &s->plan->matches[i];
		char target[TARGET_MAX], addr[64];

		if (!ruleset_has_place(s->hook, m, s->family)) {
			continue;
		}
		snprintf(target, sizeof target,
			 s->family == 4
				 ? "%s%s -j DNAT --to-destination %s:%u"
				 : "%s%s -j DNAT --to-destination [%s]:%u",
			 s->plan->unconfirmed || m->led ? led : "", early(m),
			 ruleset_addr(addr, &m->decoy), m->decoy_port);
		put_match(s, s->plan, m, target);
	}
}

/* In midstream, and not of strangers perhaps: the daemon marks what is not. */
static void
put_forgotten(const struct section *s, const struct fw_match *m)
{
	char target[TARGET_MAX];

	snprintf(target, sizeof target,
		 "-m conntrack --ctstate NEW %s -m tcp ! %s -j NFQUEUE "
		 "--queue-num %u%s",
		 early(m), syn,
		 ruleset_queue(s->plan, ruleset_is_forwarded(m), true),
		 bypass(s));
	put_match(s, s->plan, m, target);
}

/*
 * The program in the kernel has found that the SYNs which it marked as
 * strangers' are to this host.  They are spared the routing table, which nobody
 * asks about SYNs to other ports: these must not take less time.
 */
static void
put_came(const struct section *s, const struct fw_match *m)
{
	const uint32_t strangers =
		ruleset_ends_marked(s->plan, m) ? s->plan->mark : 0;
	char target[TARGET_MAX];

	if (strangers) {
		snprintf(target, sizeof target,
			 "-m mark --mark 0x%x/0x%x -m conntrack --ctstate NEW "
			 "-m connlabel --label %u --set",
			 strangers, strangers, RULESET_LABEL_CAME);
		put_match(s, s->plan, m, target);
	}
	snprintf(target, sizeof target,
		 "-m mark --mark 0x0/0x%x -m conntrack --ctstate NEW "
		 "-m addrtype --dst-type LOCAL -m connlabel --label %u --set",
		 s->plan->accepted_mark | strangers, RULESET_LABEL_CAME);
	put_match(s, s->plan, m, target);
}

/* What comes back to the carrier. */
static void
put_back(const struct section *s)
{
	const uint32_t to = s->plan->switch_mark;
	const uint32_t from = s->plan->accepted_mark;

	text_put(s->t,
		 "-A %s -p tcp -m mark --mark 0x0/0x%x -m connmark --mark "
		 "0x%x/0x%x -j MARK --set-xmark 0x%x/0x%x\n",
		 s->chain, from, to, to, to, to);
}

static void
put_switch_chain(const struct section *s)
{
	const uint32_t to = s->plan->switch_mark;
	const uint32_t from = s->plan->accepted_mark;

	text_put(s->t,
		 "-A %s -p tcp -m mark --mark 0x%x/0x%x -j CONNMARK "
		 "--set-xmark 0x%x/0x%x\n",
		 s->chain, from, from, to, to);
	put_back(s);
}

static void
put_labels_chain(const struct section *s)
{
	const uint32_t mark = s->plan->accepted_mark;

	if (ruleset_has_labels(s->plan)) {
		text_put(s->t,
			 "-A %s -p tcp -m mark --mark 0x%x/0x%x -m tcp %s "
			 "-m connlabel --label %u --set\n",
			 s->chain, mark,
			 ruleset_lets_through(s->plan) ? mark | s->plan->mark
						       : mark,
			 syn, RULESET_LABEL);
	}
	if (s->plan->switch_mark) {
		put_back(s);
	}
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct fw_match *m = &s->plan->matches[i];

		if (ruleset_is_labelled(s->plan, m, s->family)) {
			put_came(s, m);
		}
		if (ruleset_has_decoy(m, s->family)) {
			put_forgotten(s, m);
		}
	}
}

static void
put_client_chain(const struct section *s)
{
	const uint32_t mark = s->plan->mark;
	static const char bare[] = "-m policy --dir out --pol none";
	char queue[TARGET_MAX], set[TARGET_MAX], end[TARGET_MAX];

	snprintf(set, sizeof set, "%s -j CLASSIFY --set-class %x:%x", bare,
		 mark >> 16, mark & 0xffff);
	snprintf(end, sizeof end, "%s -j RETURN", bare);
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct fw_match *m = &s->plan->matches[i];

		if (!ruleset_has_family(m, s->family) ||
		    !ruleset_is_here(s->hook, m)) {
			continue;
		}
		snprintf(queue, sizeof queue, "-j NFQUEUE --queue-num %u%s",
			 s->plan->queue, m->judged ? "" : " --queue-bypass");
		put_match(s, s->plan, m, m->marked ? set : queue);
		/* CLASSIFY does not end the chain, so a RETURN follows. */
		if (m->marked) {
			put_match(s, s->plan, m, end);
		}
	}
}

static void
put_jump(const struct section *s)
{
	const struct fw_plan *plan = s->plan;

	text_put(s->t, "-I %s 1 -p tcp ", s->hook->hook);
	/* Sockets of a control group have the mark, and frames are in none. */
	if (plan->side == FW_CLIENT && !plan->cgroup) {
		text_put(s->t, "-m tcp %s -m mark ! --mark 0x%x ",
			 ruleset_has_judged(plan, s->hook) ? any_syn : syn,
			 plan->mark);
	} else if (plan->cgroup || ruleset_is(s->hook, RULESET_SYN)) {
		text_put(s->t, "-m tcp %s ", syn);
	}
	text_put(s->t, "-j %s\n", s->chain);
}

static void
put_chain(const struct section *s)
{
	if (s->plan->side == FW_CLIENT) {
		put_client_chain(s);
	} else if (ruleset_is(s->hook, RULESET_LABELS)) {
		put_labels_chain(s);
	} else if (ruleset_is(s->hook, RULESET_DECOY)) {
		put_decoy_chain(s);
	} else if (ruleset_is(s->hook, RULESET_SYN)) {
		put_syn_chain(s);
	} else if (ruleset_is(s->hook, RULESET_SWITCH)) {
		put_switch_chain(s);
	} else {
		put_last_chain(s);
	}
}

void
ruleset_iptables(struct text *t, const struct fw_plan *plan,
		 const struct ruleset_hook *hook, unsigned family,
		 const char *stale)
{
	char name[RULESET_NAME_MAX], chain[2 * RULESET_NAME_MAX];
	const struct section s = { t, plan, hook, chain, family };

	ruleset_name(name, plan->side, plan->queue);
	snprintf(chain, sizeof chain, "%s%s", name, hook->suffix);
	text_put(t, "*%s\n:%s - [0:0]\n%s", hook->table, chain, stale);
	put_jump(&s);
	put_chain(&s);
	text_put(t, "COMMIT\n");
}
