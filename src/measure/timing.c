#include "measure/timing.h"

#include <string.h>

#define PACKET 1000000u /* one, in a bucket */

void
timing_init(struct timing *p, uint32_t timeout_min)
{
	memset(p, 0, sizeof *p);
	p->timeout_min = timeout_min;
}

uint32_t
timing_timeout(const struct timing *p)
{
	uint64_t us = (uint64_t)p->srtt + 4 * (uint64_t)p->rttvar;
	uint64_t ms = us / 1000;
	uint32_t first = TIMING_TIMEOUT_FIRST;

	if (p->srtt == 0) {
		return first > p->timeout_min ? first : p->timeout_min;
	}
	if (ms < p->timeout_min) {
		return p->timeout_min;
	}
	return ms > TIMING_TIMEOUT_MAX ? TIMING_TIMEOUT_MAX : (uint32_t)ms;
}

bool
timing_again(const struct timing *p, unsigned tries)
{
	/* Once at least; and once more than was ever of use. */
	unsigned allowed = p->best_try + 2;

	return tries <
		(allowed < TIMING_TRIES_MAX ? allowed : TIMING_TRIES_MAX);
}

bool
timing_ready(const struct timing *p, uint64_t now)
{
	return now >= p->next;
}

void
timing_sent(struct timing *p, uint64_t now, enum timing_kind kind,
	    bool repeated)
{
	p->next = now +
		(repeated && p->sends_icmp[kind] ? TIMING_PAUSE_MAX : p->pause);
}

static void
measure(struct timing *p, uint32_t us)
{
	uint32_t error;

	if (us > TIMING_TIMEOUT_MAX * 1000) {
		us = TIMING_TIMEOUT_MAX * 1000;
	}
	error = us > p->srtt ? us - p->srtt : p->srtt - us;
	if (p->srtt == 0) {
		p->srtt = us > 0 ? us : 1;
		p->rttvar = us / 2;
		return;
	}
	p->rttvar = p->rttvar - p->rttvar / 4 + error / 4;
	p->srtt = p->srtt - p->srtt / 8 + us / 8;
	p->srtt = p->srtt > 0 ? p->srtt : 1;
}

void
timing_answered(struct timing *p, unsigned try, uint32_t microseconds)
{
	measure(p, microseconds);
	if (try == 0) {
		return;
	}
	if (try > p->best_try) {
		p->best_try = try;
	}
	p->pause = p->pause ? p->pause * 2 : TIMING_PAUSE_FIRST;
	if (p->pause > TIMING_PAUSE_MAX) {
		p->pause = TIMING_PAUSE_MAX;
	}
}

void
timing_icmp(struct timing *p, enum timing_kind kind)
{
	p->sends_icmp[kind] = true;
}

void
timing_bucket_init(struct timing_bucket *b, unsigned rate, uint64_t now_us)
{
	*b = (struct timing_bucket){
		.rate = rate,
		.filled = now_us,
		.level = PACKET,
	};
}

bool
timing_bucket_take(struct timing_bucket *b, uint64_t now_us)
{
	uint64_t passed = now_us - b->filled;

	/* An hour fills any bucket, and does not overflow. */
	passed = passed < 3600000000u ? passed : 3600000000u;
	b->filled = now_us;
	b->level += passed * b->rate;
	if (b->level > (uint64_t)TIMING_BURST * PACKET) {
		b->level = (uint64_t)TIMING_BURST * PACKET;
	}
	if (b->level < PACKET) {
		return false;
	}
	b->level -= PACKET;
	return true;
}
