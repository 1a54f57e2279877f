/*
 * Server: SYNs to a protected port are queued in the raw table, before
 * connection tracking has made anything of them.  Whatever else comes
 * to the port passes if it belongs to a connection that is tracked; the
 * rest, stray ACKs and the odd scans, goes to a second queue, where the
 * daemon looks for its socket (a connection that tracking lost), and is
 * dropped beyond a rate.  No such queue has a bypass: without the daemon
 * nothing gets through.  Only what a program in the kernel has accepted
 * already, and marked, goes by the queue.
 *
 * What is forwarded by a rule that names the device it leaves by, or
 * that goes through a bridge, is caught when it is forwarded.  Strangers
 * that are led to a decoy come marked to the nat table.
 *
 * Client: SYNs to protected services are queued on their way out, with
 * a bypass: without the daemon they are ordinary SYNs.  Or they are marked
 * and go on, where a program at the device makes their frames.
 */
#include "firewall/ruleset.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "firewall/multiport.h"

#define TARGET_MAX 192u

enum server_hook { HOOK_REST, HOOK_FORWARD, HOOK_DECOY, HOOK_SYN };

static const struct ruleset_hook server_hooks[] = {
	[HOOK_REST] = { "mangle", "PREROUTING", "", "rest" },
	[HOOK_FORWARD] = { "mangle", "FORWARD", "-forward", "forwarded" },
	[HOOK_DECOY] = { "nat", "PREROUTING", "-decoy", "decoy" },
	[HOOK_SYN] = { "raw", "PREROUTING", "", "syn" },
};

static const struct ruleset_hook client_hooks[] = {
	{ "raw", "OUTPUT", "", "syn" },
};

const struct ruleset_hook *
ruleset_hooks(enum fw_side side, size_t *count)
{
	*count = side == FW_SERVER ? FW_HOOKS : 1;
	return side == FW_SERVER ? server_hooks : client_hooks;
}

void
ruleset_name(char out[RULESET_NAME_MAX], enum fw_side side, uint16_t queue)
{
	snprintf(out, RULESET_NAME_MAX, "tap-%s-%u",
		 side == FW_SERVER ? "server" : "client", queue);
}

static bool
is_forwarded(const struct fw_match *m)
{
	return m->place == FW_FORWARD || m->place == FW_BRIDGED;
}

static unsigned
family_of(const struct fw_match *m)
{
	return m->src.family ? m->src.family : m->dst.family;
}

bool
ruleset_has_family(const struct fw_match *m, unsigned family)
{
	return family_of(m) == 0 || family_of(m) == family;
}

/* Whether a match has rules at a hook; family: see ruleset_fills(). */
static bool
has_place(const struct ruleset_hook *hook, const struct fw_match *m,
	  unsigned family)
{
	if (family && !ruleset_has_family(m, family)) {
		return false;
	}
	if (hook == &server_hooks[HOOK_DECOY]) {
		return m->decoy.family &&
			(family == 0 || m->decoy.family == family);
	}
	return is_forwarded(m) == (hook == &server_hooks[HOOK_FORWARD]);
}

bool
ruleset_fills(const struct fw_plan *plan, const struct ruleset_hook *hook,
	      unsigned family)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (has_place(hook, &plan->matches[i], family)) {
			return true;
		}
	}
	return plan->watch_all &&
		(hook == &server_hooks[HOOK_REST] ||
		 hook == &server_hooks[HOOK_SYN]);
}

bool
ruleset_needs(const struct fw_plan *plan, const struct ruleset_hook *hook)
{
	bool optional = hook == &server_hooks[HOOK_FORWARD] ||
		hook == &server_hooks[HOOK_DECOY];

	return !optional || ruleset_fills(plan, hook, 0);
}

static unsigned
queue_of(const struct fw_plan *plan, const struct fw_match *m, bool rest)
{
	unsigned queue = m->place == FW_LOCAL ? FW_QUEUE_SYN : FW_QUEUE_FORWARD;

	return plan->queue + queue + (rest ? 1u : 0u);
}

static const char *
addr_text(char out[64], const struct packet_addr *addr)
{
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out, 64);
	return out;
}

