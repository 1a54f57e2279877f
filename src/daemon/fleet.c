#include "daemon/fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

#define KEY_BUNDLE "tap:bundle"
#define KEY_FLEET "tap:fleet"
#define NUMBER_MAX 24u
#define NUMBERS 4u
#define DIGITS_MAX 18u
#define CHUNK 16384u

_Static_assert(CHUNK <= RESP_BULK_MAX, "a reply holds it");

static const char garbage[] = "answers what is no reply of Redis";

/* ---- text */

bool
fleet_is_name(const char *text, size_t len)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	for (size_t i = 0; i < len; i++) {
		if (!memchr(may, text[i], sizeof may - 1)) {
			return false;
		}
	}
	return len > 0 && len < FLEET_NAME_MAX;
}

void
fleet_report_text(char out[FLEET_TEXT_MAX], const struct fleet_report *r)
{
	snprintf(out, FLEET_TEXT_MAX,
		 "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, r->version,
		 r->since, r->accepted, r->refused);
}

bool
fleet_report_read(struct fleet_report *r, const char *text, size_t len)
{
	uint64_t numbers[NUMBERS] = { 0 };
	unsigned which = 0, digits = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ' && digits > 0 && which < NUMBERS - 1) {
			which++;
			digits = 0;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || ++digits > DIGITS_MAX) {
			return false;
		}
		numbers[which] =
			numbers[which] * 10 + (uint64_t)(text[i] - '0');
	}
	*r = (struct fleet_report){ numbers[0], numbers[1], numbers[2],
				    numbers[3] };
	return which == NUMBERS - 1 && digits > 0;
}

/* ---- bundles */

/* Characters from `at` on, `len` at the most. */
static int
get_range(struct engine *e, size_t at, size_t len, struct resp_item *item,
	  char *err)
{
	char from[NUMBER_MAX], to[NUMBER_MAX];
	long count;
	int rc;

	snprintf(from, sizeof from, "%zu", at);
	snprintf(to, sizeof to, "%zu", at + len - 1);
	rc = ENGINE_SEND(e, err, "GETRANGE", KEY_BUNDLE, from, to);
	rc = rc < 0 ? rc : engine_item(e, item, &count, err);
	if (rc == 0 && (item->type != RESP_BULK || item->len > len)) {
		rc = why_set(err, -1, garbage);
	}
	return rc;
}

int
fleet_stamp(struct engine *e, struct bundle_stamp *stamp, bool *there,
	    char *err)
{
	struct resp_item item;
	enum bundle_result result;
	int rc = get_range(e, 0, BUNDLE_LINE, &item, err);

	if (rc < 0) {
		return rc;
	}
	*there = item.len > 0;
	result = *there ? bundle_line_read(stamp, item.bytes, item.len)
			: BUNDLE_OK;
	return result == BUNDLE_OK ? 0
				   : why_set(err, -1, KEY_BUNDLE ": %s",
					     bundle_result_text(result));
}

int
fleet_fetch(struct engine *e, char *text, size_t *len, char *err)
{
	*len = 0;
	for (;;) {
		struct resp_item item;
		int rc = get_range(e, *len, CHUNK, &item, err);

		if (rc < 0) {
			return rc;
		}
		if (item.len > BUNDLE_MAX - *len) {
			return why_set(err, -1, KEY_BUNDLE ": %s",
				       bundle_result_text(BUNDLE_LARGE));
		}
		memcpy(text + *len, item.bytes, item.len);
		*len += item.len;
		if (item.len < CHUNK) {
			return 0;
		}
	}
}

int
fleet_watch(struct engine *e, char *err)
{
	const int rc = ENGINE_SEND(e, err, "WATCH", KEY_BUNDLE);

	return rc < 0 ? rc : engine_word(e, "OK", err);
}

int
fleet_store(struct engine *e, const char *text, char *err)
{
	struct resp_item item;
	long count;
	int rc = ENGINE_SEND(e, err, "MULTI");

	rc = rc < 0 ? rc : engine_word(e, "OK", err);
	rc = rc < 0 ? rc : ENGINE_SEND(e, err, "SET", KEY_BUNDLE, text);
	rc = rc < 0 ? rc : engine_word(e, "QUEUED", err);
	rc = rc < 0 ? rc : ENGINE_SEND(e, err, "EXEC");
	rc = rc < 0 ? rc : engine_item(e, &item, &count, err);
	if (rc < 0) {
		return rc;
	}
	if (item.type == RESP_NIL || (item.type == RESP_ARRAY && count < 0)) {
		return why_set(err, -1, "somebody else has pushed meanwhile");
	}
	if (item.type != RESP_ARRAY || count != 1) {
		return why_set(err, -1, garbage);
	}
	return engine_word(e, "OK", err);
}

