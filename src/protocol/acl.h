/*
 * Who may use what: rules (which packets belong to a protected service),
 * keys, and the list of the keys that each port admits (papers: 000, 7.1).
 * Plain data that server_conf.c fills in and the receiver reads.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_ACL_H
#define TAP_PROTOCOL_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/mac.h"
#include "protocol/packet.h"

#define ACL_RULES_MAX 4096u   /* of one configuration */
#define ACL_KEYS_MAX 65536u   /* all that key_no can number */
#define ACL_ENTRIES_MAX 4096u /* lines of ACL.conf */
#define ACL_NAME_MAX 63u      /* bytes of a key's name */
#define ACL_IFNAME_MAX 16u    /* IFNAMSIZ, with its NUL */

/* An address and its mask; family 0 is ANY. */
struct acl_net {
	struct packet_addr addr;
	uint8_t mask[16];
};

struct acl_range {
	uint16_t low, high; /* both included */
};

enum acl_type { ACL_LOCAL, ACL_ROUTER, ACL_BRIDGE };

/* What strangers see in a service's place. */
enum acl_hide {
	ACL_FILTERED, /* nothing comes back */
	ACL_CLOSED,   /* what a port without a listener answers */
	ACL_DECOY,    /* another service */
};

/* Whether those who were accepted may go on with a decoy. */
enum acl_switch {
	ACL_SWITCH_NEVER,
	ACL_SWITCH_MIRROR, /* at any time: a decoy hears all of it */
	ACL_SWITCH_NEXT,   /* with their next connection */
};

struct acl_rule {
	char indev[ACL_IFNAME_MAX]; /* empty is ANY, here and below */
	char outdev[ACL_IFNAME_MAX];
	struct acl_net src, dst;
	struct acl_range *ports; /* in the order written; none is ANY */
	size_t ports_count;
	enum acl_type type;
	enum acl_hide hide;
	struct packet_addr decoy; /* ACL_DECOY: the other service's */
	uint16_t decoy_port;
	enum acl_switch switches;
	struct packet_addr switch_decoy; /* unless ACL_SWITCH_NEVER */
	uint16_t switch_port;
	bool switch_keeps; /* ACL_SWITCH_NEXT: what is open stays */
	bool window_loose;
	uint16_t tolerance; /* seconds */
	unsigned line;      /* of the file that it came from: */
	const char *file;   /* one that was included; NULL: the main one */
};

struct acl_key {
	struct mac_key mac;
	uint64_t not_before, not_after; /* instants; 0 and UINT64_MAX: none */
	unsigned line;
	const char *file; /* as a rule's */
	uint16_t no;
	uint8_t bits; /* of authenticator */
	char name[ACL_NAME_MAX + 1];
};

/* One line of ACL.conf: these keys may use these ports. */
struct acl_entry {
	struct acl_range ports;
	struct acl_range *keys; /* sorted, disjoint */
	size_t keys_count;
	unsigned line;
	const char *file; /* as a rule's */
};

struct acl {
	struct acl_rule *rules;
	size_t rules_count, rules_room; /* room: who fills them in grows it */
	struct acl_key *keys;
	size_t keys_count;
	struct acl_entry *entries;
	size_t entries_count, entries_room;
	bool by_device; /* some rule names a device */
	/* Made by acl_index(): */
	uint16_t first_rule[65536]; /* the first that can match a port */
	uint32_t key_at[65536];     /* of a number: index + 1, or 0 */
	uint16_t entry_at[65536];   /* of a port: index + 1, or 0 */
};

/*
 * Index rules, keys and entries.  Key numbers must differ, and no port
 * may stand in two entries; server_conf.c has seen to it.
 */
void acl_index(struct acl *acl);

/* Whether one of the ranges has it; no range at all is ANY. */
bool acl_ports_have(const struct acl_range *ports, size_t count, uint16_t port);
/* Mark the ports from which on another list of rules may hold. */
void acl_mark_edges(const struct acl *acl, uint8_t edge[65537]);

bool acl_net_has(const struct acl_net *net, const struct packet_addr *addr);

/*
 * The first rule that matches a packet, or NULL: not protected.
 * forwarded tells packets through this host from those to it; indev and
 * outdev may be NULL where the packet has none.
 */
const struct acl_rule *acl_rule_for(const struct acl *acl,
				    const struct packet *p, bool forwarded,
				    const char *indev, const char *outdev);

/* Whether a rule is for connections to this host at that port. */
bool acl_has_local(const struct acl *acl, uint16_t port);

const struct acl_key *acl_key_by_no(const struct acl *acl, uint16_t no);
bool acl_key_valid_at(const struct acl_key *key, uint64_t instant);
bool acl_allows(const struct acl *acl, uint16_t port, uint16_t key_no);

#endif
