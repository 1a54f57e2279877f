#include "firewall/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/egress_tables.h"
#include "fastpath/ingress_tables.h"
#include "tap.h"

static unsigned
prefix_bits(const struct acl_net *net)
{
	unsigned bits = 0;

	unsigned size = net->addr.family == 4 ? 32 : 128;

	while (bits < size && net->mask[bits / 8] & 128 >> bits % 8) {
		bits++;
	}
	return bits;
}

/* The next match; its ports are appended to those of the others. */
static struct fw_match *
add_match(struct plan *out, size_t *ports_used, const char *indev,
	  const char *outdev, const struct acl_net *src,
	  const struct acl_net *dst, const struct acl_range *ports,
	  size_t ports_count)
{
	struct fw_match *m = &out->matches[out->fw.count++];

	*m = (struct fw_match){
		.indev = indev,
		.outdev = outdev,
		.src = src->addr,
		.dst = dst->addr,
		.src_bits = prefix_bits(src),
		.dst_bits = prefix_bits(dst),
		.ports = out->ports + *ports_used,
		.ports_count = ports_count,
	};
	for (size_t i = 0; i < ports_count; i++) {
		out->ports[(*ports_used)++] =
			(struct fw_ports){ ports[i].low, ports[i].high };
	}
	return m;
}

static int
allocate(struct plan *out, size_t matches, size_t ports)
{
	out->matches = calloc(matches + 1, sizeof *out->matches);
	out->ports = calloc(ports + 1, sizeof *out->ports);
	out->fw.matches = out->matches;
	if (!out->matches || !out->ports) {
		plan_free(out);
		return -1;
	}
	return 0;
}

static enum fw_place
place_of(const struct acl_rule *rule)
{
	switch (rule->type) {
	case ACL_ROUTER:
		return FW_ROUTED;
	case ACL_BRIDGE:
		return FW_BRIDGED;
	default:
		return FW_LOCAL;
	}
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool
same_but_ports(const struct fw_match *a, const struct fw_match *b)
{
	return a->place == b->place && a->closed == b->closed &&
		a->by_ingress == b->by_ingress && a->fast == b->fast &&
		a->judged == b->judged && a->bridge_port == b->bridge_port &&
		packet_addr_equal(&a->decoy, &b->decoy) &&
		a->decoy_port == b->decoy_port && a->led == b->led &&
		same_text(a->indev, b->indev) &&
		same_text(a->outdev, b->outdev) &&
		packet_addr_equal(&a->src, &b->src) &&
		packet_addr_equal(&a->dst, &b->dst) &&
		a->src_bits == b->src_bits && a->dst_bits == b->dst_bits;
}

static int
compare_ports(const void *a, const void *b)
{
	const struct fw_ports *x = a;
	const struct fw_ports *y = b;

	return (int)x->low - (int)y->low;
}

/* In order, none twice, neighbours as one.  Returns how many are left. */
static size_t
tidy_ports(struct fw_ports *ports, size_t count)
{
	size_t kept = 1;

	qsort(ports, count, sizeof *ports, compare_ports);
	for (size_t i = 1; i < count; i++) {
		struct fw_ports *last = &ports[kept - 1];

		if (ports[i].low > last->high + 1) {
			ports[kept++] = ports[i];
		} else if (ports[i].high > last->high) {
			last->high = ports[i].high;
		}
	}
	return kept;
}

/*
 * The kernel goes through the rules for every SYN: matches in a row that
 * differ in their ports alone become one, whose ports stand in a row, too.
 */
static void
join_matches(struct plan *out)
{
	struct fw_match *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < out->fw.count; i++) {
		const struct fw_match *m = &out->matches[i];

		if (last && last->ports_count > 0 && m->ports_count > 0 &&
		    same_but_ports(last, m)) {
			last->ports_count += m->ports_count;
		} else {
			last = &out->matches[count++];
			*last = *m;
		}
	}
	out->fw.count = count;
	for (size_t i = 0; i < count; i++) {
		struct fw_match *m = &out->matches[i];

		if (m->ports_count > 1) {
			m->ports_count =
				tidy_ports(out->ports + (m->ports - out->ports),
					   m->ports_count);
		}
	}
}

static void
take_decoy(struct fw_match *m, const struct acl_rule *rule)
{
	m->decoy = rule->decoy;
	m->decoy_port = rule->decoy_port;
	if (rule->switches == ACL_SWITCH_NEXT && rule->hide != ACL_DECOY) {
		m->decoy = rule->switch_decoy;
		m->decoy_port = rule->switch_port;
		m->led = true;
	}
}

int
plan_server(struct plan *out, const struct server_conf *conf)
{
	const struct acl *acl = &conf->acl;
	size_t ports = 0;
	size_t used = 0;
	const bool accepts = ingress_tables_accepts(conf);

	*out = (struct plan){
		.fw = {
			.side = FW_SERVER,
			.queue = conf->settings.queue,
			.mark = conf->settings.mark,
			.accepted_mark = conf->fastpath_mark,
			.loopback_open = !conf->hide_loopback,
			.by_socket = true,
		},
	};
	for (size_t i = 0; i < acl->rules_count; i++) {
		ports += acl->rules[i].ports_count;
	}
	if (allocate(out, acl->rules_count, ports) < 0) {
		return -1;
	}
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		struct fw_match *m = add_match(
			out, &used, rule->indev, rule->outdev, &rule->src,
			&rule->dst, rule->ports, rule->ports_count);

		m->place = place_of(rule);
		m->closed = rule->hide == ACL_CLOSED;
		/*
		 * The program marks strangers as the daemon does who is led to
		 * a decoy: there all come by the queue.
		 */
		m->by_ingress = accepts && ingress_tables_serves(rule) &&
			rule->switches != ACL_SWITCH_NEXT;
		take_decoy(m, rule);
		if (rule->switches == ACL_SWITCH_MIRROR) {
			out->fw.switch_mark = conf->switch_mark;
		}
	}
	join_matches(out);
	return 0;
}

