#include "protocol/guess_limit.h"

#include <string.h>

void
guess_init(struct guess *g, const struct hash_key *hash)
{
	memset(g, 0, sizeof *g);
	g->hash = *hash;
}

static struct packet_addr
prefix_of(const struct packet_addr *addr)
{
	struct packet_addr prefix = *addr;

	if (addr->family == 6) {
		memset(prefix.bytes + 8, 0, 8);
	}
	return prefix;
}

static void
refill(struct guess_bucket *bucket, uint64_t ms)
{
	uint64_t earned = (ms - bucket->refilled) / GUESS_REFILL_MS;

	if (earned >= GUESS_BURST - bucket->tokens) {
		bucket->tokens = GUESS_BURST;
		bucket->refilled = ms;
	} else {
		bucket->tokens = (uint8_t)(bucket->tokens + earned);
		bucket->refilled += earned * GUESS_REFILL_MS;
	}
}

/* The bucket of a prefix, or the one of its set to use for it. */
static struct guess_bucket *
bucket_of(struct guess *g, const struct packet_addr *prefix)
{
	uint64_t hash = hash_bytes(&g->hash, prefix, sizeof *prefix);
	struct guess_bucket *set = g->sets[hash % GUESS_SETS];
	struct guess_bucket *stalest = set;

	for (unsigned way = 0; way < GUESS_WAYS; way++) {
		if (packet_addr_equal(&set[way].prefix, prefix)) {
			return &set[way];
		}
		/* A free one is staler than any. */
		if (stalest->prefix.family != 0 &&
		    (set[way].prefix.family == 0 ||
		     set[way].refilled < stalest->refilled)) {
			stalest = &set[way];
		}
	}
	return stalest;
}

bool
guess_allows(struct guess *g, const struct packet_addr *addr, uint64_t ms,
	     unsigned guesses)
{
	struct packet_addr prefix = prefix_of(addr);
	struct guess_bucket *bucket = bucket_of(g, &prefix);

	if (!packet_addr_equal(&bucket->prefix, &prefix)) {
		return guesses <= GUESS_BURST;
	}
	refill(bucket, ms);
	return guesses <= bucket->tokens;
}

void
guess_charge(struct guess *g, const struct packet_addr *addr, uint64_t ms,
	     unsigned wrong)
{
	struct packet_addr prefix = prefix_of(addr);
	struct guess_bucket *bucket = bucket_of(g, &prefix);

	if (bucket->prefix.family == 0) {
		bucket->tokens = GUESS_BURST;
		bucket->refilled = ms;
	}
	/* What was spent stays spent, whoever spent it. */
	bucket->prefix = prefix;
	refill(bucket, ms);
	if (wrong > bucket->tokens) {
		wrong = bucket->tokens;
	}
	bucket->tokens = (uint8_t)(bucket->tokens - wrong);
}
