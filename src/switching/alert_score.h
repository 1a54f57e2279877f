/*
 * How suspect a connection, a key and a source are: each alert adds its
 * weight, and what was added is halved each ten minutes (paper 002, 5: scores
 * of alerts, related to each other).
 *
 * The table is bounded: where a bucket is full, whoever is least suspect goes.
 *
 * Pure.
 */
#ifndef TAP_SWITCHING_ALERT_SCORE_H
#define TAP_SWITCHING_ALERT_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "protocol/packet.h"

#define ALERT_SCORE_HALF_MS 600000u
/* A point has so many parts. */
#define ALERT_SCORE_ONE 1000u
/* Points of the worst severity; each worse than the one after it. */
#define ALERT_SCORE_WORST 4u
#define ALERT_SCORE_BUCKETS 512u
#define ALERT_SCORE_WAYS 16u

enum alert_suspect_kind {
	ALERT_SUSPECT_NONE, /* a free place */
	ALERT_SUSPECT_CONNECTION,
	ALERT_SUSPECT_KEY,
	ALERT_SUSPECT_SOURCE,
};

/* What its kind does not have is zero. */
struct alert_suspect {
	enum alert_suspect_kind kind;
	uint16_t key_no;
	uint16_t sport, dport;
	struct packet_addr src, dst; /* who opened it, and to whom */
};

struct alert_scores {
	struct hash_key hash; /* secret: nobody chooses his neighbours */
	struct alert_score {
		struct alert_suspect who;
		uint32_t parts; /* at that time: */
		uint64_t ms;
	} places[ALERT_SCORE_BUCKETS][ALERT_SCORE_WAYS];
};

void alert_scores_init(struct alert_scores *s, const struct hash_key *hash);
/* The points of a severity: 4 of 1, 2 of 2, 1 of all that come behind. */
uint32_t alert_weight(uint8_t severity);
/* Add points; returns the score in parts, of a clock that never goes back. */
uint32_t alert_scores_add(struct alert_scores *s,
			  const struct alert_suspect *who, uint32_t points,
			  uint64_t ms);
uint32_t alert_scores_of(const struct alert_scores *s,
			 const struct alert_suspect *who, uint64_t ms);
void alert_scores_forget(struct alert_scores *s,
			 const struct alert_suspect *who);
/* Whether a score comes to so many points, to the nearest. */
bool alert_score_reaches(uint32_t parts, uint32_t points);
/*
 * One after the other, *at beginning with 0: its place, or NULL at the end.
 * *parts is what it comes to now.
 */
const struct alert_score *alert_scores_next(const struct alert_scores *s,
					    size_t *at, uint64_t ms,
					    uint32_t *parts);

#endif
