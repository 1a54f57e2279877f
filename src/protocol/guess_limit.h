/*
 * Token buckets against guesses at 30-bit authenticators, one for each
 * source address (IPv6: each /64): only who receives at an address gains
 * by a guess from it, and nobody can lock out another's address but by
 * forging it, for which keys of 60 bits and more are exempt.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_GUESS_LIMIT_H
#define TAP_PROTOCOL_GUESS_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "protocol/packet.h"

/*
 * 16,384 addresses at once.  To push a bucket out of its set costs an
 * attacker some thousands of forged groups, and gains the guesses of one
 * group: an address without a bucket may make some, so that a flood of
 * forged addresses locks out nobody, but the bucket that it then takes
 * over from another has what the other left.
 */
#ifndef GUESS_SETS /* a fuzzer has fewer, to begin anew in no time */
#define GUESS_SETS 4096u
#endif
#define GUESS_WAYS 4u
#define GUESS_BURST 16u       /* wrong authenticators at once */
#define GUESS_REFILL_MS 1000u /* for each further one: 2^30 take 34 years */

struct guess_bucket {
	struct packet_addr prefix; /* family 0: free */
	uint8_t tokens;
	uint64_t refilled; /* ms */
};

struct guess {
	struct hash_key hash;
	struct guess_bucket sets[GUESS_SETS][GUESS_WAYS];
};

void guess_init(struct guess *g, const struct hash_key *hash);
/* Whether this address may make so many guesses at this time. */
bool guess_allows(struct guess *g, const struct packet_addr *addr, uint64_t ms,
		  unsigned guesses);
/* Charge an address for wrong guesses. */
void guess_charge(struct guess *g, const struct packet_addr *addr, uint64_t ms,
		  unsigned wrong);

#endif
