#include "vigil.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "barrage.h"
#include "clock.h"
#include "hook.h"

/* Fresh groups sent before a look at what came back. */
#define CHUNK 32u
/* A server that is started anew is waited for so long. */
#define RESTART_MS 60000u
/* Without a key, nothing tells when it is there. */
#define RESTART_BLIND_MS 5000u
/* Of the groups sent while guessing, one in so many is a fresh one. */
#define FRESH_IN 10u
#define GUESS_CHUNK 200u
/* The numbers of the shots then. */
#define GUESS_SHOT SIEGE_SHOT
#define FRESH_SHOT (SIEGE_SHOT + 1u)
#define LATE_MS 100u

/* The fresh groups of a chunk, and how many of them got in. */
static unsigned
fill(struct siege *s, unsigned count)
{
	struct siege_tally tally = { 0 };
	unsigned accepted = 0;

	salvo_forget(&s->salvo);
	for (unsigned i = 0; i < count && s->trial.error == 0; i++) {
		struct sender_group group = { 0 };
		struct attack_shot shot;
		int rc = trial_sign(&s->trial, s->options->port,
				    clock_instant(), &group);

		if (rc == 0) {
			attack_send(&group, &shot);
			rc = salvo_send(&s->salvo, &s->trial.aim, &shot,
					SIEGE_SHOT + i);
		}
		s->trial.error = rc;
	}
	siege_settle(s, &tally);
	for (unsigned i = 0; i < count; i++) {
		accepted += salvo_accepted(&s->salvo, SIEGE_SHOT + i) > 0;
	}
	return accepted;
}

void
vigil_displace(struct siege *s, struct assault_result *result)
{
	struct sender_group first = s->latest;
	unsigned wanted = s->options->fill;
	unsigned accepted = 0;

	if (!s->trial.key) {
		siege_inconclusive(result, "it needs fresh groups: -k");
		return;
	}
	for (unsigned sent = 0; sent < wanted && s->trial.error == 0;
	     sent += CHUNK) {
		unsigned left = wanted - sent;

		accepted += fill(s, left < CHUNK ? left : CHUNK);
	}
	siege_hold(s, &first);
	barrage_run(s, ATTACK_DISPLACED, result);
	siege_release(s);
	if (result->verdict == ASSAULT_REFUSED) {
		size_t len = strlen(result->reason);

		snprintf(result->reason + len, sizeof result->reason - len,
			 ", after %u others", accepted);
	}
}

/* ---- groups that grow old */

static uint64_t
seconds(uint64_t count)
{
	return count * FRAME_SECOND;
}

static void
begin_aging(struct siege *s)
{
	uint64_t tolerance = s->options->tolerance;
	uint64_t now = clock_instant();

	s->has_aged = true;
	s->aged = s->latest;
	s->aged_instant = frame_instant(s->aged.seq[FRAME_SYN1],
					s->aged.seq[FRAME_SYN2], now);
	s->ahead_instant = now + seconds(tolerance > 2 ? tolerance - 2 : 0);
	if (!s->trial.key) {
		return;
	}
	s->trial.error = trial_sign(&s->trial, s->options->port,
				    s->ahead_instant, &s->ahead);
	if (s->trial.error == 0) {
		salvo_forget(&s->salvo);
		s->has_ahead = trial_gets_in(&s->trial, &s->trial.aim,
					     &s->ahead, SIEGE_RETRY_MS);
	}
}

/* When its group is to be sent again. */
static uint64_t
due_of(const struct siege *s, enum attack_kind kind)
{
	uint64_t tolerance = s->options->tolerance;

	switch (kind) {
	case ATTACK_DELAY_HALF:
		return s->aged_instant + seconds(tolerance) / 2;
	case ATTACK_DELAY_EDGE:
		return s->aged_instant + seconds(tolerance - 1);
	case ATTACK_DELAY_PAST:
		return s->aged_instant + seconds(tolerance + 1);
	default:
		return s->ahead_instant + seconds(tolerance - 1);
	}
}

void
vigil_delay(struct siege *s, enum attack_kind kind,
	    struct assault_result *result)
{
	uint64_t now, due;

	if (!s->has_aged) {
		begin_aging(s);
	}
	due = due_of(s, kind);
	if (kind == ATTACK_DELAY_AHEAD && !s->has_ahead) {
		siege_inconclusive(result, s->trial.key ?
				   "a group of a fast clock does not get in: is "
				   "the tolerance less?" :
				   "it needs a fresh group: -k");
		return;
	}
	now = clock_instant();
	if (now > due + FRAME_SECOND && kind != ATTACK_DELAY_PAST) {
		siege_inconclusive(result, "the group is older than that");
		return;
	}
	while (now < due && s->trial.error == 0) {
		uint64_t ms = (due - now) * 1000 / FRAME_SECOND + 1;

		s->options->progress(s->options->context, kind, 0, 0);
		trial_wait(&s->trial, ms < 500 ? (unsigned)ms : 500);
		now = clock_instant();
	}
	siege_hold(s, kind == ATTACK_DELAY_AHEAD ? &s->ahead : &s->aged);
	barrage_run(s, kind, result);
	siege_release(s);
}

/* ---- a restart */

