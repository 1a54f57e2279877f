#include "replay_test/timed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "replay_test/batch.h"
#include "os/clock.h"
#include "replay_test/hook.h"

/* Fresh groups sent before a look at what came back. */
#define CHUNK 32u
/* How long to wait for a restarted server. */
#define RESTART_MS 60000u
/* How long to wait without a key, when nothing shows that it is back. */
#define RESTART_BLIND_MS 5000u
/* While guessing, one group in so many is a fresh one. */
#define FRESH_IN 10u
#define GUESS_CHUNK 200u
/* Shot numbers while guessing. */
#define GUESS_SHOT ATTACK_GROUND_SHOT
#define FRESH_SHOT (ATTACK_GROUND_SHOT + 1u)
#define LATE_MS 100u

/* The fresh groups of a chunk, and how many of them got in. */
static unsigned
fill(struct attack_ground *s, unsigned count)
{
	struct attack_ground_tally tally = { 0 };
	unsigned accepted = 0;

	attack_wire_forget(&s->wire);
	for (unsigned i = 0; i < count && s->fresh.error == 0; i++) {
		struct sender_group group = { 0 };
		struct attack_shot shot;
		int rc = attack_fresh_sign(&s->fresh, s->options->port,
					   clock_instant(), &group);

		if (rc == 0) {
			attack_send(&group, &shot);
			rc = attack_wire_send(&s->wire, &s->fresh.aim, &shot,
					      ATTACK_GROUND_SHOT + i);
		}
		s->fresh.error = rc;
	}
	attack_ground_settle(s, ATTACK_DISPLACED, &tally);
	for (unsigned i = 0; i < count; i++) {
		accepted += attack_wire_accepted(&s->wire,
						 ATTACK_GROUND_SHOT + i) > 0;
	}
	return accepted;
}

