/*
 * The sender of TAP: one SYN of the host's own TCP stack (SYN-ORIG) is
 * made into the frames of a group (papers: 000, 3.2 and 3.3).  Only
 * sequence number, source port, window and checksum change.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_SENDER_H
#define TAP_PROTOCOL_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "protocol/frame.h"
#include "protocol/packet.h"

#define SENDER_EXE_MAX 256  /* bytes of a path, with its NUL */
#define SENDER_NAME_MAX 256 /* bytes of a host's name, with its NUL */
/* Of one name: more than that is no host, but a way to fill tables. */
#define SENDER_ADDRESSES_MAX 64u

/* A host by its name; its addresses change. */
struct sender_host {
	char name[SENDER_NAME_MAX];
	unsigned no; /* among those of a configuration */
	struct packet_addr addr[SENDER_ADDRESSES_MAX];
	size_t count; /* 0: none is known, so that nothing goes there */
	struct sender_host *next;
};

/* What becomes of the connections that a rule is for. */
enum sender_action {
	SENDER_AUTHENTICATE,
	SENDER_DENY,  /* of virtual machines alone, as the next */
	SENDER_ALLOW, /* they go as they are, whatever later rules say */
};

#define SENDER_COMM_MAX 16u /* TASK_COMM_LEN */

/* Which connections are authenticated, and by which key (000, 7.2). */
struct sender_rule {
	unsigned guest; /* a virtual machine's, by its number; or 0 */
	enum sender_action action;
	bool unknown_passes; /* guest: where its owner can't be known */
	bool forwarded;      /* connections through this host; else its own */
	char indev[ACL_IFNAME_MAX];  /* of such; empty is ANY */
	char outdev[ACL_IFNAME_MAX]; /* empty is ANY */
	struct acl_net src, dst;
	struct sender_host *host; /* in place of dst; or NULL */
	struct acl_range *ports;  /* none is ANY */
	size_t ports_count;
	bool has_user;
	uint32_t uid;
	char exe[SENDER_EXE_MAX]; /* the program's path; empty is ANY */
	/* guest: the process's number, or 0, and its name; empty is ANY */
	uint32_t pid;
	char comm[SENDER_COMM_MAX];
	uint16_t service_port; /* as the server sees it; 0: the packet's */
	struct acl_key key;
	unsigned line;
};

/*
 * One after the other, where its connections go to, beginning with *at = 0:
 * dst, or each address of its host that is of src's IP version.
 */
bool sender_next_dst(const struct sender_rule *rule, size_t *at,
		     struct acl_net *dst);
/* Whether a host has this address. */
bool sender_host_has(const struct sender_host *host,
		     const struct packet_addr *addr);

/* Whether a rule is for this place, whoever connects to it, and how. */
bool sender_goes_to(const struct sender_rule *rule,
		    const struct packet_addr *addr, uint16_t port);

struct sender_packet {
	const struct packet *packet;
	unsigned guest;     /* whose it is, as in a rule; 0: no guest's */
	uint32_t pid;       /* of a guest's process; 0: not known, */
	const char *comm;   /* and its name; or NULL */
	const char *exe;    /* or NULL: not known */
	bool forwarded;     /* through this host, by: */
	const char *indev;  /* or NULL */
	const char *outdev; /* or NULL */
	bool has_uid;
	uint32_t uid;
};

/* The first rule that matches, or NULL: the SYN is sent as it is. */
const struct sender_rule *sender_rule_for(const struct sender_rule *rules,
					  size_t count,
					  const struct sender_packet *in);
/*
 * Whether that rule matches a guest's SYN only because nobody knows yet whose
 * it is.
 */
bool sender_lacks_owner(const struct sender_rule *rule,
			const struct sender_packet *in);

/* What can be done for a SYN. */
enum sender_answer {
	SENDER_GROUP,     /* a group can be made from it */
	SENDER_DATA,      /* carries data (TCP Fast Open): goes as it is */
	SENDER_SIGNATURE, /* TCP-MD5 or TCP-AO: refused */
};

enum sender_answer sender_judge(const struct packet *orig);

/* The frames of one group: where each is sent from, and with what. */
struct sender_group {
	size_t count;
	uint16_t mark;
	uint32_t seq[FRAME_MAX];
	uint16_t sport[FRAME_MAX]; /* sport[0] is SYN-ORIG's */
};

/*
 * Sign what a head says for a connection to `port`: makes every sequence
 * number but SYN0's, which is there.
 */
void sender_seal(struct sender_group *group, const struct mac_key *key,
		 const struct frame_head *head, uint16_t port);

/*
 * Make a group.  instant is now; mark is fresh and random; sports has a
 * port for each frame after SYN0 (3 + the key's extra frames).
 */
void sender_sign(struct sender_group *group, const struct packet *orig,
		 const struct sender_rule *rule, uint64_t instant,
		 uint16_t mark, const uint16_t *sports);

/*
 * Write the frame of a role after SYN0 to out (PACKET_HEADERS_MAX bytes)
 * from SYN-ORIG's bytes.  Returns its length.
 */
size_t sender_frame(uint8_t *out, const uint8_t *bytes,
		    const struct packet *orig, const struct sender_group *group,
		    enum frame_role role);

/* Make SYN-ORIG's own bytes, all of them, into SYN0. */
void sender_syn0(uint8_t *bytes, const struct packet *orig,
		 const struct sender_group *group);

#endif
