#include "switching/alert_score.h"

#include <string.h>

#include "base/bytes.h"

void
alert_scores_init(struct alert_scores *s, const struct hash_key *hash)
{
	memset(s, 0, sizeof *s);
	s->hash = *hash;
}

uint32_t
alert_weight(uint8_t severity)
{
	return severity <= 1 ? ALERT_SCORE_WORST : severity == 2 ? 2 : 1;
}

/* Between two halvings a straight line is near enough. */
static uint32_t
decayed(uint32_t parts, uint64_t age_ms)
{
	const uint64_t halvings = age_ms / ALERT_SCORE_HALF_MS;
	const uint64_t rest = age_ms % ALERT_SCORE_HALF_MS;
	uint32_t left;

	if (halvings >= 32) {
		return 0;
	}
	left = parts >> halvings;
	return left - (uint32_t)(left * rest / (2 * ALERT_SCORE_HALF_MS));
}

static uint32_t
score_at(const struct alert_score *score, uint64_t ms)
{
	return decayed(score->parts, ms > score->ms ? ms - score->ms : 0);
}

static size_t
bucket_of(const struct alert_scores *s, const struct alert_suspect *who)
{
	uint8_t bytes[1 + 2 + 2 + 2 + 2 * (1 + sizeof who->src.bytes)];
	uint8_t *at = bytes;

	*at++ = (uint8_t)who->kind;
	be16_store(at, who->key_no);
	be16_store(at + 2, who->sport);
	be16_store(at + 4, who->dport);
	at += 6;
	*at++ = who->src.family;
	memcpy(at, who->src.bytes, sizeof who->src.bytes);
	at += sizeof who->src.bytes;
	*at++ = who->dst.family;
	memcpy(at, who->dst.bytes, sizeof who->dst.bytes);
	return hash_bytes(&s->hash, bytes, sizeof bytes) % ALERT_SCORE_BUCKETS;
}

static bool
is_same(const struct alert_suspect *a, const struct alert_suspect *b)
{
	return a->kind == b->kind && a->key_no == b->key_no &&
		a->sport == b->sport && a->dport == b->dport &&
		packet_addr_equal(&a->src, &b->src) &&
		packet_addr_equal(&a->dst, &b->dst);
}

/* Its place within its bucket, or ALERT_SCORE_WAYS. */
static size_t
find(const struct alert_score *bucket, const struct alert_suspect *who)
{
	size_t way = 0;

	while (way < ALERT_SCORE_WAYS && !is_same(&bucket[way].who, who)) {
		way++;
	}
	return way;
}

static struct alert_score *
least(struct alert_score *bucket, uint64_t ms)
{
	struct alert_score *found = bucket;

	for (size_t i = 0; i < ALERT_SCORE_WAYS; i++) {
		if (bucket[i].who.kind == ALERT_SUSPECT_NONE) {
			return &bucket[i];
		}
		if (score_at(&bucket[i], ms) < score_at(found, ms)) {
			found = &bucket[i];
		}
	}
	return found;
}

uint32_t
alert_scores_add(struct alert_scores *s, const struct alert_suspect *who,
		 uint32_t points, uint64_t ms)
{
	struct alert_score *bucket = s->places[bucket_of(s, who)];
	const size_t way = find(bucket, who);
	const bool known = way < ALERT_SCORE_WAYS;
	struct alert_score *score = known ? &bucket[way] : least(bucket, ms);
	const uint32_t before = known ? score_at(score, ms) : 0;
	const uint64_t sum = before + (uint64_t)points * ALERT_SCORE_ONE;

	*score = (struct alert_score){
		.who = *who,
		.parts = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX,
		.ms = ms,
	};
	return score->parts;
}

uint32_t
alert_scores_of(const struct alert_scores *s, const struct alert_suspect *who,
		uint64_t ms)
{
	const struct alert_score *bucket = s->places[bucket_of(s, who)];
	const size_t way = find(bucket, who);

	return way < ALERT_SCORE_WAYS ? score_at(&bucket[way], ms) : 0;
}

void
alert_scores_forget(struct alert_scores *s, const struct alert_suspect *who)
{
	struct alert_score *bucket = s->places[bucket_of(s, who)];
	const size_t way = find(bucket, who);

	if (way < ALERT_SCORE_WAYS) {
		bucket[way] = (struct alert_score){ .parts = 0 };
	}
}

bool
alert_score_reaches(uint32_t parts, uint32_t points)
{
	return (uint64_t)parts + ALERT_SCORE_ONE / 2 >=
		(uint64_t)points * ALERT_SCORE_ONE;
}

const struct alert_score *
alert_scores_next(const struct alert_scores *s, size_t *at, uint64_t ms,
		  uint32_t *parts)
{
	const struct alert_score *all = &s->places[0][0];

	for (; *at < (size_t)ALERT_SCORE_BUCKETS * ALERT_SCORE_WAYS; (*at)++) {
		const struct alert_score *score = &all[*at];

		*parts = score_at(score, ms);
		if (score->who.kind != ALERT_SUSPECT_NONE && *parts > 0) {
			(*at)++;
			return score;
		}
	}
	return NULL;
}