static void
nft_address(struct text *t, const char *which, const struct packet_addr *addr,
	    unsigned bits)
{
	char text[64];

	if (addr->family) {
		text_put(t, "%s %s %s/%u ", addr->family == 4 ? "ip" : "ip6",
			 which, addr_text(text, addr), bits);
	}
}

static void
nft_match(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	if (m->indev && m->indev[0]) {
		text_put(t, "iifname \"%s\" ", m->indev);
	} else if (plan->loopback_open && m->place == FW_LOCAL) {
		text_put(t, "iifname != \"lo\" ");
	}
	if (m->outdev && m->outdev[0]) {
		text_put(t, "oifname \"%s\" ", m->outdev);
	}
	nft_address(t, "saddr", &m->src, m->src_bits);
	nft_address(t, "daddr", &m->dst, m->dst_bits);
	if (plan->cgroup) {
		text_put(t, "socket cgroupv2 level 1 \"%s\" ", plan->cgroup);
	}
	if (plan->side == FW_SERVER && !is_forwarded(m)) {
		text_put(t, "fib daddr type %slocal ",
			 m->place == FW_LOCAL ? "" : "!= ");
	}
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

static const char nft_syn[] = "tcp flags & (fin|syn|rst|ack) == syn ";

static void
nft_queue_syn(struct text *t, const struct fw_plan *plan,
	      const struct fw_match *m)
{
	text_put(t, "\t\t%s", nft_syn);
	nft_match(t, plan, m);
	text_put(t, "queue num %u\n", queue_of(plan, m, false));
}

/* No packet of this host's own has the mark by right. */
static struct fw_plan
without_loopback(const struct fw_plan *plan)
{
	struct fw_plan other = *plan;

	other.loopback_open = true;
	return other;
}

static void
nft_accepted(struct text *t, const struct fw_plan *plan,
	     const struct fw_match *m)
{
	const struct fw_plan other = without_loopback(plan);

	if (plan->accepted_mark && m->by_ingress) {
		text_put(t, "\t\tmeta mark & 0x%08x != 0 %s",
			 plan->accepted_mark, nft_syn);
		nft_match(t, &other, m);
		/* It has done its work. */
		text_put(t, "meta mark set meta mark & 0x%08x accept\n",
			 ~plan->accepted_mark);
	}
}

static void
nft_queue_rest(struct text *t, const struct fw_plan *plan,
	       const struct fw_match *m)
{
	text_put(t, "\t\t");
	nft_match(t, plan, m);
	if (m->answered) {
		text_put(t, "queue num %u\n", queue_of(plan, m, true));
		return;
	}
	text_put(t, "limit rate %u/second burst %u packets queue num %u\n\t\t",
		 FW_REST_PER_SECOND, FW_REST_PER_SECOND,
		 queue_of(plan, m, true));
	nft_match(t, plan, m);
	text_put(t, "drop\n");
}

static void
nft_chain(struct text *t, const char *name, const char *type, const char *hook,
	  int priority)
{
	text_put(t,
		 "\tchain %s {\n\t\ttype %s hook %s priority %d; "
		 "policy accept;\n",
		 name, type, hook, priority);
}

static void
nft_prerouting(struct text *t, const struct fw_plan *plan)
{
	nft_chain(t, "syn", "filter", "prerouting", -300);
	for (size_t i = 0; i < plan->count; i++) {
		nft_accepted(t, plan, &plan->matches[i]);
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (!is_forwarded(&plan->matches[i])) {
			nft_queue_syn(t, plan, &plan->matches[i]);
		}
	}
	if (plan->watch_all) {
		text_put(t, "\t\t%sfib daddr type local queue num %u bypass\n",
			 nft_syn, plan->queue + FW_QUEUE_SYN);
	}
	text_put(t, "\t}\n");
	nft_chain(t, "rest", "filter", "prerouting", -150);
	text_put(t,
		 "\t\tmeta l4proto != tcp accept\n\t\t%saccept\n"
		 "\t\tct state established accept\n",
		 nft_syn);
	for (size_t i = 0; i < plan->count; i++) {
		if (!is_forwarded(&plan->matches[i])) {
			nft_queue_rest(t, plan, &plan->matches[i]);
		}
	}
	if (plan->watch_all) {
		text_put(t,
			 "\t\tfib daddr type local limit rate %u/second "
			 "burst %u packets queue num %u bypass\n",
			 FW_REST_PER_SECOND, FW_REST_PER_SECOND,
			 plan->queue + FW_QUEUE_REST);
	}
	text_put(t, "\t}\n");
}

static void
nft_forward(struct text *t, const struct fw_plan *plan)
{
	nft_chain(t, "forwarded", "filter", "forward", -150);
	text_put(t, "\t\tmeta l4proto != tcp accept\n");
	for (size_t i = 0; i < plan->count; i++) {
		if (is_forwarded(&plan->matches[i])) {
			nft_queue_syn(t, plan, &plan->matches[i]);
		}
	}
	text_put(t, "\t\tct state established accept\n\t\t%saccept\n", nft_syn);
	for (size_t i = 0; i < plan->count; i++) {
		if (is_forwarded(&plan->matches[i])) {
			nft_queue_rest(t, plan, &plan->matches[i]);
		}
	}
	text_put(t, "\t}\n");
}

static void
nft_decoy(struct text *t, const struct fw_plan *plan)
{
	nft_chain(t, "decoy", "nat", "prerouting", -100);
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		bool v4 = m->decoy.family == 4;
		char addr[64];

		if (m->decoy.family == 0) {
			continue;
		}
		text_put(t, "\t\tmeta mark & 0x%08x != 0 ", plan->mark);
		nft_match(t, plan, m);
		text_put(t, v4 ? "dnat ip to %s:%u\n" : "dnat ip6 to [%s]:%u\n",
			 addr_text(addr, &m->decoy), m->decoy_port);
	}
	text_put(t, "\t}\n");
}

