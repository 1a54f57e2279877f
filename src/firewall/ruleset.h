/*
 * Firewall rules: where they stand, and what is in which place; their text is
 * ruleset_nft.h's and ruleset_iptables.h's.
 *
 * Server.  What is let in is what was admitted; everything else to a
 * protected port is dropped by its destination port alone, just ahead of the
 * administrator's own filters: where packets come in (INPUT) and where they
 * go on (FORWARD).  The stack has had its say by then: broken IP options,
 * time to live, fragments are answered as for any other port.  Admitted is
 *
 * - what belongs to a connection that is tracked as established,
 * - a SYN with the mark of acceptance, or, where there are decoys, of a
 *   connection that was labelled when such a SYN came,
 * - what is no SYN and has a socket of this host's, in INPUT: tracking may not
 *   know of it (NOTRACK, conntrack -F, nf_conntrack_tcp_loose=0).  The kernel
 *   finds such sockets before it routes a packet, listeners never.
 *   Only TPROXY and programs like it hand a listener's to one: such sockets
 *   are transparent, and the daemon is asked.  It is asked for all where a
 *   kernel is without that match or that search (ip_early_demux),
 * - a SYN that the daemon accepts there and then, and what else it knows the
 *   connection of, or a socket for; without the daemon that is none.
 *
 * Most SYNs are judged earlier, in the raw table: before connection tracking
 * makes anything of them, and before an address is translated, as the daemon
 * has to see what the client sent.  Whom it accepts gets the mark.  A SYN that
 * did not come by there (an address that is local in a VRF only, a port that
 * another one is translated to), or that lost its mark to somebody's rules, is
 * judged in the last place.  So no rule here trusts in another.
 *
 * What came to a protected port of this host, and is translated to another one
 * or another host (a published port), is known in the last places by the
 * address that a rule names, or by a label that it got before.
 *
 * Where nobody else tracks connections, neither do these rules (`untracked`),
 * if there is a door that stays.  Then what is no SYN passes where the kernel
 * finds a socket for it: of a connection, of one that begins or that has ended
 * just now; and no listener, which the door has for nobody but the admitted.
 * All else is as above, but for what somebody translates.  Who does so has the
 * kernel track, and the rules ask for that again as soon as the daemon sees it;
 * until then strangers' SYNs are known by their mark, or end in the raw table.
 *
 * Strangers to be shown a closed port go on to the stack, where the door
 * (fastpath/door.h) has no listener for them: they are the only ones that are
 * let go, and only the plan of a server with a door has them.  Strangers who
 * are led to a decoy are translated: all but the admitted.  What is no SYN and
 * new to connection tracking may be of a connection that it forgot: the daemon
 * is asked just before, and marks what is.
 *
 * Who is led to a decoy by an alarm (switch=next) is let go on by the daemon
 * with the mark of strangers, and that alone translates him: without the daemon
 * it is nobody.
 *
 * Where connections are carried, the carrier has sockets with addresses of
 * clients.  What these send bears the mark of acceptance, by which conntrack
 * knows their connections; what is sent back to them gets a mark that leads it
 * to this host (os/own_route.h): in OUTPUT, as it is this host's own, and
 * before routing, where a decoy on another host sends it.
 *
 * Rules that nobody has confirmed hold for as long as the daemon lives: its
 * queues have a bypass, and only strangers whom it has marked are translated.
 * However it ends, it can't have locked anybody out.
 *
 * Client: SYNs to protected services are queued on their way out, with
 * a bypass: without the daemon they are ordinary SYNs.  Or they are marked
 * and go on, where a program at the device makes their frames.  Those of others
 * through this host are queued where they are forwarded, if a rule asks for it.
 */
#ifndef TAP_FIREWALL_RULESET_H
#define TAP_FIREWALL_RULESET_H

#include "firewall/firewall.h"

#define RULESET_NAME_MAX 32u
/*
 * Labels of connection tracking, bits of 128: of what was admitted, and of what
 * came to a protected port of this host, whatever it is translated to.
 */
#define RULESET_LABEL 107u
#define RULESET_LABEL_CAME 106u

/* Where iptables has rules of a side: each place has a chain of its own. */
struct ruleset_hook {
	const char *table;  /* "raw" */
	const char *hook;   /* "PREROUTING" */
	const char *suffix; /* of the chain's name */
	const char *nft;    /* the chain that nft has in its place */
};

