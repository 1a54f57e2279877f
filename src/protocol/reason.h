/*
 * Why a group is refused, in the order of the checks: a later one got
 * further.  Each once, with its word in the log, in the status
 * ("refused.mac") and in the metrics (reason="mac").
 *
 * The kernel's program has some of these checks, too; see JUDGED in
 * bpf_accept.h.  A group that may fail by another one it leaves to the
 * receiver.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_REASON_H
#define TAP_PROTOCOL_REASON_H

#define REASONS(X)                                                             \
	X(INCOMPLETE, "incomplete") /* frames were missing */                  \
	X(FLAGS, "flags")           /* unknown, or a length not the key's */   \
	X(TIME, "time")             /* outside now +- tolerance */             \
	X(KEY, "key")               /* unknown, or not valid now */            \
	X(ACL, "acl")               /* not allowed on this port */             \
	X(GUESS, "guess")           /* too many wrong ones at 30 bits */       \
	X(MAC, "mac")                                                          \
	X(REPLAY, "replay")       /* the receiver's: it asks its memory */     \
	X(SHARE, "share")         /* the servers' common memory is silent */   \
	X(MALFORMED, "malformed") /* the receiver's: it can't be a frame */

enum verify_reason {
#define X(reason, word) VERIFY_##reason,
	REASONS(X)
#undef X
		VERIFY_ACCEPTED,
	VERIFY_REASONS,
};

/* A check, as a bit; and all that there are. */
#define REASON_BIT(reason) (1u << (reason))
#define REASON_CHECKS (REASON_BIT(VERIFY_ACCEPTED) - 1)

#endif
