/*
 * What the attacks on a server share: the groups that they are made of,
 * the way there, and how what came back is read.
 */
#ifndef TAP_REPLAY_TEST_SESSION_H
#define TAP_REPLAY_TEST_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay_test/attack_run.h"
#include "replay_test/io.h"
#include "replay_test/control_group.h"

/* The number of an attack's first shot; see control_group.h. */
#define ATTACK_GROUND_SHOT (ATTACK_FRESH_SHOT + 1u)
/*
 * A second fresh group's time, before the first one's: another second
 * and another fraction, or their frames could take each other's place.
 */
#define ATTACK_GROUND_APART (FRAME_SECOND + 77u)
/* How long fresh groups are tried after one that was not accepted. */
#define ATTACK_GROUND_RETRY_MS 3000u
/* The same where a server may count wrong guesses: until it is over. */
#define ATTACK_GROUND_RETRY_SHORT_MS 20000u
/* Without a key, how long an answer is waited for. */
#define ATTACK_GROUND_QUIET_MS 1000u
/* So long a recording's SYN/ACK shows that the way is open. */
#define ATTACK_GROUND_RECENT_S 600u

struct attack_ground {
	const struct attack_run_options *options;
	struct attack_run_report *report;
	struct attack_wire wire;
	struct attack_wire_target target;
	struct attack_fresh fresh;
	struct attack_wire_model made;           /* fresh groups' */
	struct attack_wire_model recorded;       /* the recording's */
	const struct recording_group *recording; /* or NULL */
	struct sender_group latest; /* the last one accepted; or recorded */
	struct sender_group base;   /* what is attacked with now */
	bool holds;                 /* base stays */
	struct sender_group second;
	bool has_second;
	/* Where the attack goes now, which is not the first server or port, a
	 * fresh group gets in. */
	bool lets_in_elsewhere;
	bool path_known;     /* silence is the server's */
	bool is_open;        /* to everybody */
	bool forgets;        /* a group got in again */
	uint64_t guesses_ms; /* batch.c: when all guesses are available again */
	/* timed.c: groups that grow old, and since when. */
	bool has_aged, has_ahead;
	struct sender_group aged, ahead;
	uint64_t aged_instant, ahead_instant;
};

/* What became of the shots of one attack. */
struct attack_ground_tally {
	unsigned sent;     /* groups */
	unsigned shots;    /* different ones */
	unsigned accepted; /* these, and below */
	unsigned raced;    /* of two copies one */
	unsigned resets, acks, errors;
	unsigned unsure;                   /* batches that may have been lost */
	enum attack_fresh_outcome outcome; /* after the last batch */
};

/* 0, or -errno with the reason in why (WHY_MAX). */
int attack_ground_begin(struct attack_ground *s, char *why);
void attack_ground_end(struct attack_ground *s);

/* Whether an attack is made of a fresh group, and of how many frames. */
bool attack_ground_uses_fresh(const struct attack_ground *s,
			      enum attack_kind kind);
size_t attack_ground_frames(const struct attack_ground *s,
			    enum attack_kind kind);
/* Where it goes. */
struct attack_wire_aim attack_ground_aim(const struct attack_ground *s,
					 enum attack_kind kind);

/* The group to attack with next, unless one is held. */
void attack_ground_take_base(struct attack_ground *s);
void attack_ground_hold(struct attack_ground *s,
			const struct sender_group *group);
void attack_ground_release(struct attack_ground *s);

/* See whether the way is open still; or wait. */
void attack_ground_settle(struct attack_ground *s, enum attack_kind kind,
			  struct attack_ground_tally *tally);
/* Count what came back to shots from ATTACK_GROUND_SHOT on. */
void attack_ground_count(struct attack_ground *s, unsigned shots, bool race,
			 struct attack_ground_tally *tally);

/* The verdict. */
void attack_ground_judge(const struct attack_ground *s, enum attack_kind kind,
			 const struct attack_ground_tally *tally,
			 struct attack_run_result *result);
void attack_ground_inconclusive(struct attack_run_result *result,
				const char *reason);

#endif
