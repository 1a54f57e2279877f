/*
 * What chance a blind guess at an authenticator has (papers: 000, 3.7),
 * at the rate at which a server was seen to look at guesses.
 *
 * Pure.
 */
#ifndef TAP_REPLAY_TEST_GUESS_ODDS_H
#define TAP_REPLAY_TEST_GUESS_ODDS_H

#include <stdbool.h>

struct odds {
	unsigned bits; /* of the authenticator */
	double sent;   /* guesses a second that were sent */
	/*
	 * Guesses a second that the server let through to its check: sent,
	 * times the share of fresh groups among them that got in; at the
	 * most, where none did, or where there were none to tell.
	 */
	double let_through;
	bool is_bound; /* let_through is an upper bound */
	double mean;   /* seconds until one fits, on average */
	double half;   /* seconds after which that is as likely as not */
};

/*
 * guesses were sent in so many seconds; of `fresh` valid groups sent
 * among them, accepted got in.
 */
void odds_compute(struct odds *odds, unsigned bits, unsigned guesses,
		  double seconds, unsigned fresh, unsigned accepted);

#endif
