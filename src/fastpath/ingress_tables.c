#include "fastpath/ingress_tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fastpath/bpf_addr.h"
#include "fastpath/door_tables.h"

/* The place of a device's name + 1; 0: it has none, or there is no room. */
static uint8_t
device_of(struct ingress_plan *plan, const char *name)
{
	size_t i = 0;

	if (name[0] == '\0') {
		return 0;
	}
	while (i < plan->tables.devices_count &&
	       strcmp(plan->devices[i], name) != 0) {
		i++;
	}
	if (i == INGRESS_NAMES_MAX) {
		return 0;
	}
	if (i == plan->tables.devices_count) {
		memcpy(plan->devices[i], name, sizeof plan->devices[i]);
		plan->tables.devices_count++;
	}
	return (uint8_t)(i + 1);
}

static void
take_rules(struct ingress_plan *plan, const struct acl *acl, bool shares)
{
	plan->tables.devices = (const char(*)[IF_NAMESIZE])plan->devices;
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *from = &acl->rules[i];
		struct ingress_rule *rule = &plan->rules[i];

		rule->tolerance = from->tolerance;
		rule->closed = from->hide == ACL_CLOSED;
		rule->device = device_of(plan, from->indev);
		/* Who is to be carried is told by the receiver alone. */
		rule->checks = shares || from->switches != ACL_SWITCH_NEVER
			? REASON_CHECKS
			: REASON_CHECKS & ~REASON_BIT(VERIFY_SHARE);
		rule->src_family = ingress_addr_net(&rule->src, &rule->src_mask,
						    &from->src);
		rule->dst_family = ingress_addr_net(&rule->dst, &rule->dst_mask,
						    &from->dst);
	}
	plan->tables.rules_count = acl->rules_count;
}

static bool
is_for_all(const struct acl_rule *rule)
{
	return rule->src.addr.family == 0 && rule->dst.addr.family == 0 &&
		rule->indev[0] == '\0';
}

/*
 * The rules that a port's packets to this host, or through it, may match;
 * false: leave it.
 */
static bool
list_rules(const struct ingress_plan *plan, struct ingress_list *list,
	   const struct acl *acl, uint16_t port, bool routed)
{
	*list = (struct ingress_list){ 0 };
	for (size_t i = acl->first_rule[port]; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		if ((rule->type != ACL_LOCAL) != routed ||
		    !acl_ports_have(rule->ports, rule->ports_count, port)) {
			continue;
		}
		if (!ingress_tables_serves(rule) ||
		    (rule->indev[0] && plan->rules[i].device == 0) ||
		    list->count == INGRESS_RULES_MAX) {
			return false;
		}
		list->rule[list->count++] = (uint16_t)i;
		/* What comes after it never matches. */
		if (is_for_all(rule)) {
			break;
		}
	}
	return list->count > 0;
}

/* Neighbours mostly have the same entry as `before`, the port before. */
static uint32_t
class_of(const struct acl *acl, uint16_t entry,
	 const struct ingress_port *before)
{
	if (entry == 0) {
		return 0;
	}
	return before && before->entry == entry
		? before->keys
		: door_class(&acl->entries[entry - 1]);
}

static bool
routes(const struct acl *acl)
{
	size_t i = 0;

	while (i < acl->rules_count && acl->rules[i].type != ACL_ROUTER) {
		i++;
	}
	return i < acl->rules_count;
}

/* Those to this host, or those through it. */
static void
take_ports(struct ingress_plan *plan, const struct acl *acl,
	   const uint8_t *edge, bool routed)
{
	struct ingress_port *ports = plan->ports + (routed ? INGRESS_PORTS : 0);
	uint16_t list = 0; /* index + 1 */

	for (uint32_t port = 0; port < INGRESS_PORTS; port++) {
		struct ingress_port *at = &ports[port];

		if (edge[port]) {
			size_t next = plan->tables.lists_count;

			list = 0;
			if (next < INGRESS_PORTS - 1 &&
			    list_rules(plan, &plan->lists[next], acl,
				       (uint16_t)port, routed)) {
				plan->tables.lists_count++;
				list = (uint16_t)(next + 1);
			}
		}
		at->list = list;
		at->entry = acl->entry_at[port];
		at->keys = class_of(acl, at->entry, port > 0 ? at - 1 : NULL);
	}
	plan->tables.ports_count += INGRESS_PORTS;
}

static int
take_all_ports(struct ingress_plan *plan, const struct acl *acl)
{
	uint8_t *edge = calloc(INGRESS_PORTS + 1, 1);

	if (!edge) {
		return -1;
	}
	acl_mark_edges(acl, edge);
	take_ports(plan, acl, edge, false);
	if (routes(acl)) {
		take_ports(plan, acl, edge, true);
	}
	free(edge);
	return 0;
}

static void
take_entries(struct ingress_plan *plan, const struct acl *acl)
{
	size_t used = 0;

	for (size_t i = 0; i < acl->entries_count; i++) {
		const struct acl_entry *entry = &acl->entries[i];

		plan->entries[i].first = (uint32_t)used;
		plan->entries[i].count = (uint32_t)entry->keys_count;
		for (size_t j = 0; j < entry->keys_count; j++) {
			plan->ranges[used++] =
				(struct ingress_range){ entry->keys[j].low,
							entry->keys[j].high };
		}
	}
	plan->tables.entries_count = acl->entries_count;
	plan->tables.ranges_count = used;
}

