#include "protocol/guess_limit.h"

#include <string.h>

/*
 * A cell is the time at which it will be empty, in ticks, modulo 2^32: each
 * wrong guess moves that by the time that one takes to be forgotten (the
 * generic cell rate algorithm, ITU-T I.371).  What is further away than a
 * full cell can be is long past.
 */
#define TICKS 16u /* for a guess */
#define FULL (GUESS_BURST * TICKS)

size_t
guess_size(uint32_t cells)
{
	return (size_t)GUESS_ROWS * cells * sizeof(uint32_t);
}

void
guess_init(struct guess *g, void *memory, uint32_t cells,
	   const struct hash_key *hash)
{
	*g = (struct guess){
		.hash = *hash,
		.cells = memory,
		.mask = cells - 1,
	};
}

static uint32_t
tick_of(uint64_t ms)
{
	return (uint32_t)(ms / GUESS_REFILL_MS * TICKS +
			  ms % GUESS_REFILL_MS * TICKS / GUESS_REFILL_MS);
}

static void
find_cells(const struct guess *g, const struct packet_addr *addr,
	   uint32_t *cells[GUESS_ROWS])
{
	struct packet_addr prefix = *addr;
	uint64_t hash;

	if (addr->family == 6) {
		memset(prefix.bytes + 8, 0, 8);
	}
	hash = hash_bytes(&g->hash, &prefix, sizeof prefix);
	for (uint32_t row = 0; row < GUESS_ROWS; row++) {
		const uint32_t at = (uint32_t)(hash >> 32 * row) & g->mask;

		cells[row] = &g->cells[(size_t)row * (g->mask + 1u) + at];
	}
}

static uint32_t
level_of(uint32_t cell, uint32_t now)
{
	return cell - now > FULL ? 0 : cell - now;
}

/* What an address is charged with is in both cells: the lower one counts. */
static uint32_t
lowest(uint32_t *const cells[GUESS_ROWS], uint32_t now)
{
	uint32_t least = FULL;

	for (unsigned row = 0; row < GUESS_ROWS; row++) {
		const uint32_t level = level_of(*cells[row], now);

		least = level < least ? level : least;
	}
	return least;
}

bool
guess_allows(const struct guess *g, const struct packet_addr *addr, uint64_t ms,
	     unsigned guesses)
{
	uint32_t *cells[GUESS_ROWS];

	find_cells(g, addr, cells);
	return guesses <= (FULL - lowest(cells, tick_of(ms))) / TICKS;
}

void
guess_charge(struct guess *g, const struct packet_addr *addr, uint64_t ms,
	     unsigned wrong)
{
	const uint32_t now = tick_of(ms);
	uint32_t *cells[GUESS_ROWS];
	uint32_t level;

	find_cells(g, addr, cells);
	level = lowest(cells, now);
	level = wrong > (FULL - level) / TICKS ? FULL : level + wrong * TICKS;
	for (unsigned row = 0; row < GUESS_ROWS; row++) {
		if (level_of(*cells[row], now) < level) {
			*cells[row] = now + level;
		}
	}
}
