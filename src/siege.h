/*
 * What the attacks on a server share: the groups that they are made of,
 * the way there, and how what came back is read.
 */
#ifndef TAP_SIEGE_H
#define TAP_SIEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assault.h"
#include "salvo.h"
#include "trial.h"

/* The number of an attack's first shot; see trial.h. */
#define SIEGE_SHOT (TRIAL_SHOT + 1u)
/*
 * A second fresh group's time, before the first one's: another second
 * and another fraction, or their frames could take each other's place.
 */
#define SIEGE_APART (FRAME_SECOND + 77u)
/* How long fresh groups are tried after one that was not accepted. */
#define SIEGE_RETRY_MS 3000u
/* The same where a server may count wrong guesses: until it is over. */
#define SIEGE_RETRY_SHORT_MS 20000u
/* Without a key, how long an answer is waited for. */
#define SIEGE_QUIET_MS 1000u
/* So long a recording's SYN/ACK shows that the way is open. */
#define SIEGE_RECENT_S 600u

struct siege {
	const struct assault_options *options;
	struct assault_report *report;
	struct salvo salvo;
	struct salvo_target target;
	struct trial trial;
	struct salvo_model made;     /* fresh groups' */
	struct salvo_model recorded; /* the recording's */
	const struct recording_group *recording; /* or NULL */
	struct sender_group latest;  /* the last one accepted; or recorded */
	struct sender_group base;    /* what is attacked with now */
	bool holds;		     /* base stays */
	struct sender_group second;
	bool has_second;
	bool path_known; /* silence is the server's */
	bool is_open;	 /* to everybody */
	bool forgets;	 /* a group got in again */
	uint64_t guesses_ms; /* barrage.c: when they all are there again */
	/* vigil.c: groups that grow old, and since when. */
	bool has_aged, has_ahead;
	struct sender_group aged, ahead;
	uint64_t aged_instant, ahead_instant;
};

/* What became of the shots of one attack. */
struct siege_tally {
	unsigned sent;	   /* groups */
	unsigned shots;	   /* different ones */
	unsigned accepted; /* these, and below */
	unsigned raced;	   /* of two copies one */
	unsigned resets, acks, errors;
	unsigned unsure; /* batches that may have been lost */
	enum trial_outcome outcome; /* after the last batch */
};

/* 0, or -errno with the reason in why (ASSAULT_WHY_MAX). */
int siege_begin(struct siege *s, char *why);
void siege_end(struct siege *s);

/* Whether an attack is made of a fresh group, and of how many frames. */
bool siege_uses_fresh(const struct siege *s, enum attack_kind kind);
size_t siege_frames(const struct siege *s, enum attack_kind kind);
/* Where it goes. */
struct salvo_aim siege_aim(const struct siege *s, enum attack_kind kind);

/* The group to attack with next, unless one is held. */
void siege_take_base(struct siege *s);
void siege_hold(struct siege *s, const struct sender_group *group);
void siege_release(struct siege *s);

/* See whether the way is open still; or wait. */
void siege_settle(struct siege *s, struct siege_tally *tally);
/* Count what came back to shots from SIEGE_SHOT on. */
void siege_count(struct siege *s, unsigned shots, bool race,
		 struct siege_tally *tally);

/* The verdict. */
void siege_judge(const struct siege *s, enum attack_kind kind,
		 const struct siege_tally *tally,
		 struct assault_result *result);
void siege_inconclusive(struct assault_result *result, const char *reason);

#endif
