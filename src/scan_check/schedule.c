#include "scan_check/schedule.h"

#include <string.h>

/* splitmix64 (Steele, Lea, Flood, 2014): good enough for an order. */
static uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
shuffle(struct schedule *r)
{
	for (size_t i = r->count; i > 1; i--) {
		size_t other = (size_t)(random_next(&r->random) % i);
		size_t kept = r->order[i - 1];

		r->order[i - 1] = r->order[other];
		r->order[other] = kept;
	}
}

void
schedule_init(struct schedule *r, size_t count, size_t *queue, size_t *order,
	      unsigned rounds, uint64_t seed)
{
	memset(r, 0, sizeof *r);
	r->count = count;
	r->queue = queue;
	r->order = order;
	r->rounds = rounds;
	r->random = seed;
	for (size_t i = 0; i < count; i++) {
		order[i] = i;
	}
	shuffle(r);
}

void
schedule_again(struct schedule *r, size_t probe)
{
	r->queue[(r->at + r->queued++) % r->count] = probe;
}

bool
schedule_repeat(struct schedule *r, size_t *probe)
{
	if (r->queued == 0) {
		return false;
	}
	*probe = r->queue[r->at];
	r->at = (r->at + 1) % r->count;
	r->queued--;
	return true;
}

bool
schedule_fresh(struct schedule *r, size_t *place)
{
	if (r->fresh == r->count) {
		return false;
	}
	*place = r->fresh++;
	return true;
}

bool
schedule_sample(const struct schedule *r, size_t *probe)
{
	if (r->round == r->rounds) {
		return false;
	}
	*probe = r->order[r->place];
	return true;
}

void
schedule_sampled(struct schedule *r)
{
	if (++r->place == r->count) {
		r->place = 0;
		r->round++;
		shuffle(r);
	}
}

bool
schedule_waits(const struct schedule *r)
{
	return r->rounds ? r->round < r->rounds
			 : r->queued > 0 || r->fresh < r->count;
}