enum ruleset_server_hook {
	RULESET_LABELS,
	RULESET_INPUT,
	RULESET_FORWARD,
	RULESET_DECOY,
	RULESET_SYN,
	RULESET_SWITCH,
};

/* The hooks of a side, FW_HOOKS at the most; what keeps goes in first. */
const struct ruleset_hook *ruleset_hooks(enum fw_side side, size_t *count);
/* Whether it is that one of the server's. */
bool ruleset_is(const struct ruleset_hook *hook,
		enum ruleset_server_hook which);

/* "tap-server-5040" */
void ruleset_name(char out[RULESET_NAME_MAX], enum fw_side side,
		  uint16_t queue);

/* Whether a plan has anything to do at a hook. */
bool ruleset_needs(const struct fw_plan *plan, const struct ruleset_hook *hook);

/*
 * Whether a match has rules of its own at a hook for packets of this family,
 * 4 or 6, or (0) of either.
 */
bool ruleset_has_place(const struct ruleset_hook *hook,
		       const struct fw_match *m, unsigned family);
/*
 * Whether strangers' SYNs, which the program in the kernel has marked, come to
 * an end in the last places.  But where a door is to answer them that ends with
 * the daemon, they take the queue: without the daemon they must not go on.  So
 * they do where the last places would not know a translated one again.
 */
bool ruleset_ends_marked(const struct fw_plan *plan, const struct fw_match *m);
/*
 * Whether they end there to whatever port they have been translated since: of
 * one that is not tracked, nothing else tells to which it came.
 */
bool ruleset_catches_marked(const struct fw_plan *plan);
/*
 * Whether the program in the kernel lets SYNs through this host: these have
 * the mark of strangers, too.  They are let go where they went, while what
 * came to this host goes where somebody has translated it to.  What is local by
 * the routing table, and no address that the program knows, is taken for such,
 * and let in: the same keys may use the same port.
 */
bool ruleset_lets_through(const struct fw_plan *plan);
/*
 * The bits of the mark that tell strangers' SYNs: one, or that of acceptance as
 * well.  What was let through, but is translated, has both, and is queued: the
 * daemon lets it go on to the port that it was accepted for.
 */
uint32_t ruleset_strangers(const struct fw_plan *plan);
/* Client: whether a match is of the packets that come by a hook. */
bool ruleset_is_here(const struct ruleset_hook *hook, const struct fw_match *m);
/* Of packets through this host. */
bool ruleset_is_forwarded(const struct fw_match *m);
/*
 * Whether a match has a decoy of this family, or (0) of either: for all
 * strangers, or for whoever is led there.
 */
bool ruleset_has_decoy(const struct fw_match *m, unsigned family);
bool ruleset_leads(const struct fw_match *m, unsigned family);
/*
 * Whether a hook has matches of guests: to these come SYNs with any other
 * flags, too, but for answers.
 */
bool ruleset_has_judged(const struct fw_plan *plan,
			const struct ruleset_hook *hook);
/* Whether admitted connections are labelled: where there are decoys. */
bool ruleset_has_labels(const struct fw_plan *plan);
/*
 * Whether connections to a match are labelled as they come in, before anybody
 * translates them: of packets of this family, or (0) either.
 */
bool ruleset_is_labelled(const struct fw_plan *plan, const struct fw_match *m,
			 unsigned family);
/* Whether there is such a match. */
bool ruleset_labels_some(const struct fw_plan *plan, unsigned family);
/* Whether there is any label. */
bool ruleset_uses_labels(const struct fw_plan *plan);
/*
 * Whether what was translated to another address is known again by the one
 * that it came to.  For matches that name it; without, that might be any
 * connection on its way through this host, to its proxy perhaps: these are
 * labelled.  But where strangers go on they must not go on to there.
 */
bool ruleset_is_translated(const struct fw_match *m, unsigned family);
/* The queue for a SYN, or for the rest. */
unsigned ruleset_queue(const struct fw_plan *plan, bool forwarded, bool rest);

/* Whether a match may be of packets of this family, 4 or 6. */
bool ruleset_has_family(const struct fw_match *m, unsigned family);

const char *ruleset_addr(char out[64], const struct packet_addr *addr);

#endif
