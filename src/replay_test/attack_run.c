#include "replay_test/attack_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "replay_test/batch.h"
#include "os/clock.h"
#include "replay_test/session.h"
#include "replay_test/timed.h"

static const char *const no_need[] = {
	"this host has no other address for it: --from",
	"no other port is named: --other-port",
	"no other server is named: --also",
	"no command is named: --hook",
	"it takes long: --patient",
	"there is no second group",
};

/* Why an attack can't be tried, or NULL. */
static const char *
obstacle(const struct attack_ground *s, enum attack_kind kind)
{
	const struct attack_run_options *o = s->options;
	unsigned has = (o->target.other.family ? ATTACK_NEEDS_ADDRESS : 0) |
		(o->other_port ? ATTACK_NEEDS_SERVICE : 0) |
		(o->also.addr.family ? ATTACK_NEEDS_SERVER : 0) |
		(o->hook ? ATTACK_NEEDS_HOOK : 0) |
		(o->patient ? ATTACK_NEEDS_PATIENCE : 0) |
		(o->key || (o->recording && recording_count(o->recording) > 1)
			 ? ATTACK_NEEDS_SECOND
			 : 0);
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

/*
 * Silence of the other port or server means a refusal only if it lets fresh
 * groups in. That is tested first; it may also be slower than the first one.
 */
static void
run_elsewhere(struct attack_ground *s, enum attack_kind kind,
	      struct attack_run_result *result)
{
	struct attack_wire_aim aim = attack_ground_aim(s, kind);
	struct sender_group group = { 0 };

	if (!s->fresh.key) {
		attack_batch(s, kind, result);
		return;
	}
	aim.model = &s->made;
	attack_wire_forget(&s->wire);
	s->lets_in_elsewhere =
		attack_fresh_run(&s->fresh, &aim, ATTACK_GROUND_RETRY_MS,
				 &group) != ATTACK_FRESH_FAILED;
	attack_batch(s, kind, result);
	if (result->verdict == ATTACK_RUN_REFUSED && !s->lets_in_elsewhere) {
		attack_ground_inconclusive(
			result, "a fresh group does not get in there, either");
	}
	s->lets_in_elsewhere = false;
}

/* Whether fragments are put together there, or go nowhere at all. */
static void
run_fragments(struct attack_ground *s, struct attack_run_result *result)
{
	struct sender_group group = { 0 };
	struct attack_shot shot;
	unsigned answers;
	size_t len;

	attack_batch(s, ATTACK_FRAGMENTS, result);
	if (result->verdict != ATTACK_RUN_REFUSED || !s->fresh.key) {
		return;
	}
	s->fresh.error = attack_fresh_sign(&s->fresh, s->options->port,
					   clock_instant(), &group);
	attack_send(&group, &shot);
	shot.words = 2;
	shot.split = 24;
	attack_wire_forget(&s->wire);
	if (s->fresh.error == 0) {
		s->fresh.error = attack_wire_send(&s->wire, &s->fresh.aim,
						  &shot, ATTACK_GROUND_SHOT);
	}
	attack_fresh_wait(&s->fresh, ATTACK_GROUND_QUIET_MS);
	answers = attack_wire_answers(&s->wire, ATTACK_GROUND_SHOT, true);
	len = strlen(result->reason);
	snprintf(result->reason + len, sizeof result->reason - len,
		 answers & ATTACK_WIRE_SYN_ACK
			 ? "; a fresh group in fragments gets in"
			 : "; nor to a fresh group in fragments");
}

/* A plain SYN that is answered shows that the port is not hidden. */
static void
run_plain(struct attack_ground *s, struct attack_run_result *result)
{
	attack_batch(s, ATTACK_PLAIN, result);
	s->is_open = result->verdict == ATTACK_RUN_ACCEPTED;
}

static void
run_one(struct attack_ground *s, enum attack_kind kind,
	struct attack_run_result *result)
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
		attack_slow_displace(s, result);
		break;
	case ATTACK_DELAY_HALF:
	case ATTACK_DELAY_EDGE:
	case ATTACK_DELAY_PAST:
	case ATTACK_DELAY_AHEAD:
		attack_slow_delay(s, kind, result);
		break;
	case ATTACK_RESTART:
		attack_slow_restart(s, result);
		break;
	case ATTACK_GUESS:
		attack_slow_guess(s, result);
		break;
	default:
		attack_batch(s, kind, result);
		break;
	}
}

/* Without any memory of groups, that is the one hole, not each of these. */
static void
name_hole(struct attack_ground *s, struct attack_run_result *result)
{
	const struct attack *attack = &attacks[result->kind];

	if (result->verdict != ATTACK_RUN_ACCEPTED) {
		return;
	}
	s->forgets |= result->kind == ATTACK_AGAIN;
	result->hole = s->forgets && attack->is_memory
		? attacks[ATTACK_AGAIN].hole
		: attack->hole;
}

/* Leave out attacks on a frame that the group does not have. */
static bool
is_wanted(const struct attack_ground *s, enum attack_kind kind)
{
	return s->options->wanted[kind] &&
		attack_variants(kind, attack_ground_frames(s, kind)) > 0;
}

static void
run_all(struct attack_ground *s)
{
	const struct attack_run_options *o = s->options;
	size_t count = 0;

	for (unsigned kind = 0; kind < ATTACKS; kind++) {
		count += is_wanted(s, (enum attack_kind)kind);
	}
	for (unsigned kind = 0; kind < ATTACKS && s->fresh.error == 0; kind++) {
		struct attack_run_result *result =
			&s->report->results[s->report->count];
		const char *why = obstacle(s, (enum attack_kind)kind);

		if (!is_wanted(s, (enum attack_kind)kind)) {
			continue;
		}
		result->kind = (enum attack_kind)kind;
		o->progress(o->context, result->kind, s->report->count, count);
		if (why) {
			attack_ground_inconclusive(result, why);
		} else {
			run_one(s, result->kind, result);
			name_hole(s, result);
		}
		s->report->count++;
	}
}

int
attack_run(const struct attack_run_options *options,
	   struct attack_run_report *report, char *why)
{
	struct attack_ground *s = calloc(1, sizeof *s);
	int rc = -ENOMEM;

	memset(report, 0, sizeof *report);
	why_set(why, -1, "out of memory");
	if (!s) {
		return rc;
	}
	s->options = options;
	s->report = report;
	rc = attack_ground_begin(s, why);
	if (rc == 0) {
		run_all(s);
		rc = s->fresh.error;
		if (rc < 0) {
			why_set(why, -1, "%s", strerror(-rc));
		}
		attack_ground_end(s);
	}
	free(s);
	return rc;
}