/* ---- reports */

static int
number(struct engine *e, char *err)
{
	struct resp_item item;
	long count;
	const int rc = engine_item(e, &item, &count, err);

	return rc == 0 && item.type != RESP_NUMBER ? why_set(err, -1, garbage)
						   : rc;
}

int
fleet_tell(struct engine *e, const char *name,
	   const struct fleet_report *report, char *err)
{
	char key[sizeof KEY_FLEET + FLEET_NAME_MAX], text[FLEET_TEXT_MAX];
	char forget[NUMBER_MAX];
	int rc;

	snprintf(key, sizeof key, KEY_FLEET ":%s", name);
	snprintf(forget, sizeof forget, "%u", FLEET_FORGET_S);
	fleet_report_text(text, report);
	rc = ENGINE_SEND(e, err, "SADD", KEY_FLEET, name);
	rc = rc < 0 ? rc : number(e, err);
	rc = rc < 0 ? rc : ENGINE_SEND(e, err, "SET", key, text, "EX", forget);
	return rc < 0 ? rc : engine_word(e, "OK", err);
}

/* The names, of which others may have put anything there. */
static int
get_names(struct engine *e, struct fleet_server **servers, size_t *count,
	  char *err)
{
	struct resp_item item;
	size_t room = 0;
	long items = 0, nested;
	int rc = ENGINE_SEND(e, err, "SMEMBERS", KEY_FLEET);

	rc = rc < 0 ? rc : engine_item(e, &item, &items, err);
	if (rc == 0 && item.type != RESP_ARRAY) {
		rc = why_set(err, -1, garbage);
	}
	for (long i = 0; i < items && rc == 0; i++) {
		struct fleet_server *s;

		rc = engine_item(e, &item, &nested, err);
		if (rc < 0 || item.type != RESP_BULK) {
			return rc < 0 ? rc : why_set(err, -1, garbage);
		}
		if (!fleet_is_name(item.bytes, item.len) ||
		    *count == FLEET_MAX) {
			continue;
		}
		if (grow(servers, *count, &room, sizeof **servers) < 0) {
			return why_set(err, -1, "out of memory");
		}
		s = &(*servers)[(*count)++];
		memset(s, 0, sizeof *s);
		memcpy(s->name, item.bytes, item.len);
	}
	return rc;
}

/* What it reports, and when it did. */
static int
get_report(struct engine *e, struct fleet_server *s, char *err)
{
	char key[sizeof KEY_FLEET + FLEET_NAME_MAX];
	const uint64_t all = FLEET_FORGET_S * (uint64_t)1000;
	struct resp_item item;
	uint64_t left = 0;
	long count;
	int rc;

	snprintf(key, sizeof key, KEY_FLEET ":%s", s->name);
	rc = ENGINE_SEND(e, err, "GET", key);
	rc = rc < 0 ? rc : engine_item(e, &item, &count, err);
	if (rc < 0) {
		return rc;
	}
	s->reports = item.type == RESP_BULK &&
		fleet_report_read(&s->report, item.bytes, item.len);
	rc = ENGINE_SEND(e, err, "PTTL", key);
	rc = rc < 0 ? rc : engine_item(e, &item, &count, err);
	if (rc < 0 || item.type != RESP_NUMBER) {
		return rc < 0 ? rc : why_set(err, -1, garbage);
	}
	for (size_t i = 0; i < item.len && i < DIGITS_MAX &&
	     item.bytes[i] >= '0' && item.bytes[i] <= '9';
	     i++) {
		left = left * 10 + (uint64_t)(item.bytes[i] - '0');
	}
	s->heard_ms = left < all ? all - left : 0;
	if (s->reports) {
		return 0;
	}
	rc = ENGINE_SEND(e, err, "SREM", KEY_FLEET, s->name);
	return rc < 0 ? rc : number(e, err);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct fleet_server *)a)->name,
		      ((const struct fleet_server *)b)->name);
}

int
fleet_list(struct engine *e, struct fleet_server **servers, size_t *count,
	   char *err)
{
	int rc;

	*servers = NULL;
	*count = 0;
	rc = get_names(e, servers, count, err);
	for (size_t i = 0; i < *count && rc == 0; i++) {
		rc = get_report(e, &(*servers)[i], err);
	}
	if (rc < 0) {
		free(*servers);
		*servers = NULL;
		*count = 0;
	} else if (*count > 1) {
		qsort(*servers, *count, sizeof **servers, by_name);
	}
	return rc;
}