static void
nft_client(struct text *t, const struct fw_plan *plan)
{
	nft_chain(t, "syn", "filter", "output", -300);
	text_put(t, "\t\tmeta mark & 0x%08x != 0 accept\n", plan->mark);
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		text_put(t, "\t\t%s%s", nft_syn,
			 m->marked ? "rt ipsec missing " : "");
		nft_match(t, plan, m);
		if (m->marked) {
			text_put(t, "meta mark set meta mark | 0x%08x accept\n",
				 plan->mark);
		} else {
			text_put(t, "queue num %u bypass\n", plan->queue);
		}
	}
	text_put(t, "\t}\n");
}

void
ruleset_nft(struct text *t, const struct fw_plan *plan)
{
	char name[RULESET_NAME_MAX];

	ruleset_name(name, plan->side, plan->queue);
	text_put(t,
		 "add table inet %s\ndelete table inet %s\n"
		 "table inet %s {\n",
		 name, name, name);
	if (plan->side == FW_CLIENT) {
		nft_client(t, plan);
	} else {
		nft_prerouting(t, plan);
		if (ruleset_needs(plan, &server_hooks[HOOK_FORWARD])) {
			nft_forward(t, plan);
		}
		if (ruleset_needs(plan, &server_hooks[HOOK_DECOY])) {
			nft_decoy(t, plan);
		}
	}
	text_put(t, "}\n");
}

static void
iptables_devices(struct text *t, const struct fw_plan *plan,
		 const struct fw_match *m)
{
	bool bridged = m->place == FW_BRIDGED;

	if (bridged) {
		text_put(t, "-m physdev --physdev-is-bridged ");
	}
	if (m->indev && m->indev[0]) {
		text_put(t, "%s %s ", bridged ? "--physdev-in" : "-i",
			 m->indev);
	} else if (plan->loopback_open && m->place == FW_LOCAL) {
		text_put(t, "! -i lo ");
	}
	if (m->outdev && m->outdev[0]) {
		text_put(t, "%s %s ", bridged ? "--physdev-out" : "-o",
			 m->outdev);
	}
}

