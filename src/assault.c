#include "assault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrage.h"
#include "clock.h"
#include "siege.h"
#include "vigil.h"

static const char *const no_need[] = {
	"this host has no other address for it: --from",
	"no other port is named: --other-port",
	"no other server is named: --also",
	"no command is named: --hook",
	"it takes its time: --patient",
	"there is no second group",
};

/* Why an attack can't be made at all, or NULL. */
static const char *
obstacle(const struct siege *s, enum attack_kind kind)
{
	const struct assault_options *o = s->options;
	unsigned has =
		(o->target.other.family ? ATTACK_NEEDS_ADDRESS : 0) |
		(o->other_port ? ATTACK_NEEDS_SERVICE : 0) |
		(o->also.addr.family ? ATTACK_NEEDS_SERVER : 0) |
		(o->hook ? ATTACK_NEEDS_HOOK : 0) |
		(o->patient ? ATTACK_NEEDS_PATIENCE : 0) |
		(o->key || (o->recording && recording_count(o->recording) > 1)
			 ? ATTACK_NEEDS_SECOND : 0);
	unsigned missing = attacks[kind].needs & ~has;

	if (s->is_open && kind != ATTACK_PLAIN) {
		return "the port answers everybody: it is open, or leads to a "
		       "decoy";
	}
	if (attacks[kind].base == ATTACK_OF_FRESH && !o->key) {
		return "it needs a fresh group: -k";
	}
	for (unsigned i = 0; i < sizeof no_need / sizeof no_need[0]; i++) {
		if (missing & 1u << i) {
			return no_need[i];
		}
	}
	return NULL;
}

/* Another port, or server, that lets in nothing refuses nothing. */
static void
run_elsewhere(struct siege *s, enum attack_kind kind,
	      struct assault_result *result)
{
	struct salvo_aim aim = siege_aim(s, kind);
	struct sender_group group;

	barrage_run(s, kind, result);
	if (result->verdict != ASSAULT_REFUSED || !s->trial.key) {
		return;
	}
	salvo_forget(&s->salvo);
	if (trial_run(&s->trial, &aim, SIEGE_RETRY_MS, &group) ==
	    TRIAL_FAILED) {
		siege_inconclusive(result, "a fresh group for it does not get "
					   "in there, either");
	}
}

/* Whether fragments are put together there, or go nowhere at all. */
static void
run_fragments(struct siege *s, struct assault_result *result)
{
	struct sender_group group = { 0 };
	struct attack_shot shot;
	unsigned answers;
	size_t len;

	barrage_run(s, ATTACK_FRAGMENTS, result);
	if (result->verdict != ASSAULT_REFUSED || !s->trial.key) {
		return;
	}
	s->trial.error = trial_sign(&s->trial, s->options->port,
				    clock_instant(), &group);
	attack_send(&group, &shot);
	shot.words = 2;
	shot.split = 24;
	salvo_forget(&s->salvo);
	if (s->trial.error == 0) {
		s->trial.error = salvo_send(&s->salvo, &s->trial.aim, &shot,
					    SIEGE_SHOT);
	}
	trial_wait(&s->trial, SIEGE_QUIET_MS);
	answers = salvo_answers(&s->salvo, SIEGE_SHOT, true);
	len = strlen(result->reason);
	snprintf(result->reason + len, sizeof result->reason - len,
		 answers & SALVO_SYN_ACK ?
			 "; a fresh group in fragments gets in" :
			 "; nor to a fresh group in fragments");
}

/* Whether anybody gets in shows, and decides how the others are read. */
static void
run_plain(struct siege *s, struct assault_result *result)
{
	barrage_run(s, ATTACK_PLAIN, result);
	s->is_open = result->verdict == ASSAULT_ACCEPTED;
}

static void
run_one(struct siege *s, enum attack_kind kind, struct assault_result *result)
{
	switch (kind) {
	case ATTACK_PLAIN:
		run_plain(s, result);
		break;
	case ATTACK_OTHER_SERVICE:
	case ATTACK_OTHER_SERVER:
		run_elsewhere(s, kind, result);
		break;
	case ATTACK_FRAGMENTS:
		run_fragments(s, result);
		break;
	case ATTACK_DISPLACED:
		vigil_displace(s, result);
		break;
	case ATTACK_DELAY_HALF:
	case ATTACK_DELAY_EDGE:
	case ATTACK_DELAY_PAST:
	case ATTACK_DELAY_AHEAD:
		vigil_delay(s, kind, result);
		break;
	case ATTACK_RESTART:
		vigil_restart(s, result);
		break;
	case ATTACK_GUESS:
		vigil_guess(s, result);
		break;
	default:
		barrage_run(s, kind, result);
		break;
	}
}

/* What is let in for want of any memory is no hole of its own. */
static void
name_hole(struct siege *s, struct assault_result *result)
{
	const struct attack *attack = &attacks[result->kind];

	if (result->verdict != ASSAULT_ACCEPTED) {
		return;
	}
	s->forgets |= result->kind == ATTACK_AGAIN;
	result->hole = s->forgets && attack->is_memory ?
			       attacks[ATTACK_AGAIN].hole :
			       attack->hole;
}

/* A frame that the group has not can't be altered. */
static bool
is_wanted(const struct siege *s, enum attack_kind kind)
{
	return s->options->wanted[kind] &&
	       attack_variants(kind, siege_frames(s, kind)) > 0;
}

static void
run_all(struct siege *s)
{
	const struct assault_options *o = s->options;
	size_t count = 0;

	for (unsigned kind = 0; kind < ATTACKS; kind++) {
		count += is_wanted(s, (enum attack_kind)kind);
	}
	for (unsigned kind = 0; kind < ATTACKS && s->trial.error == 0;
	     kind++) {
		struct assault_result *result =
			&s->report->results[s->report->count];
		const char *why = obstacle(s, (enum attack_kind)kind);

		if (!is_wanted(s, (enum attack_kind)kind)) {
			continue;
		}
		result->kind = (enum attack_kind)kind;
		o->progress(o->context, result->kind, s->report->count, count);
		if (why) {
			siege_inconclusive(result, why);
		} else {
			run_one(s, result->kind, result);
			name_hole(s, result);
		}
		s->report->count++;
	}
}

int
assault_run(const struct assault_options *options,
	    struct assault_report *report, char *why)
{
	struct siege *s = calloc(1, sizeof *s);
	int rc = -ENOMEM;

	memset(report, 0, sizeof *report);
	snprintf(why, ASSAULT_WHY_MAX, "out of memory");
	if (!s) {
		return rc;
	}
	s->options = options;
	s->report = report;
	rc = siege_begin(s, why);
	if (rc == 0) {
		run_all(s);
		rc = s->trial.error;
		if (rc < 0) {
			snprintf(why, ASSAULT_WHY_MAX, "%s", strerror(-rc));
		}
		siege_end(s);
	}
	free(s);
	return rc;
}
