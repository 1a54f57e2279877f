/*
 * Fresh groups, signed with a key: what a server has to let in.  One that
 * gets in before an attack and one after it show that silence in between
 * was a refusal, and neither a loss nor a server that is down.
 */
#ifndef TAP_TRIAL_H
#define TAP_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl.h"
#include "attack.h"
#include "salvo.h"

/* The number of its shots; those of attacks begin after it. */
#define TRIAL_SHOT 0u

enum trial_outcome {
	TRIAL_CLEAN,  /* accepted at once */
	TRIAL_LATE,   /* accepted, but something before it was not */
	TRIAL_FAILED, /* nothing is accepted */
};

struct trial {
	struct salvo *salvo;
	const struct acl_key *key; /* or NULL: there are none */
	struct salvo_aim aim;
	uint32_t rtt_ms;	   /* of the last one */
	unsigned sent, accepted;   /* so far */
	int error;		   /* -errno of what failed below, or 0 */
};

/* Whether the key has an authenticator that servers limit guesses at. */
bool trial_is_short(const struct trial *t);

/*
 * Make a group signed for this port and instant.  Where guesses count,
 * its ISN is one that no frame of it looks like, or a server would count
 * two for an altered one.  0 or -errno.
 */
int trial_sign(struct trial *t, uint16_t port, uint64_t instant,
	       struct sender_group *group);

/* Everything of a scene that is fresh each time.  0 or -errno. */
int trial_scene(struct trial *t, struct attack_scene *scene);

/* Let time pass, with an ear open. */
void trial_wait(struct trial *t, unsigned ms);

/* Send a group to where aim says and wait for it to be let in. */
bool trial_gets_in(struct trial *t, const struct salvo_aim *aim,
		   const struct sender_group *group, unsigned ms);

/*
 * Send a fresh group, and others until one is let in or `patience` ms
 * have passed; *group becomes the one that was.
 */
enum trial_outcome trial_run(struct trial *t, const struct salvo_aim *aim,
			     unsigned patience, struct sender_group *group);

#endif
