#include "replay_test/guess_odds.h"

#define LN2 0.69314718055994531

/* Of none in n, the share is below 3/n, with 95 percent (the rule of 3). */
#define RULE_OF 3.0

void
odds_compute(struct odds *odds, unsigned bits, unsigned guesses, double seconds,
	     unsigned fresh, unsigned accepted)
{
	double share = 1;
	double all = 1;

	for (unsigned i = 0; i < bits; i++) {
		all *= 2;
	}
	*odds = (struct odds){ .bits = bits, .is_bound = true };
	odds->sent = seconds > 0 ? guesses / seconds : 0;
	if (accepted > 0) {
		share = (double)accepted / fresh;
		odds->is_bound = false;
	} else if (fresh > RULE_OF) {
		share = RULE_OF / fresh;
	}
	odds->let_through = odds->sent * share;
	if (odds->let_through > 0) {
		odds->mean = all / odds->let_through;
		odds->half = odds->mean * LN2;
	}
}