static void
iptables_rule(struct text *t, const struct fw_plan *plan, const char *chain,
	      const struct multiport *lot, const char *target)
{
	const struct fw_match *m = lot->match;
	char addr[64];

	text_put(t, "-A %s -p tcp ", chain);
	iptables_devices(t, plan, m);
	if (m->src.family) {
		text_put(t, "-s %s/%u ", addr_text(addr, &m->src), m->src_bits);
	}
	if (m->dst.family) {
		text_put(t, "-d %s/%u ", addr_text(addr, &m->dst), m->dst_bits);
	}
	if (lot->to > lot->from) {
		text_put(t, "-m multiport --dports ");
	}
	for (size_t i = lot->from; i < lot->to; i++) {
		text_put(t, i > lot->from ? ",%u" : "%u", m->ports[i].low);
		if (m->ports[i].high != m->ports[i].low) {
			text_put(t, ":%u", m->ports[i].high);
		}
	}
	text_put(t, lot->to > lot->from ? " " : "");
	if (plan->cgroup) {
		text_put(t, "-m cgroup --path %s ", plan->cgroup);
	}
	if (plan->side == FW_SERVER && !is_forwarded(m)) {
		text_put(t, "-m addrtype %s--dst-type LOCAL ",
			 m->place == FW_LOCAL ? "" : "! ");
	}
	text_put(t, "%s\n", target);
}

/* The same target for all ports of a match, in as many rules as needed. */
static void
iptables_match(struct text *t, const struct fw_plan *plan, const char *chain,
	       const struct fw_match *m, const char *target)
{
	struct multiport lot = multiport_of(m);

	if (m->ports_count == 0) {
		iptables_rule(t, plan, chain, &lot, target);
	}
	while (multiport_next(&lot)) {
		iptables_rule(t, plan, chain, &lot, target);
	}
}

static const char syn_flags[] = "--tcp-flags FIN,SYN,RST,ACK SYN";

static void
iptables_syn(struct text *t, const struct fw_plan *plan, const char *chain,
	     const struct fw_match *m)
{
	char target[TARGET_MAX];
	bool forwarded = is_forwarded(m);

	snprintf(target, sizeof target, "%s%s%s-j NFQUEUE --queue-num %u%s",
		 forwarded ? "-m tcp " : "", forwarded ? syn_flags : "",
		 forwarded ? " " : "",
		 plan->side == FW_CLIENT ? plan->queue
					 : queue_of(plan, m, false),
		 plan->side == FW_CLIENT ? " --queue-bypass" : "");
	iptables_match(t, plan, chain, m, target);
}

/* A mark does not end the chain. */
static void
iptables_mark(struct text *t, const struct fw_plan *plan, const char *chain,
	      const struct fw_match *m)
{
	char target[TARGET_MAX];

	snprintf(target, sizeof target,
		 "-m policy --dir out --pol none -j MARK --set-xmark 0x%x/0x%x",
		 plan->mark, plan->mark);
	iptables_match(t, plan, chain, m, target);
	text_put(t, "-A %s -m mark --mark 0x%x/0x%x -j RETURN\n", chain,
		 plan->mark, plan->mark);
}

static void
iptables_accepted(struct text *t, const struct fw_plan *plan, const char *chain,
		  const struct fw_match *m)
{
	const struct fw_plan other = without_loopback(plan);
	char target[TARGET_MAX];

	if (plan->accepted_mark && m->by_ingress) {
		snprintf(target, sizeof target,
			 "-m mark --mark 0x%x/0x%x -j ACCEPT",
			 plan->accepted_mark, plan->accepted_mark);
		iptables_match(t, &other, chain, m, target);
	}
}

static void
iptables_rest(struct text *t, const struct fw_plan *plan, const char *chain,
	      const struct fw_match *m)
{
	char target[TARGET_MAX];
	char limit[64] = "";
	bool forwarded = is_forwarded(m);

	if (!m->answered) {
		snprintf(limit, sizeof limit,
			 "-m limit --limit %u/second --limit-burst %u ",
			 FW_REST_PER_SECOND, FW_REST_PER_SECOND);
	}
	/* SYNs have left the chain before; established ones only there. */
	snprintf(target, sizeof target, "%s%s-j NFQUEUE --queue-num %u",
		 forwarded ? "-m conntrack ! --ctstate ESTABLISHED " : "",
		 limit, queue_of(plan, m, true));
	iptables_match(t, plan, chain, m, target);
	if (!m->answered) {
		iptables_match(
			t, plan, chain, m,
			forwarded
				? "-m conntrack ! --ctstate ESTABLISHED -j DROP"
				: "-j DROP");
	}
}

