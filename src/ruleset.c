/*
 * Server: SYNs to a protected port are queued in the raw table, before
 * connection tracking has made anything of them.  Whatever else comes
 * to the port passes if it belongs to a connection that is tracked; the
 * rest, stray ACKs and the odd scans, goes to a second queue, where the
 * daemon looks for its socket (a connection that tracking lost), and is
 * dropped beyond a rate.  No queue has a bypass: without the daemon
 * nothing gets through.
 *
 * Client: SYNs to protected services are queued on their way out, with
 * a bypass: without the daemon they are ordinary SYNs.
 */
#include "ruleset.h"

#include <arpa/inet.h>
#include <stdio.h>

#define MULTIPORT_MAX 15u /* a range counts as two */

static const struct ruleset_table server_tables[] = {
	{ "mangle", "PREROUTING" },
	{ "raw", "PREROUTING" },
};

static const struct ruleset_table client_tables[] = {
	{ "raw", "OUTPUT" },
};

const struct ruleset_table *
ruleset_tables(enum fw_side side, size_t *count)
{
	*count = side == FW_SERVER ? 2 : 1;
	return side == FW_SERVER ? server_tables : client_tables;
}

void
ruleset_name(char out[32], enum fw_side side, uint16_t queue)
{
	snprintf(out, 32, "tap-%s-%u",
		 side == FW_SERVER ? "server" : "client", queue);
}

static unsigned
family_of(const struct fw_match *m)
{
	return m->src.family ? m->src.family : m->dst.family;
}

static const char *
prefix_text(char out[64], const struct packet_addr *addr, unsigned bits)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, text,
		  sizeof text);
	snprintf(out, 64, "%s/%u", text, bits);
	return out;
}

