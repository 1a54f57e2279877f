#include "replay_test/batch.h"

#include <errno.h>

#include "os/clock.h"

/*
 * Every server allows an address so many wrong guesses at 30-bit keys at
 * once, and then one a second (guess_limit.h).  With more, it would refuse
 * all there is from here, and nothing would be learnt.
 */
#define GUESSES_AT_ONCE 16u
/* Guesses kept in reserve for the fresh group afterwards, and for surprises. */
#define GUESSES_SPARE 4u
#define GUESS_MS 1000u
#define GUESSES_BATCH 8u
#define BATCH 64u

/* ---- guesses are spent with care */

static bool
counts_guesses(const struct attack_ground *s)
{
	return s->fresh.key ? attack_fresh_is_short(&s->fresh)
			    : s->base.count == FRAME_BASE;
}

/* Wait until the server has this many left for us, as far as is known. */
static void
save_guesses(struct attack_ground *s, unsigned wanted)
{
	if (counts_guesses(s)) {
		uint64_t now = clock_ms();
		uint64_t full =
			now + (GUESSES_AT_ONCE - GUESSES_SPARE) * GUESS_MS;
		uint64_t spent = wanted * GUESS_MS;

		/* guesses_ms: when all of them would be there again. */
		if (s->guesses_ms < now) {
			s->guesses_ms = now;
		}
		if (s->guesses_ms + spent > full) {
			attack_fresh_wait(
				&s->fresh,
				(unsigned)(s->guesses_ms + spent - full));
		}
		s->guesses_ms += spent;
	}
}

/* ---- one attack, in all its forms */

static void
sign(struct attack_ground *s, uint64_t ago, struct sender_group *group)
{
	if (s->fresh.error == 0) {
		s->fresh.error =
			attack_fresh_sign(&s->fresh, s->options->port,
					  clock_instant() - ago, group);
	}
}

static bool
make_shot(struct attack_ground *s, enum attack_kind kind, unsigned variant,
	  struct attack_shot *shot)
{
	struct sender_group group = s->base, second;
	struct attack_scene scene = {
		.group = &group,
		.port = s->options->port,
		.tolerance = s->options->tolerance,
	};

	if (attack_ground_uses_fresh(s, kind)) {
		sign(s, 0, &group);
		sign(s, ATTACK_GROUND_APART, &second);
		scene.second = &second;
	} else if (s->has_second) {
		scene.second = &s->second;
	}
	if (s->fresh.error == 0) {
		s->fresh.error = attack_fresh_scene(&s->fresh, &scene);
	}
	return s->fresh.error == 0 && attack_make(kind, variant, &scene, shot);
}

/* Variants from first up to end, sent; their number. */
static unsigned
send_batch(struct attack_ground *s, enum attack_kind kind, unsigned first,
	   unsigned end)
{
	struct attack_wire_aim aim = attack_ground_aim(s, kind);
	unsigned sent = 0;

	for (unsigned v = first; v < end && s->fresh.error == 0; v++) {
		unsigned copies =
			kind == ATTACK_THOUSAND ? s->options->times : 1;
		struct attack_shot shot;

		if (!make_shot(s, kind, v, &shot)) {
			continue;
		}
		for (; copies > 0 && s->fresh.error == 0; copies--) {
			int rc = attack_wire_send(&s->wire, &aim, &shot,
						  ATTACK_GROUND_SHOT + v -
							  first);

			/* Not every group can be sent in fragments. */
			if (rc == -EMSGSIZE) {
				break;
			}
			s->fresh.error = rc;
			sent++;
		}
	}
	return sent;
}

static unsigned
guesses_in(const struct attack_ground *s, enum attack_kind kind, unsigned first,
	   unsigned end)
{
	unsigned guesses = 0;

	for (unsigned v = first; v < end; v++) {
		guesses += attack_guesses(kind, v, s->options->tolerance);
	}
	return guesses;
}

/*
 * Send a batch, and again where it is not sure that it arrived, or what came
 * of it: three times at the most.
 */
static void
try_batch(struct attack_ground *s, enum attack_kind kind, unsigned first,
	  unsigned end, struct attack_ground_tally *tally)
{
	const unsigned acks = tally->acks;

	for (unsigned tries = 0; tries < 3 && s->fresh.error == 0; tries++) {
		unsigned sent;

		/* The connection just recorded may be about to end. */
		if (tally->acks > acks) {
			tally->acks = acks;
			attack_fresh_wait(&s->fresh, ATTACK_GROUND_QUIET_MS);
		}
		attack_ground_take_base(s);
		save_guesses(s, guesses_in(s, kind, first, end));
		attack_wire_forget(&s->wire);
		sent = send_batch(s, kind, first, end);
		tally->sent += sent;
		attack_ground_settle(s, kind, tally);
		attack_ground_count(s, end - first, kind == ATTACK_RACE, tally);
		if (sent == 0 || tally->accepted > 0 ||
		    (tally->outcome == ATTACK_FRESH_CLEAN &&
		     tally->acks == acks)) {
			break;
		}
	}
	tally->unsure += tally->outcome != ATTACK_FRESH_CLEAN;
}

void
attack_batch(struct attack_ground *s, enum attack_kind kind,
	     struct attack_run_result *result)
{
	unsigned count = attack_variants(kind, attack_ground_frames(s, kind));
	unsigned step = counts_guesses(s) ? GUESSES_BATCH : BATCH;
	struct attack_ground_tally tally = { .outcome = ATTACK_FRESH_CLEAN };

	if (kind == ATTACK_RACE) {
		step = 1;
	}
	for (unsigned first = 0; first < count && s->fresh.error == 0;
	     first += step) {
		unsigned end = first + step < count ? first + step : count;

		try_batch(s, kind, first, end, &tally);
	}
	if (count == 0 || tally.sent == 0) {
		attack_ground_inconclusive(result,
					   "the group has nothing like it");
		return;
	}
	attack_ground_judge(s, kind, &tally, result);
}
