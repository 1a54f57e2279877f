/*
 * The receiver: a packet and the time go in, a verdict with its reason comes
 * out.  The whole receiver of TAP (papers: 000, 3.3 to 3.8) but for the
 * system around it: no clock, no file, no socket, no allocation.  The
 * same receiver runs behind NFQUEUE, in the fuzzers and in the tests.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_RECEIVER_H
#define TAP_PROTOCOL_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "protocol/frame.h"
#include "protocol/guess_limit.h"
#include "base/siphash.h"
#include "protocol/verify.h"
#include "protocol/packet.h"
#include "protocol/reassembly.h"
#include "protocol/replay_cache.h"

enum receiver_verdict {
	RECEIVER_PASS, /* no rule matches: ordinary TCP */
	RECEIVER_DROP,
	RECEIVER_HOLD,   /* no verdict yet; a later result releases it */
	RECEIVER_ACCEPT, /* an authenticated SYN0: goes on to the TCP stack */
	RECEIVER_CLOSED, /* a stranger's: goes on to where no listener is */
	RECEIVER_DECOY,  /* goes on to the rule's decoy */
};

/* The word for a reason in counters and logs. */
const char *receiver_reason_name(enum verify_reason reason);

/* Both clocks, read once for each packet or batch. */
struct receiver_now {
	uint64_t instant; /* UTC, see frame.h */
	uint64_t ms;      /* of a clock that never goes back */
};

/* What is worth a line in the log. */
struct receiver_event {
	enum verify_reason reason;
	struct packet_addr src, dst;
	uint16_t sport, dport; /* sport: of SYN0, or of the first frame */
	uint32_t isn;          /* of SYN0, where it was accepted */
	int key_no;            /* -1 where none is known */
	const struct acl_key *key;
	int64_t skew; /* the group's instant less the server's */
	uint64_t tag; /* of an accepted one; see mac.h */
};

/* A verdict for a packet that an earlier call held. */
struct receiver_release {
	uint64_t id;
	enum receiver_verdict verdict;
};

/*
 * One call ends at most the packet's own group and one that had to make
 * room, takes one connection's frames out of groups of their own, and drops
 * one held frame that was held too long.
 */
#define RECEIVER_RELEASES_MAX (2 * REASSEMBLY_FRAMES_MAX + FRAME_MAX + 2)
#define RECEIVER_EVENTS_MAX 2

struct receiver_result {
	enum receiver_verdict verdict; /* of the packet given */
	const struct acl_rule *rule;   /* that it matches, or NULL */
	size_t releases_count;
	size_t events_count;
	struct receiver_release releases[RECEIVER_RELEASES_MAX];
	struct receiver_event events[RECEIVER_EVENTS_MAX];
};

struct receiver_counters {
	uint64_t syns;       /* seen, of protected services */
	uint64_t groups;     /* that became complete */
	uint64_t macs;       /* authenticators computed */
	uint64_t duplicates; /* frames that came twice */
	uint64_t held_early; /* held frames dropped to make room */
	uint64_t evicted;    /* groups given up to make room */
	uint64_t by_reason[VERIFY_REASONS];
};

struct receiver_limits {
	struct reassembly_limits reassembly;
	uint32_t assembly_ms;      /* time to complete a group */
	uint32_t flood_per_second; /* SYNs; above, frames must be in order */
	uint32_t replays;          /* capacity of the replay memory */
	uint32_t guesses;          /* cells of a row; see guess_limit.h */
};

struct receiver {
	const struct acl *acl;
	struct receiver_limits limits;
	struct receiver_counters counters;
	struct reassembly reassembly;
	struct replay replay;
	struct hash_key hash;
	bool begin_unknown;
	uint64_t begin_ms;
	uint64_t rate_since;
	uint32_t rate_count, rate_before;
	struct guess guess;
};

/* Bytes of memory that receiver_init() wants beside the replay store. */
size_t receiver_size(const struct receiver_limits *limits);

/*
 * Begin.  memory (receiver_size(), aligned for uint64_t, of zeros or as the
 * last receiver of these limits left it), the store
 * (replay_store_size(limits->replays)) and acl stay the caller's and
 * must outlive g.  hash is a secret random key.  Returns what
 * replay_init() does.
 */
uint32_t receiver_init(struct receiver *g, void *memory,
		       struct replay_store *store,
		       const struct receiver_limits *limits,
		       const struct acl *acl, const struct hash_key *hash);

/*
 * What was accepted before `now` is not known: refuse whatever is not
 * later.  The moment is kept by the clock that never goes back, so that
 * a UTC clock that is set right afterwards, in either direction, neither
 * opens a gap nor locks anybody out.
 */
void receiver_begin_unknown(struct receiver *g, const struct receiver_now *now);

/* Another access list, from the next packet on. */
void receiver_set_acl(struct receiver *g, const struct acl *acl);

struct receiver_packet {
	const struct packet *packet;
	const uint8_t *options;     /* of TCP, packet->options_len; or NULL */
	bool forwarded;             /* through this host, not to it */
	const char *indev, *outdev; /* names, or NULL */
	uint64_t id; /* names the packet in later results, if it is held */
};

/*
 * Judge a packet.  One that is no first SYN, and of no connection that
 * is known, gets what hides its service, as a stranger's SYN does.
 */
void receiver_input(struct receiver *g, const struct receiver_now *now,
		    const struct receiver_packet *in,
		    struct receiver_result *result);

/*
 * A SYN that was taken off the wire ahead of the receiver: it counts as a
 * frame of its group, but is no SYN0 any more, and completes nothing: not
 * before it comes itself.  The result has only releases and events.
 */
void receiver_note_frame(struct receiver *g, const struct receiver_now *now,
			 const struct receiver_packet *in,
			 struct receiver_result *result);

/* A group that was accepted ahead of the receiver, by rules no laxer than its.
 */
struct receiver_accepted {
	const struct packet *frames; /* all of it; the first is SYN0 */
	size_t count;
	size_t unseen;  /* frames that receiver_note_frame() was not told of */
	bool forwarded; /* through this host, not to it */
	const char *indev;     /* its name, or NULL */
	uint64_t tag, instant; /* see mac.h; what it carries */
	uint64_t now;          /* an instant: when that was */
};

/*
 * Remember such a group, and let its frames go.  It is counted by whoever
 * accepted it, for he tells of it, and we may be killed meanwhile.  The result
 * has one event, or none if it is known already: whoever told of it was
 * interrupted.
 */
void receiver_note_accepted(struct receiver *g,
			    const struct receiver_accepted *a,
			    struct receiver_result *result);

/* So many wrong 30-bit authenticators were seen ahead of the receiver. */
void receiver_note_bad_guess(struct receiver *g, const struct receiver_now *now,
			     const struct packet_addr *src, unsigned guesses);

/*
 * End one group, or one held frame, whose time is up.  Returns false,
 * with an empty result, where nothing is left to do now.
 */
bool receiver_expire(struct receiver *g, const struct receiver_now *now,
		     struct receiver_result *result);

/*
 * What hides a service, as a stranger gets it: RECEIVER_DROP, _CLOSED or
 * _DECOY.
 */
enum receiver_verdict receiver_hides(const struct acl_rule *rule,
				     const struct packet *p);

/* Milliseconds until receiver_expire() has something to do, or -1. */
int64_t receiver_wait(struct receiver *g, const struct receiver_now *now);

#endif
