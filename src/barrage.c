#include "barrage.h"

#include <errno.h>

#include "clock.h"

/*
 * A server allows an address so many wrong guesses at 30-bit keys at
 * once, and then one a second (guess.h).  With more, it would refuse all
 * there is from here, and nothing would be learnt.
 */
#define GUESSES_AT_ONCE 16u
/* Left for the fresh group after them, and for what is not foreseen. */
#define GUESSES_SPARE 4u
#define GUESS_MS 1000u
#define GUESSES_BATCH 8u
#define BATCH 64u

/* ---- guesses are spent with care */

static bool
counts_guesses(const struct siege *s)
{
	return s->trial.key ? trial_is_short(&s->trial) :
			      s->base.count == FRAME_BASE;
}

/* Wait until the server has this many left for us, as far as is known. */
static void
save_guesses(struct siege *s, unsigned wanted)
{
	if (counts_guesses(s)) {
		uint64_t now = clock_ms();
		uint64_t full = now + (GUESSES_AT_ONCE - GUESSES_SPARE) *
					      GUESS_MS;
		uint64_t spent = wanted * GUESS_MS;

		/* guesses_ms: when all of them would be there again. */
		if (s->guesses_ms < now) {
			s->guesses_ms = now;
		}
		if (s->guesses_ms + spent > full) {
			trial_wait(&s->trial,
				   (unsigned)(s->guesses_ms + spent - full));
		}
		s->guesses_ms += spent;
	}
}

/* ---- one attack, in all its forms */

static void
sign(struct siege *s, uint64_t ago, struct sender_group *group)
{
	if (s->trial.error == 0) {
		s->trial.error = trial_sign(&s->trial, s->options->port,
					    clock_instant() - ago, group);
	}
}

static bool
make_shot(struct siege *s, enum attack_kind kind, unsigned variant,
	  struct attack_shot *shot)
{
	struct sender_group group = s->base, second;
	struct attack_scene scene = {
		.group = &group,
		.port = s->options->port,
		.tolerance = s->options->tolerance,
	};

	if (siege_uses_fresh(s, kind)) {
		sign(s, 0, &group);
		sign(s, SIEGE_APART, &second);
		scene.second = &second;
	} else if (s->has_second) {
		scene.second = &s->second;
	}
	if (s->trial.error == 0) {
		s->trial.error = trial_scene(&s->trial, &scene);
	}
	return s->trial.error == 0 &&
	       attack_make(kind, variant, &scene, shot);
}

/* Variants from first up to end, sent; their number. */
static unsigned
send_batch(struct siege *s, enum attack_kind kind, unsigned first,
	   unsigned end)
{
	struct salvo_aim aim = siege_aim(s, kind);
	unsigned sent = 0;

	for (unsigned v = first; v < end && s->trial.error == 0; v++) {
		unsigned copies = kind == ATTACK_THOUSAND ?
					  s->options->times : 1;
		struct attack_shot shot;

		if (!make_shot(s, kind, v, &shot)) {
			continue;
		}
		for (; copies > 0 && s->trial.error == 0; copies--) {
			int rc = salvo_send(&s->salvo, &aim, &shot,
					    SIEGE_SHOT + v - first);

			/* Not every group can be sent in fragments. */
			if (rc == -EMSGSIZE) {
				break;
			}
			s->trial.error = rc;
			sent++;
		}
	}
	return sent;
}

static unsigned
guesses_in(const struct siege *s, enum attack_kind kind, unsigned first,
	   unsigned end)
{
	unsigned guesses = 0;

	for (unsigned v = first; v < end; v++) {
		guesses += attack_guesses(kind, v, s->options->tolerance);
	}
	return guesses;
}

/*
 * Send a batch, and again where it is not sure that it arrived: three
 * times at the most.
 */
static void
try_batch(struct siege *s, enum attack_kind kind, unsigned first,
	  unsigned end, struct siege_tally *tally)
{
	for (unsigned tries = 0; tries < 3 && s->trial.error == 0; tries++) {
		unsigned sent;

		siege_take_base(s);
		save_guesses(s, guesses_in(s, kind, first, end));
		salvo_forget(&s->salvo);
		sent = send_batch(s, kind, first, end);
		tally->sent += sent;
		siege_settle(s, tally);
		siege_count(s, end - first, kind == ATTACK_RACE, tally);
		if (sent == 0 || tally->accepted > 0 ||
		    tally->outcome == TRIAL_CLEAN) {
			break;
		}
	}
	tally->unsure += tally->outcome != TRIAL_CLEAN;
}

void
barrage_run(struct siege *s, enum attack_kind kind,
	    struct assault_result *result)
{
	unsigned count = attack_variants(kind, siege_frames(s, kind));
	unsigned step = counts_guesses(s) ? GUESSES_BATCH : BATCH;
	struct siege_tally tally = { .outcome = TRIAL_CLEAN };

	if (kind == ATTACK_RACE) {
		step = 1;
	}
	for (unsigned first = 0; first < count && s->trial.error == 0;
	     first += step) {
		unsigned end = first + step < count ? first + step : count;

		try_batch(s, kind, first, end, &tally);
	}
	if (count == 0 || tally.sent == 0) {
		siege_inconclusive(result, "the group has nothing like it");
		return;
	}
	siege_judge(s, kind, &tally, result);
}
