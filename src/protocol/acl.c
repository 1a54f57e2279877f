#include "protocol/acl.h"

#include <string.h>

bool
acl_ports_have(const struct acl_range *ports, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++) {
		if (port >= ports[i].low && port <= ports[i].high) {
			return true;
		}
	}
	return count == 0;
}

void
acl_mark_edges(const struct acl *acl, uint8_t edge[65537])
{
	edge[0] = 1;
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		for (size_t j = 0; j < rule->ports_count; j++) {
			edge[rule->ports[j].low] = 1;
			edge[rule->ports[j].high + 1u] = 1;
		}
	}
}

/* From the last rule to the first, so that the first one stays. */
static void
index_rules(struct acl *acl)
{
	for (uint32_t port = 0; port < 65536; port++) {
		acl->first_rule[port] = (uint16_t)acl->rules_count;
	}
	for (size_t i = acl->rules_count; i-- > 0;) {
		const struct acl_range any = { 0, 65535 };
		const struct acl_rule *rule = &acl->rules[i];
		const struct acl_range *range = rule->ports;
		size_t count = rule->ports_count;

		if (count == 0) {
			range = &any;
			count = 1;
		}
		for (; count > 0; range++, count--) {
			uint32_t port = range->low;

			for (; port <= range->high; port++) {
				acl->first_rule[port] = (uint16_t)i;
			}
		}
	}
}

void
acl_index(struct acl *acl)
{
	index_rules(acl);
	memset(acl->key_at, 0, sizeof acl->key_at);
	for (size_t i = 0; i < acl->keys_count; i++) {
		acl->key_at[acl->keys[i].no] = (uint32_t)i + 1;
	}
	memset(acl->entry_at, 0, sizeof acl->entry_at);
	for (size_t i = 0; i < acl->entries_count; i++) {
		uint32_t port = acl->entries[i].ports.low;

		for (; port <= acl->entries[i].ports.high; port++) {
			acl->entry_at[port] = (uint16_t)(i + 1);
		}
	}
	acl->by_device = false;
	for (size_t i = 0; i < acl->rules_count; i++) {
		acl->by_device |= acl->rules[i].indev[0] != '\0' ||
			acl->rules[i].outdev[0] != '\0';
	}
}

bool
acl_net_has(const struct acl_net *net, const struct packet_addr *addr)
{
	if (net->addr.family == 0) {
		return true;
	}
	if (net->addr.family != addr->family) {
		return false;
	}
	for (size_t i = 0; i < sizeof addr->bytes; i++) {
		if ((net->addr.bytes[i] ^ addr->bytes[i]) & net->mask[i]) {
			return false;
		}
	}
	return true;
}

static bool
device_is(const char *wanted, const char *device)
{
	return wanted[0] == '\0' || (device && strcmp(wanted, device) == 0);
}

const struct acl_rule *
acl_rule_for(const struct acl *acl, const struct packet *p, bool forwarded,
	     const char *indev, const char *outdev)
{
	for (size_t i = acl->first_rule[p->dport]; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		if (acl_ports_have(rule->ports, rule->ports_count, p->dport) &&
		    (rule->type != ACL_LOCAL) == forwarded &&
		    acl_net_has(&rule->dst, &p->dst) &&
		    acl_net_has(&rule->src, &p->src) &&
		    device_is(rule->indev, indev) &&
		    device_is(rule->outdev, outdev)) {
			return rule;
		}
	}
	return NULL;
}

const struct acl_key *
acl_key_by_no(const struct acl *acl, uint16_t no)
{
	uint32_t at = acl->key_at[no];

	return at ? &acl->keys[at - 1] : NULL;
}

bool
acl_key_valid_at(const struct acl_key *key, uint64_t instant)
{
	return instant >= key->not_before && instant < key->not_after;
}

bool
acl_allows(const struct acl *acl, uint16_t port, uint16_t key_no)
{
	const struct acl_entry *entry;
	size_t low = 0;
	size_t high;

	if (acl->entry_at[port] == 0) {
		return false;
	}
	entry = &acl->entries[acl->entry_at[port] - 1];
	high = entry->keys_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_no > entry->keys[middle].high) {
			low = middle + 1;
		} else if (key_no < entry->keys[middle].low) {
			high = middle;
		} else {
			return true;
		}
	}
	return false;
}

bool
acl_has_local(const struct acl *acl, uint16_t port)
{
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		if (rule->type == ACL_LOCAL &&
		    acl_ports_have(rule->ports, rule->ports_count, port)) {
			return true;
		}
	}
	return false;
}