/* Until the server is there again. */
static bool
comes_back(struct siege *s)
{
	struct sender_group group = { 0 };

	salvo_forget(&s->salvo);
	if (!s->trial.key) {
		trial_wait(&s->trial, RESTART_BLIND_MS);
		return true;
	}
	return trial_run(&s->trial, &s->trial.aim, RESTART_MS, &group) !=
	       TRIAL_FAILED;
}

void
vigil_restart(struct siege *s, struct assault_result *result)
{
	struct assault_result plain = { .kind = ATTACK_PLAIN };
	struct sender_group before = s->latest;
	int status = hook_run(s->options->hook);

	if (status != 0) {
		siege_inconclusive(result, "");
		snprintf(result->reason, sizeof result->reason,
			 status > 0 ? "the hook ended with status %d" :
				      "the hook can't be run (error %d)",
			 abs(status));
		return;
	}
	if (!comes_back(s)) {
		siege_inconclusive(result, "no fresh group gets in after the "
					   "hook");
		return;
	}
	barrage_run(s, ATTACK_PLAIN, &plain);
	if (plain.verdict == ASSAULT_ACCEPTED) {
		siege_inconclusive(result, "after the hook, the port answers "
					   "everybody");
		return;
	}
	siege_hold(s, &before);
	barrage_run(s, ATTACK_RESTART, result);
	siege_release(s);
}

/* ---- guessing */

/* Its counts, so far. */
struct guessing {
	unsigned sent, fresh;
	unsigned accepted, fresh_accepted;
	bool is_reset;
	uint64_t begin_ms;
};

static void
count_guesses(struct siege *s, struct guessing *g)
{
	trial_wait(&s->trial, LATE_MS);
	g->accepted += salvo_accepted(&s->salvo, GUESS_SHOT);
	g->is_reset |= salvo_answers(&s->salvo, GUESS_SHOT, true) &
		       SALVO_RESET;
	g->fresh_accepted += salvo_accepted(&s->salvo, FRESH_SHOT);
	salvo_forget(&s->salvo);
}

static int
guess_once(struct siege *s, bool fresh)
{
	struct salvo_aim aim = siege_aim(s, ATTACK_GUESS);
	struct sender_group group = s->latest;
	struct attack_scene scene = { .group = &group };
	uint32_t bits[1 + FRAME_EXTRA_MAX];
	struct attack_shot shot;
	int rc = s->trial.key ? trial_sign(&s->trial, s->options->port,
					   clock_instant(), &group) : 0;

	if (rc == 0) {
		rc = trial_scene(&s->trial, &scene);
	}
	if (rc == 0 && getrandom(bits, sizeof bits, 0) != sizeof bits) {
		rc = -EIO;
	}
	if (rc < 0) {
		return rc;
	}
	if (fresh) {
		attack_send(&group, &shot);
	} else {
		attack_guess(&scene, bits, &shot);
	}
	shot.syn0_alone = true;
	return salvo_send(&s->salvo, &aim, &shot,
			  fresh ? FRESH_SHOT : GUESS_SHOT);
}

/* At the rate asked for; what can't be sent in time is sent late. */
static void
guess_all(struct siege *s, struct guessing *g)
{
	const struct assault_options *o = s->options;
	unsigned count = o->guess_rate * o->guess_seconds;

	for (unsigned i = 0; i < count && s->trial.error == 0; i++) {
		uint64_t due = g->begin_ms +
			       (uint64_t)i * 1000 / o->guess_rate;
		uint64_t now = clock_ms();
		bool fresh = s->trial.key && i % FRESH_IN == FRESH_IN - 1;

		if (now < due) {
			trial_wait(&s->trial, (unsigned)(due - now));
		}
		s->trial.error = guess_once(s, fresh);
		g->fresh += fresh;
		g->sent += !fresh;
		if (i % GUESS_CHUNK == GUESS_CHUNK - 1) {
			o->progress(o->context, ATTACK_GUESS, 0, 0);
			count_guesses(s, g);
		}
	}
	count_guesses(s, g);
}

static void
report_odds(struct siege *s, const struct guessing *g)
{
	unsigned extra = (unsigned)siege_frames(s, ATTACK_GUESS) - FRAME_BASE;
	double passed = (double)(clock_ms() - g->begin_ms) / 1000;

	s->report->has_odds = true;
	odds_compute(&s->report->odds, frame_auth_bits(extra), g->sent,
		     passed, g->fresh, g->fresh_accepted);
}

void
vigil_guess(struct siege *s, struct assault_result *result)
{
	struct guessing g = { .begin_ms = clock_ms() };
	struct siege_tally tally = { .outcome = TRIAL_CLEAN };

	salvo_forget(&s->salvo);
	guess_all(s, &g);
	report_odds(s, &g);
	siege_settle(s, &tally);
	tally.sent = g.sent;
	tally.shots = 1;
	tally.resets = g.is_reset;
	tally.accepted = g.accepted;
	/* A server that limits guesses lets nothing in for a while. */
	tally.unsure = tally.outcome == TRIAL_FAILED;
	siege_judge(s, ATTACK_GUESS, &tally, result);
	if (result->verdict == ASSAULT_REFUSED) {
		snprintf(result->reason, sizeof result->reason,
			 "none of %u fits", g.sent);
	}
}