static void
iptables_decoy(struct text *t, const struct fw_plan *plan, const char *chain,
	       const struct fw_match *m)
{
	bool v4 = m->decoy.family == 4;
	char target[TARGET_MAX], addr[64];

	snprintf(target, sizeof target,
		 "-m mark --mark 0x%x/0x%x -j DNAT --to-destination %s%s%s:%u",
		 plan->mark, plan->mark, v4 ? "" : "[",
		 addr_text(addr, &m->decoy), v4 ? "" : "]", m->decoy_port);
	iptables_match(t, plan, chain, m, target);
}

/* Everything else that comes to this host, with a bypass. */
static void
iptables_watch(struct text *t, const struct fw_plan *plan, const char *chain,
	       bool rest)
{
	text_put(t, "-A %s -p tcp -m addrtype --dst-type LOCAL ", chain);
	if (rest) {
		text_put(t, "-m limit --limit %u/second --limit-burst %u ",
			 FW_REST_PER_SECOND, FW_REST_PER_SECOND);
	}
	text_put(t, "-j NFQUEUE --queue-num %u --queue-bypass\n",
		 plan->queue + (rest ? FW_QUEUE_REST : FW_QUEUE_SYN));
}

static void
iptables_jump(struct text *t, const struct fw_plan *plan,
	      const struct ruleset_hook *hook, const char *chain)
{
	text_put(t, "-I %s 1 -p tcp ", hook->hook);
	if (plan->side == FW_CLIENT) {
		text_put(t, "-m tcp %s -m mark ! --mark 0x%x/0x%x ", syn_flags,
			 plan->mark, plan->mark);
	} else if (hook == &server_hooks[HOOK_SYN]) {
		text_put(t, "-m tcp %s ", syn_flags);
	} else if (hook == &server_hooks[HOOK_REST]) {
		text_put(t, "-m tcp ! %s -m conntrack ! --ctstate ESTABLISHED ",
			 syn_flags);
	}
	text_put(t, "-j %s\n", chain);
}

static void
iptables_place(struct text *t, const struct fw_plan *plan,
	       const struct ruleset_hook *hook, const char *chain,
	       const struct fw_match *m, unsigned family)
{
	if (!has_place(hook, m, family)) {
		return;
	}
	if (hook == &server_hooks[HOOK_DECOY]) {
		iptables_decoy(t, plan, chain, m);
		return;
	}
	if (m->marked) {
		iptables_mark(t, plan, chain, m);
		return;
	}
	if (hook != &server_hooks[HOOK_REST]) {
		iptables_syn(t, plan, chain, m);
	}
	if (hook == &server_hooks[HOOK_REST] ||
	    hook == &server_hooks[HOOK_FORWARD]) {
		iptables_rest(t, plan, chain, m);
	}
}

void
ruleset_iptables(struct text *t, const struct fw_plan *plan,
		 const struct ruleset_hook *hook, unsigned family,
		 const char *stale)
{
	char name[RULESET_NAME_MAX], chain[2 * RULESET_NAME_MAX];

	ruleset_name(name, plan->side, plan->queue);
	snprintf(chain, sizeof chain, "%s%s", name, hook->suffix);
	text_put(t, "*%s\n:%s - [0:0]\n%s", hook->table, chain, stale);
	iptables_jump(t, plan, hook, chain);
	for (size_t i = 0; i < plan->count && hook == &server_hooks[HOOK_SYN];
	     i++) {
		if (has_place(hook, &plan->matches[i], family)) {
			iptables_accepted(t, plan, chain, &plan->matches[i]);
		}
	}
	for (size_t i = 0; i < plan->count; i++) {
		iptables_place(t, plan, hook, chain, &plan->matches[i], family);
	}
	if (plan->watch_all && hook == &server_hooks[HOOK_REST]) {
		iptables_watch(t, plan, chain, true);
	} else if (plan->watch_all && hook == &server_hooks[HOOK_SYN]) {
		iptables_watch(t, plan, chain, false);
	}
	text_put(t, "COMMIT\n");
}
