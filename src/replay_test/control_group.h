/*
 * Fresh groups, signed with a key: what a server has to let in.  One that
 * gets in before an attack and one after it show that silence in between
 * was a refusal, and neither a loss nor a server that is down.
 */
#ifndef TAP_REPLAY_TEST_CONTROL_GROUP_H
#define TAP_REPLAY_TEST_CONTROL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "replay_test/attacks.h"
#include "replay_test/io.h"

/* The number of its shots; those of attacks begin after it. */
#define ATTACK_FRESH_SHOT 0u

enum attack_fresh_outcome {
	ATTACK_FRESH_CLEAN,  /* accepted at once */
	ATTACK_FRESH_LATE,   /* accepted, but something before it was not */
	ATTACK_FRESH_FAILED, /* nothing is accepted */
};

struct attack_fresh {
	struct attack_wire *wire;
	const struct acl_key *key; /* or NULL: there are none */
	struct attack_wire_aim aim;
	uint32_t rtt_ms;         /* of the last one */
	unsigned sent, accepted; /* so far */
	uint16_t first_mark;     /* random */
	uint32_t marks;          /* used so far: from that one on */
	int error;               /* -errno of what failed below, or 0 */
};

/* Whether the key has an authenticator that servers limit guesses at. */
bool attack_fresh_is_short(const struct attack_fresh *t);

/*
 * Make a group signed for this port and instant, with a mark that no other
 * has, of this and of scenes, for 65536 of them.  Where guesses count,
 * its ISN is one that no frame of it looks like, or a server would count
 * two for an altered one.  0 or -errno.
 */
int attack_fresh_sign(struct attack_fresh *t, uint16_t port, uint64_t instant,
		      struct sender_group *group);

/* Everything of a scene that is fresh each time.  0 or -errno. */
int attack_fresh_scene(struct attack_fresh *t, struct attack_scene *scene);

/* Wait, and keep reading answers. */
void attack_fresh_wait(struct attack_fresh *t, unsigned ms);

/* Send a group to where aim says and wait for it to be let in. */
bool attack_fresh_gets_in(struct attack_fresh *t,
			  const struct attack_wire_aim *aim,
			  const struct sender_group *group, unsigned ms);

/*
 * Send a fresh group, and others until one is let in or `patience` ms
 * have passed; *group becomes the one that was.
 */
enum attack_fresh_outcome attack_fresh_run(struct attack_fresh *t,
					   const struct attack_wire_aim *aim,
					   unsigned patience,
					   struct sender_group *group);

#endif
