/*
 * When to send what to a host that is scanned: how long to wait for an
 * answer, how often to try again, how fast to go.  After nmap's manual
 * ("Timing and performance") and RFC 6298.  Times are milliseconds of a
 * clock that does not go back, unless they say otherwise.
 *
 * Pure.
 */
#ifndef TAP_MEASURE_TIMING_H
#define TAP_MEASURE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

/* nmap's usual limits (-T3). */
#define TIMING_TIMEOUT_FIRST 1000u
#define TIMING_TIMEOUT_MIN 100u
#define TIMING_TIMEOUT_MAX 10000u
#define TIMING_TRIES_MAX 11u /* ten retransmissions */
/*
 * The longest pause between two probes.  Most systems send at most about
 * one ICMP error a second to a host (RFC 1812, 4.3.2.8; Linux:
 * icmp_ratelimit): with this pause each of them gets through.
 */
#define TIMING_PAUSE_MAX 1000u
#define TIMING_PAUSE_FIRST 5u

enum timing_kind {
	TIMING_TCP,
	TIMING_UDP,
	TIMING_KINDS,
};

struct timing {
	/* Of round trips, in microseconds, as RFC 6298 has them; 0: none. */
	uint32_t srtt, rttvar;
	uint32_t timeout_min;
	uint32_t pause;
	uint64_t next;     /* nothing is sent before */
	unsigned best_try; /* the latest try that got an answer, from 0 */
	bool sends_icmp[TIMING_KINDS];

	/*
	 * Where it adapts: how many may be unanswered at once, which grows
	 * with answers and shrinks where some were lost, as TCP's congestion
	 * window (RFC 5681) and nmap's.  In units of 1 / TIMING_WINDOW.
	 */
	bool adapts;
	uint32_t window, threshold;
	unsigned unanswered;
	unsigned answered, lost; /* since the pause was made longer */
	uint64_t shrunk, slowed; /* ms */
	uint64_t beside;         /* one beside the window may go from then on */
};

#define TIMING_WINDOW 64u
#define TIMING_WINDOW_FIRST 10u
#define TIMING_WINDOW_MAX 256u
/* The rate that silence alone allows: 640 a second. */
#define TIMING_WINDOW_SILENT 64u
#define TIMING_THRESHOLD 75u /* nmap's: up to there it grows fast */
/*
 * Besides the window, one probe every so many ms: a host that never answers
 * never opens the window.
 */
#define TIMING_BESIDE_MS 5u

/* A host that nothing is known of. */
void timing_init(struct timing *p, uint32_t timeout_min);

/* Start to adapt to what the host and the path can take. */
void timing_adapt(struct timing *p);

/* How long to wait for the answer to a probe sent now. */
uint32_t timing_timeout(const struct timing *p);

/* Whether a probe that was sent `tries` times is worth another one. */
bool timing_again(const struct timing *p, unsigned tries);

/* Whether a probe may go out now. */
bool timing_ready(const struct timing *p, uint64_t now);
/*
 * One went out.  Where the host answers such probes by ICMP and this one
 * is repeated, its error may have been left out: the longest pause.
 */
void timing_sent(struct timing *p, uint64_t now, enum timing_kind kind,
		 bool repeated);

/*
 * An answer, to this try (from 0), after so many microseconds.  One to a
 * repeated probe means that some before were lost: go slower.
 */
void timing_answered(struct timing *p, unsigned try, uint32_t microseconds);
/*
 * The same for the window.  Of an answer to a repeated probe, `before` is
 * when the try before it was sent: that one was lost.
 */
void timing_grow(struct timing *p, unsigned try, uint64_t now, uint64_t before);
/*
 * No answer came to a first try. If others do come and none was lost, the port
 * itself is silent: do not slow down for it.
 */
void timing_silent(struct timing *p);
/* Give up waiting for one. */
void timing_landed(struct timing *p);
/* The answer to such a probe was an ICMP error. */
void timing_icmp(struct timing *p, enum timing_kind kind);

/* A bucket of tokens: so many packets a second, and few at once. */
struct timing_bucket {
	unsigned rate;
	uint64_t filled; /* microseconds */
	uint64_t level;  /* in packets x 10^6 */
};

#define TIMING_BURST 8u /* below the smallest queue of a network card */

void timing_bucket_init(struct timing_bucket *b, unsigned rate,
			uint64_t now_us);
/* Take one, if there is one. */
bool timing_bucket_take(struct timing_bucket *b, uint64_t now_us);

#endif