/* The block of the inner hash, but for what each connection has. */
static void
make_block(struct ingress_key *to, const struct mac_key *mac)
{
	size_t len = mac_input(mac, to->block);

	to->port_at = (uint8_t)len;
	to->port_bytes = suites[mac->suite].binds_service ? 2 : 0;
	len += to->port_bytes + 12u;
	to->block[len] = 0x80;
	/* The length in bits, with the block of the key before it. */
	len = (INGRESS_BLOCK + len) * 8;
	if (to->suite == SUITE_KERNEL_SHA256) {
		be16_store(to->block + 62, (uint16_t)len);
	} else {
		to->block[56] = (uint8_t)len;
		to->block[57] = (uint8_t)(len >> 8);
	}
}

void
ingress_tables_key(struct ingress_key *to, const struct acl_key *key)
{
	*to = (struct ingress_key){
		.suite = (uint8_t)suite_kernel(key->mac.suite),
		.extra = key->mac.extra,
		.not_before = key->not_before / FRAME_SECOND,
		.not_after = key->not_after / FRAME_SECOND,
	};
	if (to->suite != SUITE_KERNEL_NONE) {
		mac_key_states(&key->mac, to->inner, to->outer);
		make_block(to, &key->mac);
	}
}

static void
take_keys(struct ingress_plan *plan, const struct acl *acl)
{
	for (size_t i = 0; i < acl->keys_count; i++) {
		ingress_tables_key(&plan->keys[i], &acl->keys[i]);
		plan->key_numbers[i] = acl->keys[i].no;
	}
	plan->tables.keys_count = acl->keys_count;
}

static size_t
ranges_of(const struct acl *acl)
{
	size_t count = 0;

	for (size_t i = 0; i < acl->entries_count; i++) {
		count += acl->entries[i].keys_count;
	}
	return count;
}

static size_t
lists_of(const struct acl *acl)
{
	size_t edges = 2;

	for (size_t i = 0; i < acl->rules_count; i++) {
		edges += 4 * acl->rules[i].ports_count;
	}
	return edges < INGRESS_PORTS ? edges : INGRESS_PORTS;
}

static int
allocate(struct ingress_plan *plan, const struct acl *acl)
{
	struct ingress_tables *t = &plan->tables;

	/* One more than needed: none of them is to be NULL. */
	plan->ports = calloc(2 * (size_t)INGRESS_PORTS, sizeof *plan->ports);
	plan->lists = calloc(lists_of(acl) + 1, sizeof *plan->lists);
	plan->rules = calloc(acl->rules_count + 1, sizeof *plan->rules);
	plan->entries = calloc(acl->entries_count + 1, sizeof *plan->entries);
	plan->ranges = calloc(ranges_of(acl) + 1, sizeof *plan->ranges);
	plan->keys = calloc(acl->keys_count + 1, sizeof *plan->keys);
	plan->key_numbers =
		calloc(acl->keys_count + 1, sizeof *plan->key_numbers);
	t->ports = plan->ports;
	t->lists = plan->lists;
	t->rules = plan->rules;
	t->entries = plan->entries;
	t->ranges = plan->ranges;
	t->keys = plan->keys;
	t->key_numbers = plan->key_numbers;
	return plan->ports && plan->lists && plan->rules && plan->entries &&
			plan->ranges && plan->keys && plan->key_numbers
		? 0
		: -1;
}

bool
ingress_tables_accepts(const struct server_conf *conf)
{
	const enum settings_fastpath fastpath = conf->settings.fastpath;

	return conf->settings.firewall != FIREWALL_NONE &&
		conf->share.engine[0] == '\0' &&
		(fastpath == FASTPATH_AUTO || fastpath == FASTPATH_GENERIC);
}

bool
ingress_tables_serves(const struct acl_rule *rule)
{
	const bool routed = rule->type == ACL_ROUTER;

	return (rule->type == ACL_LOCAL || routed) &&
		(rule->hide == ACL_FILTERED ||
		 (rule->hide == ACL_CLOSED && !routed)) &&
		!rule->window_loose && !(routed && rule->outdev[0]);
}

int
ingress_tables_make(struct ingress_plan *plan, const struct server_conf *conf)
{
	const struct acl *acl = &conf->acl;

	*plan = (struct
		 ingress_plan){ .tables = {
					.admitted = -1,
					.assembly_ms = conf->limits.assembly_ms,
					.strangers = conf->settings.mark,
					.flood_per_second =
						conf->limits.flood_per_second,
					.replays = conf->limits.replays,
				} };
	if (allocate(plan, acl) < 0) {
		ingress_tables_free(plan);
		return -1;
	}
	take_rules(plan, acl, conf->share.engine[0] != '\0');
	if (take_all_ports(plan, acl) < 0) {
		ingress_tables_free(plan);
		return -1;
	}
	take_entries(plan, acl);
	take_keys(plan, acl);
	return 0;
}

void
ingress_tables_free(struct ingress_plan *plan)
{
	if (plan->keys) {
		bytes_wipe(plan->keys,
			   plan->tables.keys_count * sizeof *plan->keys);
	}
	free(plan->ports);
	free(plan->lists);
	free(plan->rules);
	free(plan->entries);
	free(plan->ranges);
	free(plan->keys);
	free(plan->key_numbers);
	*plan = (struct ingress_plan){ 0 };
}
