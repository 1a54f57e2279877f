/*
 * From a configuration to what the door needs of it: which packets to this
 * host a rule protects, as acl_rule_for() would say, and which ports the
 * same keys may use.
 */
#ifndef TAP_DOOR_TABLES_H
#define TAP_DOOR_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/door_map.h"
#include "protocol/acl.h"

#define DOOR_BARE_BYTES (65536u / 8)

struct door_tables {
	struct door_port *ports; /* 65,536 */
	struct door_list *lists;
	size_t lists_count;
	size_t rules_most; /* of a list, but 1 at least */
	uint32_t *keys;    /* the class of each entry of the access list */
	size_t entries_count;
	/* Names of devices: the first has number 1. */
	char (*devices)[ACL_IFNAME_MAX];
	size_t devices_count;
	/*
	 * Ports that a rule protects and the door can't: a bit for each, how
	 * many, and one of them.
	 */
	uint8_t *bare; /* DOOR_BARE_BYTES */
	size_t without;
	uint16_t without_port;
	const char *without_why;
};

/*
 * The class of an entry of the access list: the same for all that admit the
 * same keys, now and later.  Not 0, which no key may use.
 */
uint32_t door_class(const struct acl_entry *entry);

/*
 * `loopback_open`: what comes by the loopback device is let alone, but for
 * rules that name it.  `devices`: the kernel tells the program the device.
 * 0, or -1 where memory is out.
 */
int door_tables_make(struct door_tables *t, const struct acl *acl,
		     bool loopback_open, bool devices);
void door_tables_free(struct door_tables *t);

#endif