static void
nft_match(struct text *t, const struct fw_plan *plan, const struct fw_match *m)
{
	char prefix[64];

	if (m->indev && m->indev[0]) {
		text_put(t, "iifname \"%s\" ", m->indev);
	} else if (plan->loopback_open) {
		text_put(t, "iifname != \"lo\" ");
	}
	if (m->outdev && m->outdev[0]) {
		text_put(t, "oifname \"%s\" ", m->outdev);
	}
	if (m->src.family) {
		text_put(t, "%s saddr %s ", m->src.family == 4 ? "ip" : "ip6",
			 prefix_text(prefix, &m->src, m->src_bits));
	}
	if (m->dst.family) {
		text_put(t, "%s daddr %s ", m->dst.family == 4 ? "ip" : "ip6",
			 prefix_text(prefix, &m->dst, m->dst_bits));
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

static void
nft_server(struct text *t, const struct fw_plan *plan)
{
	text_put(t, "\tchain syn {\n\t\ttype filter hook prerouting priority "
		    "-300; policy accept;\n");
	for (size_t i = 0; i < plan->count; i++) {
		text_put(t, "\t\ttcp flags & (fin|syn|rst|ack) == syn ");
		nft_match(t, plan, &plan->matches[i]);
		text_put(t, "fib daddr type local queue num %u\n",
			 plan->queue);
	}
	text_put(t, "\t}\n\tchain rest {\n\t\ttype filter hook prerouting "
		    "priority -150; policy accept;\n"
		    "\t\tmeta l4proto != tcp accept\n"
		    "\t\ttcp flags & (fin|syn|rst|ack) == syn accept\n"
		    "\t\tct state established accept\n");
	for (size_t i = 0; i < plan->count; i++) {
		text_put(t, "\t\t");
		nft_match(t, plan, &plan->matches[i]);
		text_put(t, "fib daddr type local limit rate %u/second burst "
			    "%u packets queue num %u\n\t\t",
			 FW_REST_PER_SECOND, FW_REST_PER_SECOND,
			 plan->queue + 1u);
		nft_match(t, plan, &plan->matches[i]);
		text_put(t, "fib daddr type local drop\n");
	}
	text_put(t, "\t}\n");
}

static void
nft_client(struct text *t, const struct fw_plan *plan)
{
	text_put(t, "\tchain syn {\n\t\ttype filter hook output priority -300;"
		    " policy accept;\n\t\tmeta mark & 0x%08x != 0 accept\n",
		 plan->mark);
	for (size_t i = 0; i < plan->count; i++) {
		text_put(t, "\t\ttcp flags & (fin|syn|rst|ack) == syn ");
		nft_match(t, plan, &plan->matches[i]);
		text_put(t, "queue num %u bypass\n", plan->queue);
	}
	text_put(t, "\t}\n");
}

void
ruleset_nft(struct text *t, const struct fw_plan *plan)
{
	char name[32];

	ruleset_name(name, plan->side, plan->queue);
	text_put(t, "add table inet %s\ndelete table inet %s\n"
		    "table inet %s {\n", name, name, name);
	if (plan->side == FW_SERVER) {
		nft_server(t, plan);
	} else {
		nft_client(t, plan);
	}
	text_put(t, "}\n");
}

/* One rule for each lot of ports that fits in it. */
struct lot {
	const struct fw_match *m;
	size_t from, to;
};

static bool
next_lot(struct lot *lot)
{
	size_t used = 0;

	lot->from = lot->to;
	while (lot->to < lot->m->ports_count) {
		const struct fw_ports *p = &lot->m->ports[lot->to];

		used += p->low == p->high ? 1 : 2;
		if (used > MULTIPORT_MAX) {
			break;
		}
		lot->to++;
	}
	return lot->to > lot->from;
}

static void
iptables_rule(struct text *t, const struct fw_plan *plan, const char *name,
	      const struct lot *lot, const char *target)
{
	const struct fw_match *m = lot->m;
	char prefix[64];

	text_put(t, "-A %s -p tcp ", name);
	if (m->indev && m->indev[0]) {
		text_put(t, "-i %s ", m->indev);
	} else if (plan->loopback_open) {
		text_put(t, "! -i lo ");
	}
	if (m->outdev && m->outdev[0]) {
		text_put(t, "-o %s ", m->outdev);
	}
	if (m->src.family) {
		text_put(t, "-s %s ", prefix_text(prefix, &m->src,
						  m->src_bits));
	}
	if (m->dst.family) {
		text_put(t, "-d %s ", prefix_text(prefix, &m->dst,
						  m->dst_bits));
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
	text_put(t, "%s%s\n", lot->to > lot->from ? " " : "", target);
}

static void
iptables_rules(struct text *t, const struct fw_plan *plan, const char *name,
	       unsigned family, const char *const *targets)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		struct lot lot = { .m = m };

		if (family_of(m) != 0 && family_of(m) != family) {
			continue;
		}
		while (next_lot(&lot) || m->ports_count == 0) {
			for (size_t k = 0; targets[k]; k++) {
				iptables_rule(t, plan, name, &lot, targets[k]);
			}
			if (m->ports_count == 0) {
				break;
			}
		}
	}
}

void
ruleset_iptables(struct text *t, const struct fw_plan *plan,
		 const struct ruleset_table *table, unsigned family,
		 const char *stale)
{
	static const char syn[] = "--tcp-flags FIN,SYN,RST,ACK SYN";
	static const char local[] = "-m addrtype --dst-type LOCAL ";
	bool first = table->name[0] == 'r';
	char name[32], queue[128], rest[192], drop[64];
	const char *targets[3] = { queue };

	ruleset_name(name, plan->side, plan->queue);
	text_put(t, "*%s\n:%s - [0:0]\n%s-I %s 1 -p tcp -m tcp ", table->name,
		 name, stale, table->hook);
	if (plan->side == FW_CLIENT) {
		text_put(t, "%s -m mark ! --mark 0x%x/0x%x", syn, plan->mark,
			 plan->mark);
		snprintf(queue, sizeof queue,
			 "-j NFQUEUE --queue-num %u --queue-bypass",
			 plan->queue);
	} else if (first) {
		text_put(t, "%s", syn);
		snprintf(queue, sizeof queue, "%s-j NFQUEUE --queue-num %u",
			 local, plan->queue);
	} else {
		text_put(t, "! %s -m conntrack ! --ctstate ESTABLISHED", syn);
		snprintf(rest, sizeof rest,
			 "%s-m limit --limit %u/second --limit-burst %u "
			 "-j NFQUEUE --queue-num %u",
			 local, FW_REST_PER_SECOND, FW_REST_PER_SECOND,
			 plan->queue + 1u);
		snprintf(drop, sizeof drop, "%s-j DROP", local);
		targets[0] = rest;
		targets[1] = drop;
	}
	text_put(t, " -j %s\n", name);
	iptables_rules(t, plan, name, family, targets);
	text_put(t, "COMMIT\n");
}
