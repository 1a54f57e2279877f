/*
 * The attacks on one server, one after the other, and a verdict on each.
 *
 * "Accepted" is a SYN/ACK to any frame of it.  "Refused" needs more than
 * silence: a fresh group was accepted just before and just after, or a
 * reset came, or the recording shows that the way was open.  Everything
 * else is "inconclusive", with the reason.
 */
#ifndef TAP_REPLAY_TEST_ATTACK_RUN_H
#define TAP_REPLAY_TEST_ATTACK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay_test/attacks.h"
#include "replay_test/guess_odds.h"
#include "replay_test/recording.h"
#include "replay_test/io.h"

#define ATTACK_RUN_REASON_MAX 192u

enum attack_run_verdict {
	ATTACK_RUN_REFUSED,
	ATTACK_RUN_ACCEPTED,
	ATTACK_RUN_INCONCLUSIVE,
};

struct attack_run_result {
	enum attack_kind kind;
	enum attack_run_verdict verdict;
	char reason[ATTACK_RUN_REASON_MAX];
	const char *hole;  /* where it was accepted */
	unsigned groups;   /* that were sent */
	unsigned accepted; /* of them */
	unsigned resets;   /* of them, to their SYN0 */
};

struct attack_run_report {
	struct attack_run_result results[ATTACKS];
	size_t count;
	unsigned trials, trials_accepted; /* of fresh groups */
	bool has_odds;
	struct odds odds;
	unsigned lost; /* packets that came too fast to be seen */
};

struct attack_run_options {
	struct attack_wire_target target;
	struct attack_wire_target also; /* another server; family 0: none */
	uint16_t port;
	uint16_t other_port;               /* or 0 */
	const struct acl_key *key;         /* or NULL */
	const struct recording *recording; /* or NULL */
	uint32_t tolerance;                /* seconds */
	const char *hook;                  /* a command, or NULL */
	bool patient;
	unsigned times, fill, guess_rate, guess_seconds, rate;
	uint32_t mark; /* of netfilter, on what is sent */
	bool wanted[ATTACKS];
	void (*progress)(void *context, enum attack_kind kind, size_t at,
			 size_t count);
	void *context;
};

/* 0, or -errno with the reason in why (WHY_MAX). */
int attack_run(const struct attack_run_options *options,
	       struct attack_run_report *report, char *why);

#endif
