/*
 * The attacks on a server: what each does to a group (papers: 000, 3.8,
 * from the attacker's side).  A group that was accepted is "used", one
 * that was never sent is "fresh", and needs a key.
 *
 * Pure.
 */
#ifndef TAP_REPLAY_TEST_ATTACKS_H
#define TAP_REPLAY_TEST_ATTACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "protocol/sender.h"

enum attack_kind {
	ATTACK_PLAIN,
	ATTACK_AGAIN,
	ATTACK_THOUSAND,
	ATTACK_OTHER_PORTS,
	ATTACK_OTHER_ADDRESS,
	ATTACK_OTHER_MARK,
	ATTACK_REVERSED,
	ATTACK_FLIP_ISN,
	ATTACK_FLIP_FLAGS,
	ATTACK_FLIP_KEY,
	ATTACK_FLIP_FRACTION,
	ATTACK_FLIP_SECOND,
	ATTACK_FLIP_MARKS,
	ATTACK_FLIP_SYN3,
	ATTACK_FLIP_SYN4,
	ATTACK_FLIP_SYN5,
	ATTACK_FLIP_SYN6,
	ATTACK_MIXED,
	ATTACK_SPLIT,
	ATTACK_TIME_NOW,
	ATTACK_FUTURE,
	ATTACK_PAST,
	ATTACK_FLAGS,
	ATTACK_OTHER_SERVICE,
	ATTACK_OTHER_SERVER,
	ATTACK_RACE,
	ATTACK_FRAGMENTS,
	ATTACK_OPTIONS,
	ATTACK_DATA,
	ATTACK_DISPLACED,
	ATTACK_DELAY_HALF,
	ATTACK_DELAY_EDGE,
	ATTACK_DELAY_PAST,
	ATTACK_DELAY_AHEAD,
	ATTACK_RESTART,
	ATTACK_GUESS,
	ATTACKS,
};

/* The group that it is made of. */
enum attack_base {
	ATTACK_OF_NONE,
	ATTACK_OF_USED,
	ATTACK_OF_FRESH,
	ATTACK_OF_ANY, /* fresh where there is a key; else used */
};

/* What it can't do without. */
enum attack_need {
	ATTACK_NEEDS_ADDRESS = 1, /* another one of this host's */
	ATTACK_NEEDS_SERVICE = 2, /* another hidden port there */
	ATTACK_NEEDS_SERVER = 4,  /* another server with the same key */
	ATTACK_NEEDS_HOOK = 8,
	ATTACK_NEEDS_PATIENCE = 16,
	ATTACK_NEEDS_SECOND = 32, /* a second group */
};

struct attack {
	const char *name; /* on the command line and in what is written */
	const char *what; /* is sent */
	const char *hole; /* what it is called that this gets in */
	enum attack_base base;
	unsigned needs; /* enum attack_need */
	bool is_memory; /* without any memory of groups it gets in, too */
};

extern const struct attack attacks[ATTACKS];

/* By the first len bytes of a name; ATTACKS: there is none. */
enum attack_kind attack_find(const char *name, size_t len);

#define ATTACK_FRAMES_MAX (2 * FRAME_MAX)

struct attack_frame {
	uint32_t seq;
	uint16_t sport, window;
	bool other_address;
	bool is_syn0;
};

/* What is sent at once: frames in their order. */
struct attack_shot {
	size_t count;
	struct attack_frame frames[ATTACK_FRAMES_MAX];
	uint8_t words;   /* of options to add, in each */
	uint8_t data;    /* bytes of it to add, in each */
	uint8_t split;   /* not 0: in two fragments, the first of so many */
	bool syn0_alone; /* answers to other frames don't matter */
};

/* What an attack is made from. */
struct attack_scene {
	const struct sender_group *group;
	const struct sender_group *second; /* or NULL */
	const struct acl_key *key;         /* or NULL */
	uint16_t port;                     /* that is signed for */
	uint64_t instant;                  /* now */
	uint32_t tolerance;                /* seconds, of the server */
	/* Fresh each time: */
	uint16_t mark, second_mark;
	uint16_t sports[ATTACK_FRAMES_MAX];
	uint32_t isn;
};

/*
 * How many wrong guesses at an authenticator of 30 bits a server may
 * count for a form of it: where no earlier check fails, one for each way
 * to put its frames together.
 */
unsigned attack_guesses(enum attack_kind kind, unsigned variant,
			uint32_t tolerance);

/* How many forms an attack has, for a group of so many frames. */
unsigned attack_variants(enum attack_kind kind, size_t frames);

/*
 * Make one form of it.  False where that would be the group itself, or
 * another group that the server may accept.
 */
bool attack_make(enum attack_kind kind, unsigned variant,
		 const struct attack_scene *scene, struct attack_shot *shot);

/* A group as its sender sends it. */
void attack_send(const struct sender_group *group, struct attack_shot *shot);

/*
 * A group of now, of which nothing is wrong but the authenticator, which
 * is random: bits has one word for SYN3 and each frame after it.
 */
void attack_guess(const struct attack_scene *scene, const uint32_t *bits,
		  struct attack_shot *shot);

#endif