/* No connection goes there (RFC 919). */
static const struct acl_net nobody = {
	.addr = { .family = 4, .bytes = { 255, 255, 255, 255 } },
	.mask = { 255, 255, 255, 255 },
};

int
plan_client(struct plan *out, const struct client_conf *conf)
{
	size_t matches = 0;
	size_t ports = 0;
	size_t used = 0;
	size_t fast = 0;

	const bool has_bridges = fw_sees_bridged();

	*out = (struct plan){ .fw = {
				      .side = FW_CLIENT,
				      .queue = conf->settings.queue,
				      .mark = conf->settings.mark,
			      } };
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct sender_rule *rule = &conf->rules[i];
		const size_t places = rule->host ? rule->host->count : 1;

		const size_t ways = rule->guest && has_bridges ? 2 : 1;

		matches += places * ways;
		ports += places * ways * rule->ports_count;
	}
	if (allocate(out, matches, ports) < 0) {
		return -1;
	}
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct sender_rule *rule = &conf->rules[i];
		struct acl_net dst;
		size_t at = 0;

		while (sender_next_dst(rule, &at, &dst)) {
			struct fw_match *m =
				add_match(out, &used, rule->indev, rule->outdev,
					  &rule->src, &dst, rule->ports,
					  rule->ports_count);

			m->place = rule->forwarded ? FW_ROUTED : FW_LOCAL;
			m->judged = rule->guest != 0;
			m->fast = egress_tables_takes(conf, rule, fast);
			fast += m->fast;
			if (rule->guest && has_bridges) {
				m = add_match(out, &used, rule->indev,
					      rule->outdev, &rule->src, &dst,
					      rule->ports, rule->ports_count);
				m->place = FW_ROUTED;
				m->judged = m->bridge_port = true;
			}
		}
	}
	/* A tool that is given nothing to do does not tell what it can. */
	if (out->fw.count == 0) {
		add_match(out, &used, NULL, NULL, &(struct acl_net){ 0 },
			  &nobody, NULL, 0);
	}
	join_matches(out);
	return 0;
}

static bool
may_leave_by(const struct fw_match *m, const char *device)
{
	return !m->outdev || !m->outdev[0] || strcmp(m->outdev, device) == 0;
}

int
plan_mark(struct plan *plan, const char (*devices)[IF_NAMESIZE], size_t count)
{
	struct fw_match *all =
		calloc(plan->fw.count * (count + 1) + 1, sizeof *all);
	size_t used = 0;

	if (!all) {
		return -1;
	}
	for (size_t i = 0; i < plan->fw.count; i++) {
		const struct fw_match *m = &plan->matches[i];

		for (size_t k = 0; m->fast && k < count; k++) {
			if (may_leave_by(m, devices[k])) {
				all[used] = *m;
				all[used].outdev = devices[k];
				all[used++].marked = true;
			}
		}
		all[used++] = *m;
	}
	free(plan->matches);
	plan->matches = all;
	plan->fw.matches = all;
	plan->fw.count = used;
	return 0;
}

void
plan_free(struct plan *plan)
{
	free(plan->matches);
	free(plan->ports);
	*plan = (struct plan){ 0 };
}

enum fw_tool
plan_tool(const struct settings *settings)
{
	switch (settings->firewall) {
	case FIREWALL_NFT:
		return FW_NFT;
	case FIREWALL_IPTABLES:
		return FW_IPTABLES;
	default:
		return FW_NONE;
	}
}

static int
complain(void)
{
	if (errno == EMSGSIZE) {
		fprintf(stderr, "tap: more than %u MiB of rules\n",
			FW_TEXT_MAX >> 20);
	} else {
		fprintf(stderr, "tap: out of memory\n");
	}
	return TAP_SYSTEM;
}

int
plan_print(struct plan *plan, int made, const struct settings *settings)
{
	static const struct {
		enum fw_tool tool;
		unsigned family;
		const char *command;
	} parts[] = {
		{ FW_NFT, 0, "nft -f -" },
		{ FW_IPTABLES, 4, "iptables-restore --noflush" },
		{ FW_IPTABLES, 6, "ip6tables-restore --noflush" },
	};
	enum { PARTS = sizeof parts / sizeof parts[0] };
	enum fw_tool tool = plan_tool(settings);
	char *texts[PARTS] = { NULL };
	int status = made < 0 ? complain() : TAP_OK;

	if (status == TAP_OK && tool == FW_NONE) {
		tool = fw_probe(&plan->fw);
	}
	/* All of them, or none. */
	for (size_t i = 0; i < PARTS && status == TAP_OK; i++) {
		if (parts[i].tool == tool) {
			texts[i] = fw_text(&plan->fw, tool, parts[i].family);
			status = texts[i] ? TAP_OK : complain();
		}
	}
	for (size_t i = 0; i < PARTS; i++) {
		if (texts[i] && status == TAP_OK) {
			printf("# %s\n%s", parts[i].command, texts[i]);
		}
		free(texts[i]);
	}
	plan_free(plan);
	return status;
}