void
attack_slow_displace(struct attack_ground *s, struct attack_run_result *result)
{
	struct sender_group first = s->latest;
	unsigned wanted = s->options->fill;
	unsigned accepted = 0;

	if (!s->fresh.key) {
		attack_ground_inconclusive(result, "it needs fresh groups: -k");
		return;
	}
	for (unsigned sent = 0; sent < wanted && s->fresh.error == 0;
	     sent += CHUNK) {
		unsigned left = wanted - sent;

		accepted += fill(s, left < CHUNK ? left : CHUNK);
	}
	attack_ground_hold(s, &first);
	attack_batch(s, ATTACK_DISPLACED, result);
	attack_ground_release(s);
	if (result->verdict == ATTACK_RUN_REFUSED) {
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
begin_aging(struct attack_ground *s)
{
	uint64_t tolerance = s->options->tolerance;
	uint64_t now = clock_instant();

	s->has_aged = true;
	s->aged = s->latest;
	s->aged_instant = frame_instant(s->aged.seq[FRAME_SYN1],
					s->aged.seq[FRAME_SYN2], now);
	s->ahead_instant = now + seconds(tolerance > 2 ? tolerance - 2 : 0);
	if (!s->fresh.key) {
		return;
	}
	s->fresh.error = attack_fresh_sign(&s->fresh, s->options->port,
					   s->ahead_instant, &s->ahead);
	if (s->fresh.error == 0) {
		attack_wire_forget(&s->wire);
		s->has_ahead =
			attack_fresh_gets_in(&s->fresh, &s->fresh.aim,
					     &s->ahead, ATTACK_GROUND_RETRY_MS);
	}
}

/* When its group is to be sent again. */
static uint64_t
due_of(const struct attack_ground *s, enum attack_kind kind)
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
attack_slow_delay(struct attack_ground *s, enum attack_kind kind,
		  struct attack_run_result *result)
{
	uint64_t now, due;

	if (!s->has_aged) {
		begin_aging(s);
	}
	due = due_of(s, kind);
	if (kind == ATTACK_DELAY_AHEAD && !s->has_ahead) {
		attack_ground_inconclusive(
			result,
			s->fresh.key
				? "a group of a fast clock does not get in: is "
				  "the tolerance less?"
				: "it needs a fresh group: -k");
		return;
	}
	now = clock_instant();
	if (now > due + FRAME_SECOND && kind != ATTACK_DELAY_PAST) {
		attack_ground_inconclusive(result,
					   "the group is older than that");
		return;
	}
	while (now < due && s->fresh.error == 0) {
		uint64_t ms = (due - now) * 1000 / FRAME_SECOND + 1;

		s->options->progress(s->options->context, kind, 0, 0);
		attack_fresh_wait(&s->fresh, ms < 500 ? (unsigned)ms : 500);
		now = clock_instant();
	}
	attack_ground_hold(s,
			   kind == ATTACK_DELAY_AHEAD ? &s->ahead : &s->aged);
	attack_batch(s, kind, result);
	attack_ground_release(s);
}

/* ---- a restart */

/* Wait until the server is back. */
static bool
comes_back(struct attack_ground *s)
{
	struct sender_group group = { 0 };

	attack_wire_forget(&s->wire);
	if (!s->fresh.key) {
		attack_fresh_wait(&s->fresh, RESTART_BLIND_MS);
		return true;
	}
	return attack_fresh_run(&s->fresh, &s->fresh.aim, RESTART_MS, &group) !=
		ATTACK_FRESH_FAILED;
}

void
attack_slow_restart(struct attack_ground *s, struct attack_run_result *result)
{
	struct attack_run_result plain = { .kind = ATTACK_PLAIN };
	struct sender_group before = s->latest;
	int status = hook_run(s->options->hook);

	if (status != 0) {
		attack_ground_inconclusive(result, "");
		snprintf(result->reason, sizeof result->reason,
			 status > 0 ? "the hook ended with status %d"
				    : "the hook can't be run (error %d)",
			 abs(status));
		return;
	}
	if (!comes_back(s)) {
		attack_ground_inconclusive(result,
					   "no fresh group gets in after the "
					   "hook");
		return;
	}
	attack_batch(s, ATTACK_PLAIN, &plain);
	if (plain.verdict == ATTACK_RUN_ACCEPTED) {
		attack_ground_inconclusive(result,
					   "after the hook, the port answers "
					   "everybody");
		return;
	}
	attack_ground_hold(s, &before);
	attack_batch(s, ATTACK_RESTART, result);
	attack_ground_release(s);
}

/* ---- guessing */

/* Its counts, so far. */
struct guessing {
	unsigned sent, fresh;
	unsigned fresh_counted; /* fresh, whose answers were waited for */
	unsigned accepted, fresh_accepted;
	bool is_reset;
	uint64_t begin_ms;
};

static void
count_guesses(struct attack_ground *s, struct guessing *g)
{
	const unsigned expected = g->fresh - g->fresh_counted;
	unsigned waited = 0;

	/* On a busy machine a fresh group takes longer. */
	do {
		attack_fresh_wait(&s->fresh, LATE_MS);
		waited += LATE_MS;
	} while (waited < ATTACK_GROUND_QUIET_MS &&
		 attack_wire_accepted(&s->wire, FRESH_SHOT) < expected);
	g->fresh_counted = g->fresh;
	g->accepted += attack_wire_accepted(&s->wire, GUESS_SHOT);
	g->is_reset |= attack_wire_answers(&s->wire, GUESS_SHOT, true) &
		ATTACK_WIRE_RESET;
	g->fresh_accepted += attack_wire_accepted(&s->wire, FRESH_SHOT);
	attack_wire_forget(&s->wire);
}

static int
guess_once(struct attack_ground *s, bool fresh)
{
	struct attack_wire_aim aim = attack_ground_aim(s, ATTACK_GUESS);
	struct sender_group group = s->latest;
	struct attack_scene scene = { .group = &group };
	uint32_t bits[1 + FRAME_EXTRA_MAX];
	struct attack_shot shot;
	int rc = s->fresh.key ? attack_fresh_sign(&s->fresh, s->options->port,
						  clock_instant(), &group)
			      : 0;

	if (rc == 0) {
		rc = attack_fresh_scene(&s->fresh, &scene);
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
	return attack_wire_send(&s->wire, &aim, &shot,
				fresh ? FRESH_SHOT : GUESS_SHOT);
}

/* Send at the wanted rate; what can't be sent in time is sent late. */
static void
guess_all(struct attack_ground *s, struct guessing *g)
{
	const struct attack_run_options *o = s->options;
	unsigned count = o->guess_rate * o->guess_seconds;

	for (unsigned i = 0; i < count && s->fresh.error == 0; i++) {
		uint64_t due = g->begin_ms + (uint64_t)i * 1000 / o->guess_rate;
		uint64_t now = clock_ms();
		bool fresh = s->fresh.key && i % FRESH_IN == FRESH_IN - 1;

		if (now < due) {
			attack_fresh_wait(&s->fresh, (unsigned)(due - now));
		}
		s->fresh.error = guess_once(s, fresh);
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
report_odds(struct attack_ground *s, const struct guessing *g)
{
	unsigned extra =
		(unsigned)attack_ground_frames(s, ATTACK_GUESS) - FRAME_BASE;
	double passed = (double)(clock_ms() - g->begin_ms) / 1000;

	s->report->has_odds = true;
	odds_compute(&s->report->odds, frame_auth_bits(extra), g->sent, passed,
		     g->fresh, g->fresh_accepted);
}

void
attack_slow_guess(struct attack_ground *s, struct attack_run_result *result)
{
	struct guessing g = { .begin_ms = clock_ms() };
	struct attack_ground_tally tally = { .outcome = ATTACK_FRESH_CLEAN };

	attack_wire_forget(&s->wire);
	guess_all(s, &g);
	report_odds(s, &g);
	attack_ground_settle(s, ATTACK_GUESS, &tally);
	tally.sent = g.sent;
	tally.shots = 1;
	tally.resets = g.is_reset;
	tally.accepted = g.accepted;
	/* After too many guesses, a server lets nothing in for a while. */
	tally.unsure = tally.outcome == ATTACK_FRESH_FAILED;
	attack_ground_judge(s, ATTACK_GUESS, &tally, result);
	if (result->verdict == ATTACK_RUN_REFUSED) {
		snprintf(result->reason, sizeof result->reason,
			 "none of %u fits", g.sent);
	}
}
