#include "fastpath/door_tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

#define PORTS 65536u

uint32_t
door_class(const struct acl_entry *entry)
{
	/* Who writes the access list is trusted: no secret is needed. */
	static const struct hash_key key = { 0x74617020, 0x646f6f72 };
	uint32_t class = 0;

	if (entry->keys_count > 0) {
		class = (uint32_t)hash_bytes(&key, entry->keys,
					     entry->keys_count *
						     sizeof *entry->keys);
	}
	return class ? class : 1;
}

/* The number of a device's name, which is new or known; 0: it has none. */
static uint32_t
number_of(struct door_tables *t, const char *name)
{
	size_t i = 0;

	if (name[0] == '\0') {
		return DOOR_DEVICE_OTHER;
	}
	while (i < t->devices_count && strcmp(t->devices[i], name) != 0) {
		i++;
	}
	if (i == t->devices_count) {
		memcpy(t->devices[t->devices_count++], name, ACL_IFNAME_MAX);
	}
	return (uint32_t)i + 1;
}

/*
 * A rule as the program looks at it.  False: no packet to this host matches
 * it.
 */
static bool
make_rule(struct door_tables *t, struct door_rule *to,
	  const struct acl_rule *from, bool loopback_open)
{
	const uint8_t src = from->src.addr.family, dst = from->dst.addr.family;
	const uint64_t device = number_of(t, from->indev);

	*to = (struct door_rule){ 0 };
	/* What comes to this host has no device to leave by. */
	if (from->outdev[0] || (src && dst && src != dst)) {
		return false;
	}
	if (src) {
		memcpy(&to->want[DOOR_SRC], from->src.addr.bytes, 16);
		memcpy(&to->mask[DOOR_SRC], from->src.mask, 16);
	}
	if (dst) {
		memcpy(&to->want[DOOR_DST], from->dst.addr.bytes, 16);
		memcpy(&to->mask[DOOR_DST], from->dst.mask, 16);
	}
	if (src || dst) {
		to->want[DOOR_META] |= src ? src : dst;
		to->mask[DOOR_META] |= DOOR_FAMILY;
	}
	if (device != DOOR_DEVICE_OTHER) {
		to->want[DOOR_META] |= device << DOOR_DEVICE_SHIFT;
		to->mask[DOOR_META] |= ~0ull << DOOR_DEVICE_SHIFT;
	} else if (loopback_open) {
		to->mask[DOOR_META] |= DOOR_LOOPBACK;
	}
	return true;
}

static bool
has_rule(const struct door_list *list, size_t count,
	 const struct door_rule *rule)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(&list->rule[i], rule, sizeof *rule) == 0) {
			return true;
		}
	}
	return false;
}

static bool
is_for_all(const struct door_rule *rule)
{
	static const struct door_rule all;

	return memcmp(rule, &all, sizeof all) == 0;
}

static void
fill_up(struct door_list *list, size_t from)
{
	for (; from < DOOR_RULES_MAX; from++) {
		list->rule[from] = (struct door_rule){
			.want[DOOR_META] = DOOR_NEVER,
			.mask[DOOR_META] = DOOR_NEVER,
		};
	}
}

struct making {
	struct door_tables *t;
	const struct acl *acl;
	bool loopback_open, devices;
	const char *why; /* the port at hand is without a door; or NULL */
};

/* The rules of one port: how many there are. */
static size_t
list_rules(struct making *m, struct door_list *list, uint16_t port)
{
	const struct acl *acl = m->acl;
	size_t count = 0;

	m->why = NULL;
	for (size_t i = acl->first_rule[port]; i < acl->rules_count; i++) {
		const struct acl_rule *from = &acl->rules[i];
		struct door_rule rule;

		if (from->type != ACL_LOCAL ||
		    !acl_ports_have(from->ports, from->ports_count, port) ||
		    !make_rule(m->t, &rule, from, m->loopback_open) ||
		    has_rule(list, count, &rule)) {
			continue;
		}
		/* Those beside it make no difference. */
		if (is_for_all(&rule)) {
			m->why = NULL;
			list->rule[0] = rule;
			count = 1;
			break;
		}
		if (from->indev[0] && !m->devices) {
			m->why = "this kernel does not tell it the device";
		} else if (count == DOOR_RULES_MAX) {
			m->why = "too many rules";
		} else {
			list->rule[count++] = rule;
		}
	}
	return m->why ? 0 : count;
}

static void
note_without(struct door_tables *t, uint16_t port, const char *why)
{
	t->bare[port / 8] |= (uint8_t)(1u << port % 8);
	if (t->without++ == 0) {
		t->without_port = port;
		t->without_why = why;
	}
}

static void
take_ports(struct making *m, const uint8_t *edge)
{
	struct door_tables *t = m->t;
	uint32_t list = 0;

	fill_up(&t->lists[0], 0);
	t->lists_count = t->rules_most = 1;
	for (uint32_t port = 0; port < PORTS; port++) {
		const uint16_t entry = m->acl->entry_at[port];

		if (edge[port]) {
			const size_t next = t->lists_count;
			const size_t count =
				list_rules(m, &t->lists[next], (uint16_t)port);

			fill_up(&t->lists[next], count);
			t->lists_count += count > 0;
			list = count > 0 ? (uint32_t)next : 0;
			t->rules_most =
				count > t->rules_most ? count : t->rules_most;
		}
		if (m->why) {
			note_without(t, (uint16_t)port, m->why);
		}
		t->ports[port] =
			(struct door_port){ list,
					    entry ? t->keys[entry - 1] : 0 };
	}
}

/* One for each edge, and that which protects nothing. */
static size_t
lists_of(const struct acl *acl)
{
	size_t edges = 2;

	for (size_t i = 0; i < acl->rules_count; i++) {
		edges += 2 * acl->rules[i].ports_count;
	}
	return edges < PORTS + 1 ? edges : PORTS + 1;
}

static int
allocate(struct door_tables *t, const struct acl *acl)
{
	t->ports = calloc(PORTS, sizeof *t->ports);
	t->lists = calloc(lists_of(acl) + 1, sizeof *t->lists);
	t->keys = calloc(acl->entries_count + 1, sizeof *t->keys);
	t->devices = calloc(acl->rules_count + 1, sizeof *t->devices);
	t->bare = calloc(DOOR_BARE_BYTES, 1);
	return t->ports && t->lists && t->keys && t->devices && t->bare ? 0
									: -1;
}

int
door_tables_make(struct door_tables *t, const struct acl *acl,
		 bool loopback_open, bool devices)
{
	struct making m = { .t = t,
			    .acl = acl,
			    .loopback_open = loopback_open,
			    .devices = devices };
	uint8_t *edge = calloc(PORTS + 1, 1);

	*t = (struct door_tables){ .entries_count = acl->entries_count };
	if (!edge || allocate(t, acl) < 0) {
		free(edge);
		door_tables_free(t);
		return -1;
	}
	for (size_t i = 0; i < acl->entries_count; i++) {
		t->keys[i] = door_class(&acl->entries[i]);
	}
	acl_mark_edges(acl, edge);
	take_ports(&m, edge);
	free(edge);
	return 0;
}

void
door_tables_free(struct door_tables *t)
{
	free(t->ports);
	free(t->lists);
	free(t->keys);
	free(t->devices);
	free(t->bare);
	*t = (struct door_tables){ 0 };
}
