/*
 * What the two ends of a trial say to each other, over one connection of
 * TCP.  The near side speaks first; who says nothing hears nothing.
 *
 *   type:8 | length:24 | body
 *
 *   near  HELLO    "tap-path" version:16 key_no:16 has_key:8 nonce:128
 *   far   WELCOME  version:16 wants_key:8 nonce:128
 *   near  PROOF    256                 (where a key is wanted)
 *   far   PROOF    256
 *   near  ASK      t1:64               (the clock, some times)
 *   far   CLOCK    t1:64 t2:64 t3:64
 *   near  PLAN     text (path_plan.h)
 *   far   READY
 *   far   SEEN     ns:64 control:8 packet
 *   near  END
 *   far   DONE     lost:32
 *   far   REFUSED  why:8               (instead of any of its words)
 *
 * Times are nanoseconds since 1970.
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_MESSAGES_H
#define TAP_PROBE_PATH_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/mac.h"

#define PATH_TALK_VERSION 1u
#define PATH_TALK_HEADER 4u
#define PATH_TALK_NONCE 16u
/* A plan of TRIAL_PROBES_MAX probes has some 300 KiB. */
#define PATH_TALK_PLAN_MAX (512u * 1024)
/* Any other message: a packet, and what stands before it. */
#define PATH_TALK_SMALL_MAX 256u

enum path_talk_type {
	PATH_TALK_HELLO = 1,
	PATH_TALK_WELCOME,
	PATH_TALK_PROOF,
	PATH_TALK_ASK,
	PATH_TALK_CLOCK,
	PATH_TALK_PLAN,
	PATH_TALK_READY,
	PATH_TALK_SEEN,
	PATH_TALK_END,
	PATH_TALK_DONE,
	PATH_TALK_REFUSED,
	PATH_TALK_TYPES,
};

enum path_talk_refusal {
	PATH_TALK_BAD_VERSION = 1,
	PATH_TALK_BAD_KEY,
	PATH_TALK_BAD_PLAN,
};

struct path_talk {
	enum path_talk_type type;
	const uint8_t *body; /* in the buffer that was parsed */
	size_t len;
};

/*
 * The message that stands first in len bytes: its length, with the
 * header; 0 where it is not whole yet; -1 where it is none, or longer or
 * shorter than its type can be.
 */
ptrdiff_t path_talk_parse(struct path_talk *m, const uint8_t *bytes,
			  size_t len);
/* Write the header of a message whose body has len bytes. */
void path_talk_header(uint8_t out[PATH_TALK_HEADER], enum path_talk_type type,
		      size_t len);

struct path_talk_hello {
	uint16_t version;
	bool has_key; /* in a WELCOME: wants one */
	uint16_t key_no;
	uint8_t nonce[PATH_TALK_NONCE];
};

/* Bodies, of PATH_TALK_SMALL_MAX bytes at most; return their length. */
size_t path_talk_put_hello(uint8_t *out, const struct path_talk_hello *h);
size_t path_talk_put_welcome(uint8_t *out, const struct path_talk_hello *h);
/* 0, or -1 where it is none: the version is the caller's to look at. */
int path_talk_get_hello(struct path_talk_hello *h, const struct path_talk *m);
int path_talk_get_welcome(struct path_talk_hello *h, const struct path_talk *m);

/* Which side proves that it has the key, by both nonces. */
enum path_talk_side { PATH_TALK_NEAR, PATH_TALK_FAR };
void path_talk_prove(uint8_t out[MAC_PROOF_BYTES], enum path_talk_side side,
		     const struct mac_key *key,
		     const uint8_t near[PATH_TALK_NONCE],
		     const uint8_t far[PATH_TALK_NONCE]);

/*
 * From the four times of one exchange: how far the far clock is ahead,
 * and how long it took there and back; as NTP has it (RFC 5905, 8).
 */
struct path_talk_times {
	uint64_t t1, t2, t3, t4;
};
int64_t path_talk_skew(const struct path_talk_times *t);
uint64_t path_talk_delay(const struct path_talk_times *t);

#endif
