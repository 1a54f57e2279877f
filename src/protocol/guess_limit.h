/*
 * The limit of guesses at 30-bit authenticators: a burst, and then one a
 * second, for each source address (IPv6: each /64).  Only who receives at an
 * address gains by a guess from it, and nobody can lock out another's address
 * but by forging it, for which keys of 60 bits and more are exempt.
 *
 * It holds whatever is forged: nothing is evicted.  Each address has one
 * cell in each of two rows, by a secret hash, and shares them with others; a
 * wrong guess fills both, and the emptier one counts.  So whoever shares
 * cells can only make them fuller (a count-min sketch with conservative
 * update: Estan and Varghese, "New directions in traffic measurement and
 * accounting", 2002), and an address is refused by the guesses of others
 * only where both of its cells are full of them.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_GUESS_LIMIT_H
#define TAP_PROTOCOL_GUESS_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "protocol/packet.h"

/*
 * Wrong authenticators at once: enough for a group of four among a forged
 * frame of each role.
 */
#define GUESS_BURST 32u
#define GUESS_REFILL_MS 1000u /* for each further one: 2^30 take 34 years */
#define GUESS_ROWS 2u
/*
 * Cells of a row, a power of two; 16 MiB in all, of which only what is used
 * takes memory.  A million forged groups a second, each from an address of
 * its own, keep every cell at half of what it loses in that time.  To keep
 * cells full takes one a second for each: 25,000 a second, of 100,000
 * packets, lock out one address of 7,000, a million one of seven.
 */
#define GUESS_CELLS (1u << 21)

struct guess {
	struct hash_key hash;
	uint32_t *cells; /* when each will be empty; see guess_limit.c */
	uint32_t mask;
};

/* Bytes of memory that guess_init() wants, for so many cells a row. */
size_t guess_size(uint32_t cells);
/*
 * Zeros are the empty table.  What an earlier one with another hash left in
 * the memory counts for some guesses of any address, but for no longer than
 * GUESS_BURST seconds.
 */
void guess_init(struct guess *g, void *memory, uint32_t cells,
		const struct hash_key *hash);
/* Whether this address may make so many guesses at this time. */
bool guess_allows(const struct guess *g, const struct packet_addr *addr,
		  uint64_t ms, unsigned guesses);
/* Charge an address for wrong guesses. */
void guess_charge(struct guess *g, const struct packet_addr *addr, uint64_t ms,
		  unsigned wrong);

#endif
