/*
 * The attacks on one server, one after the other, and a verdict on each.
 *
 * "Accepted" is a SYN/ACK to any frame of it.  "Refused" needs more than
 * silence: a fresh group was accepted just before and just after, or a
 * reset came, or the recording shows that the way was open.  Everything
 * else is "inconclusive", with the reason.
 */
#ifndef TAP_ASSAULT_H
#define TAP_ASSAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attack.h"
#include "odds.h"
#include "recording.h"
#include "salvo.h"

#define ASSAULT_REASON_MAX 192u
#define ASSAULT_WHY_MAX SALVO_WHY_MAX

enum assault_verdict {
	ASSAULT_REFUSED,
	ASSAULT_ACCEPTED,
	ASSAULT_INCONCLUSIVE,
};

struct assault_result {
	enum attack_kind kind;
	enum assault_verdict verdict;
	char reason[ASSAULT_REASON_MAX];
	const char *hole;  /* where it was accepted */
	unsigned groups;   /* that were sent */
	unsigned accepted; /* of them */
	unsigned resets;   /* of them, to their SYN0 */
};

struct assault_report {
	struct assault_result results[ATTACKS];
	size_t count;
	unsigned trials, trials_accepted; /* of fresh groups */
	bool has_odds;
	struct odds odds;
	unsigned lost; /* packets that came too fast to be seen */
};

struct assault_options {
	struct salvo_target target;
	struct salvo_target also; /* another server; family 0: none */
	uint16_t port;
	uint16_t other_port;		   /* or 0 */
	const struct acl_key *key;	   /* or NULL */
	const struct recording *recording; /* or NULL */
	uint32_t tolerance;		   /* seconds */
	const char *hook;		   /* a command, or NULL */
	bool patient;
	unsigned times, fill, guess_rate, guess_seconds, rate;
	uint32_t mark; /* of netfilter, on what is sent */
	bool wanted[ATTACKS];
	void (*progress)(void *context, enum attack_kind kind, size_t at,
			 size_t count);
	void *context;
};

/* 0, or -errno with the reason in why (ASSAULT_WHY_MAX). */
int assault_run(const struct assault_options *options,
		struct assault_report *report, char *why);

#endif
