/*
 * One near side, as the listener serves it: what it says and what it is
 * told, without the socket.  It is told of packets of its own plan and
 * of its own connection, and of nothing else.
 */
#ifndef TAP_PROBE_PATH_SESSION_H
#define TAP_PROBE_PATH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "probe_path/filter.h"
#include "probe_path/plan.h"
#include "probe_path/messages.h"
#include "probe_path/trial.h"

/* A plan, and the messages that may come before it is read. */
#define PATH_SESSION_IN (PATH_TALK_HEADER + PATH_TALK_PLAN_MAX)
/* Everything that may be told, if the near side reads none of it. */
#define PATH_SESSION_OUT                                                       \
	(TRIAL_PACKETS_MAX * (PATH_TALK_HEADER + PATH_TALK_SMALL_MAX))

enum path_session_state {
	PATH_SESSION_HELLO, /* what is waited for */
	PATH_SESSION_PROOF,
	PATH_SESSION_PLAN,
	PATH_SESSION_END,
	PATH_SESSION_DRAIN, /* until path_session_caught_up() */
	PATH_SESSION_OVER,  /* send what is left, and close */
	PATH_SESSION_BAD,   /* close */
};

struct path_session {
	/* The caller's. */
	struct packet_addr peer;
	uint16_t peer_port;
	uint8_t nonce[PATH_TALK_NONCE];
	const struct acl_key *keys; /* or none are wanted */
	size_t key_count;
	uint32_t device;            /* that the connection came by, or 0 */
	uint8_t *in, *out;          /* PATH_SESSION_IN and _OUT */
	struct trial_probe *probes; /* TRIAL_PROBES_MAX */

	/* Its own. */
	enum path_session_state state;
	size_t in_len, out_at, out_len;
	struct trial trial;
	struct path_talk_hello hello;
	const struct acl_key *key; /* the one that it says to have */
	bool proven;               /* and has shown to have */
	struct path_filter filter;
	uint64_t end_ns; /* when its END came */
};

/* Once the caller's members are set, the rest zero. */
void path_session_begin(struct path_session *s);

/* What the two clocks say: UTC in nanoseconds, and an instant. */
struct path_session_now {
	uint64_t ns;
	uint64_t instant;
};

/*
 * Deal with what is in s->in; s->in_len is the caller's to raise.  Once
 * it has a plan (PATH_SESSION_END), it leaves off: to be called again.
 */
void path_session_read(struct path_session *s, struct path_session_now now);

/*
 * All packets captured up to this time were given to the session, and so
 * many of all were lost: where it has asked for the end, this is it.
 */
void path_session_caught_up(struct path_session *s, uint64_t ns, uint32_t lost);

/* A packet that was captured; the SYN of its connection is `control`. */
void path_session_packet(struct path_session *s, uint64_t ns, bool control,
			 const uint8_t *bytes, size_t len);

#endif
