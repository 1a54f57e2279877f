/*
 * Firewall rules: installed and undone by running nft or
 * iptables-restore, in one transaction for each table.
 *
 * Names tell whose rules they are: the table "tap-server-5040" (nft), or
 * chains of that name in the raw and mangle tables (iptables).  Who has
 * the same name replaces what a killed predecessor left, with no moment
 * in between where nothing is protected.
 */
#ifndef TAP_FIREWALL_FIREWALL_H
#define TAP_FIREWALL_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "protocol/packet.h"

#define FW_ERROR_MAX WHY_MAX
#define FW_TEXT_MAX (8u << 20) /* 4096 rules, each in two tables and twice */

enum fw_tool { FW_NONE, FW_NFT, FW_IPTABLES };

/* "nft", "iptables" or "none". */
const char *fw_tool_name(enum fw_tool tool);

struct fw_ports {
	uint16_t low, high;
};

/* Where a rule's packets go. */
enum fw_place {
	FW_LOCAL,   /* to this host */
	FW_ROUTED,  /* through it */
	FW_BRIDGED, /* through its bridge; devices are the bridge's ports */
};

/* What a rule matches, beside TCP, and what is to be done. */
struct fw_match {
	enum fw_place place;
	bool closed; /* strangers' packets go on to the stack, where the door is
		      */
	bool by_ingress; /* SYNs with accepted_mark bypass the queue */
	struct packet_addr
		decoy; /* for everybody who was not admitted; 0: none */
	uint16_t decoy_port;
	bool led; /* the decoy is for SYNs alone that have the plan's mark */
	const char *indev, *outdev;  /* empty: any */
	struct packet_addr src, dst; /* family 0: any */
	unsigned src_bits, dst_bits; /* of prefix */
	const struct fw_ports *ports;
	size_t ports_count; /* 0: any */
	bool fast;          /* client: may be marked, by plan_mark() */
	/* Client: nothing passes while no daemon judges it: a guest's. */
	bool judged;
	bool bridge_port; /* indev is one, and the packet may be routed */
	/*
	 * Client: not queued, but given the plan's mark as its priority, for
	 * who makes its frames where it leaves; unless IPsec is to wrap it
	 * first.  Routing and filters know no priorities.
	 */
	bool marked;
};

enum fw_side {
	FW_SERVER, /* SYNs to this host, and what belongs to no connection */
	FW_CLIENT, /* SYNs of this host */
};

struct fw_plan {
	enum fw_side side;
	uint16_t queue;       /* the first, see enum fw_queue */
	const char *cgroup;   /* client: of these sockets alone; or NULL */
	const uint32_t *user; /* client: of this user's alone; or NULL */
	/* Server: a bit, of strangers' that pass.  Client: frames', whole. */
	uint32_t mark;
	uint32_t accepted_mark; /* server: a bit, of SYNs that were accepted */
	/*
	 * Server: a bit, of packets to the sockets of the carrier
	 * (switching/carrier.h) that have addresses of others; or 0: there is
	 * none.  What they send has accepted_mark.
	 */
	uint32_t switch_mark;
	bool loopback_open; /* server: the loopback device is let alone */
	bool by_socket; /* server: what has a socket passes without the queue */
	/*
	 * Server: there is a door (fastpath/door.h) that outlives the daemon,
	 * so that ports with hide=closed look closed without the daemon, too.
	 */
	bool door_stays;
	/*
	 * Server: nobody has confirmed yet that these rules are to stay.  Where
	 * all of its processes are gone, what its queues would get passes.
	 */
	bool unconfirmed;
	bool unlabelled; /* connections cannot be labelled here: only marks are
			    used */
	/*
	 * Server: no rule asks connection tracking, so that a host goes without
	 * which nobody else has tracked.  Only with a door that stays: it keeps
	 * the kernel from finding a listener for who was not admitted.
	 */
	bool untracked;
	const struct fw_match *matches;
	size_t count;
};

/* The server's queues, counted from the plan's. */
enum fw_queue {
	FW_QUEUE_SYN,  /* SYNs to this host, before translation or at INPUT */
	FW_QUEUE_REST, /* what is no SYN and of no known connection */
	FW_QUEUE_FORWARD, /* the same, through this host */
	FW_QUEUE_FORWARD_REST,
	FW_QUEUES,
};

#define FW_VARIANTS 3 /* iptables, iptables-nft, iptables-legacy */
#define FW_FAMILIES 2
#define FW_HOOKS 6

/* What was installed, and what fw_remove() has to undo. */
struct fw {
	enum fw_tool tool;
	enum fw_side side;
	uint16_t queue;
	unsigned variant; /* of iptables */
	/* Whether a hook's table (of iptables-nft) was not there before. */
	bool table_is_ours[FW_FAMILIES][FW_HOOKS];
	/*
	 * One command's: what an earlier tap may have left by another tool, or
	 * for a family that it has no address of, is not looked for.
	 */
	bool is_brief;
	bool has_family[FW_FAMILIES]; /* of iptables: it has been used */
	bool no_sockets; /* the tool or the kernel cannot match sockets */
	bool no_labels;  /* nor label connections with conntrack */
	bool is_legacy;  /* iptables-legacy: the kernel reports no changes */
	/* What stood when it was installed, if that is known. */
	bool is_known;
	uint64_t sum;
};

/* Whether iptables gets to see packets of a bridge. */
bool fw_sees_bridged(void);

/*
 * The rules of a plan as the tool takes them, on the heap; iptables has
 * one text for each family (4, 6), nft one for both (0).  NULL where
 * memory is out, or it would be longer than FW_TEXT_MAX: errno tells which
 * (ENOMEM, EMSGSIZE).
 */
char *fw_text(const struct fw_plan *plan, enum fw_tool tool, unsigned family);

/*
 * Install a plan, with the tool wanted, or (FW_NONE) with the first that
 * can: nft, then iptables.  Returns 0, or -1 with the error in err
 * (FW_ERROR_MAX); then nothing new is left behind.
 */
int fw_install(struct fw *fw, const struct fw_plan *plan, enum fw_tool wanted,
	       char *err);
/*
 * Put another plan of the same name in the place of the one installed.
 * 0, or -1 with the error in err; then the old one stands.
 */
int fw_replace(struct fw *fw, const struct fw_plan *old,
	       const struct fw_plan *plan, char *err);
/*
 * Whether the rules still stand as they were installed: all of them, in their
 * order, and with nothing of others' before them in a hook of iptables, whose
 * ACCEPT would be the last word.  Other programs may flush what is not theirs:
 * then fw_replace() with the same plan puts them back, and first.  1 or 0, or
 * -1 where the tool can't tell: then they are not gone.
 */
int fw_stands(struct fw *fw, const struct fw_plan *plan);
/*
 * A descriptor that is readable when somebody has changed rules of
 * nftables, iptables-nft included; or -errno.
 */
int fw_watch(void);
/* Take note of that.  Whether there was any change. */
bool fw_changed(int fd);
/* Remove the rules of this name, whichever tool installed them. */
int fw_remove(struct fw *fw, char *err);

/* The tool that fw_install() would end up with, found without installing. */
enum fw_tool fw_probe(const struct fw_plan *plan);

#endif
