#include "measure/timing.h"

#include <string.h>

#define PACKET 1000000u /* one, in a bucket */
#define LOST_MANY 10u   /* more than chance makes of few */

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
	/* At least once more, and once more than ever helped. */
	unsigned allowed = p->best_try + 2;

	return tries <
		(allowed < TIMING_TRIES_MAX ? allowed : TIMING_TRIES_MAX);
}

void
timing_adapt(struct timing *p)
{
	p->adapts = true;
	p->window = TIMING_WINDOW_FIRST * TIMING_WINDOW;
	p->threshold = TIMING_THRESHOLD * TIMING_WINDOW;
}

static bool
has_window(const struct timing *p)
{
	return !p->adapts || p->unanswered < p->window / TIMING_WINDOW;
}

bool
timing_ready(const struct timing *p, uint64_t now)
{
	return now >= p->next && (has_window(p) || now >= p->beside);
}

void
timing_sent(struct timing *p, uint64_t now, enum timing_kind kind,
	    bool repeated)
{
	if (!has_window(p)) {
		p->beside = now + TIMING_BESIDE_MS;
	}
	p->unanswered++;
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

static void
slow_down(struct timing *p)
{
	p->pause = p->pause ? p->pause * 2 : TIMING_PAUSE_FIRST;
	if (p->pause > TIMING_PAUSE_MAX) {
		p->pause = TIMING_PAUSE_MAX;
	}
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
	if (!p->adapts) {
		slow_down(p);
	}
}

/*
 * Make the pause longer only where a quarter is lost, as with a host that
 * limits its answers. Random loss needs a smaller window at most.
 */
static void
shrink(struct timing *p, uint64_t now, uint64_t before)
{
	const uint32_t least = TIMING_WINDOW_FIRST * TIMING_WINDOW;

	/* Probes that were lost before the last slowdown do not count again. */
	if (before >= p->slowed) {
		p->lost++;
	}
	if (p->lost > LOST_MANY && p->lost * 3 > p->answered) {
		slow_down(p);
		p->lost = p->answered = 0;
		p->slowed = now;
	}
	if (before < p->shrunk) {
		return;
	}
	p->shrunk = now;
	p->window = p->window / 2 > least ? p->window / 2 : least;
	p->threshold = p->window;
}

void
timing_grow(struct timing *p, unsigned try, uint64_t now, uint64_t before)
{
	const uint32_t most = TIMING_WINDOW_MAX * TIMING_WINDOW;

	if (!p->adapts) {
		return;
	}
	if (try > 0) {
		shrink(p, now, before);
		return;
	}
	p->answered++;
	p->window += p->window < p->threshold
		? TIMING_WINDOW
		: TIMING_WINDOW * TIMING_WINDOW / p->window + 1;
	p->window = p->window < most ? p->window : most;
}

void
timing_silent(struct timing *p)
{
	if (p->adapts && p->srtt > 0 && p->best_try == 0 &&
	    p->window < TIMING_WINDOW_SILENT * TIMING_WINDOW) {
		p->window += TIMING_WINDOW;
	}
}

void
timing_landed(struct timing *p)
{
	p->unanswered -= p->unanswered > 0;
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
