/*
 * A scan at work: what scan.c keeps of it, and what that says of a probe.
 */
#ifndef TAP_SCAN_CHECK_SCAN_STATE_H
#define TAP_SCAN_CHECK_SCAN_STATE_H

#include "measure/timing.h"
#include "os/clock.h"
#include "scan_check/outstanding.h"
#include "scan_check/scan.h"
#include "scan_check/schedule.h"

struct scan {
	struct findings *f;
	const struct scan_options *o;
	struct scan_io io;
	struct outstanding outstanding;
	struct schedule schedule;
	struct timing *hosts; /* of each target */
	struct timing_bucket bucket;
	uint16_t *tries;  /* of each place; io's, too */
	uint64_t *sent;   /* of each place, ms: its last try, and the one */
	uint64_t *before; /* before that */
	uint8_t *parked;  /* of each place: tried often enough */
	size_t decided;   /* or parked */
	uint64_t blocked; /* nothing is sent until then */
	uint64_t last_sent;
	struct distinguish_sample *samples;
	struct scan_summary *summary;
};

static inline uint64_t
scan_ms(void)
{
	return clock_us() / 1000;
}

static inline struct timing *
scan_host(struct scan *s, size_t probe)
{
	return &s->hosts[finding_place(s->f, probe).target];
}

static inline enum probe_scan
scan_scan(const struct scan *s, size_t probe)
{
	return s->f->scans[finding_place(s->f, probe).scan];
}

static inline enum timing_kind
scan_kind(const struct scan *s, size_t probe)
{
	return scan_scan(s, probe) == PROBE_UDP ? TIMING_UDP : TIMING_TCP;
}

static inline bool
scan_is_decided(const struct scan *s, size_t probe)
{
	return s->f->at[probe].state != PROBE_UNKNOWN;
}

static inline struct distinguish_sample *
scan_sample(struct scan *s, size_t probe, unsigned try)
{
	return s->o->samples ? &s->samples[probe * s->o->samples + try] : NULL;
}

#endif
