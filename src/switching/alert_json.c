#include "switching/alert_json.h"

#include <string.h>

#include "base/json_read.h"
#include "switching/alert_parts.h"

enum field {
	FIELD_EVENT,
	FIELD_PROTO,
	FIELD_SRC,
	FIELD_DST,
	FIELD_SPORT,
	FIELD_DPORT,
	FIELD_SRC_BOTH, /* ADDRESS:PORT */
	FIELD_DST_BOTH,
	FIELD_SID,
	FIELD_RULE, /* gid:sid:rev */
	FIELD_SEVERITY,
	FIELD_TEXT,
};

struct field_name {
	const char *in; /* the object that it stands in, or NULL: outermost */
	const char *name;
	enum field field;
};

static const struct field_name eve[] = {
	{ NULL, "event_type", FIELD_EVENT },
	{ NULL, "proto", FIELD_PROTO },
	{ NULL, "src_ip", FIELD_SRC },
	{ NULL, "dest_ip", FIELD_DST },
	{ NULL, "src_port", FIELD_SPORT },
	{ NULL, "dest_port", FIELD_DPORT },
	{ "alert", "signature_id", FIELD_SID },
	{ "alert", "severity", FIELD_SEVERITY },
	{ "alert", "signature", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

static const struct field_name snort[] = {
	{ NULL, "proto", FIELD_PROTO },
	{ NULL, "src_addr", FIELD_SRC },
	{ NULL, "dst_addr", FIELD_DST },
	{ NULL, "src_port", FIELD_SPORT },
	{ NULL, "dst_port", FIELD_DPORT },
	{ NULL, "src_ap", FIELD_SRC_BOTH },
	{ NULL, "dst_ap", FIELD_DST_BOTH },
	{ NULL, "sid", FIELD_SID },
	{ NULL, "rule", FIELD_RULE },
	{ NULL, "priority", FIELD_SEVERITY },
	{ NULL, "msg", FIELD_TEXT },
	{ NULL, NULL, 0 },
};

/* An alert that is read: what of it was there, a bit for each field. */
struct reading {
	struct alert *alert;
	uint32_t seen;
	bool other; /* of another event, or another protocol */
};

#define SEEN(field) (1u << (field))

static int
take_rule(const char *text, uint32_t *sid)
{
	const char *from = strchr(text, ':');
	const char *to = from ? strchr(from + 1, ':') : NULL;

	return to ? alert_number(from + 1, (size_t)(to - from - 1), UINT32_MAX,
				 sid)
		  : -1;
}

static bool
is_tcp(const char *text)
{
	return (text[0] | ' ') == 't' && (text[1] | ' ') == 'c' &&
		(text[2] | ' ') == 'p' && text[3] == '\0';
}

/* One field; the first counts, where it is there twice.  0 or -1. */
static int
take(struct reading *r, enum field field, const char *text)
{
	const size_t len = strlen(text);
	struct alert *a = r->alert;
	uint32_t number = 0;
	int rc = 0;

	if (r->seen & SEEN(field)) {
		return 0;
	}
	r->seen |= SEEN(field);
	switch (field) {
	case FIELD_EVENT:
		r->other |= strcmp(text, "alert") != 0;
		break;
	case FIELD_PROTO:
		r->other |= !is_tcp(text);
		break;
	case FIELD_SRC:
		rc = alert_addr(text, len, &a->src);
		break;
	case FIELD_DST:
		rc = alert_addr(text, len, &a->dst);
		break;
	case FIELD_SPORT:
		rc = alert_port(text, len, &a->sport);
		break;
	case FIELD_DPORT:
		rc = alert_port(text, len, &a->dport);
		break;
	case FIELD_SRC_BOTH:
		rc = alert_endpoint(text, len, &a->src, &a->sport);
		r->seen |= SEEN(FIELD_SRC) | SEEN(FIELD_SPORT);
		break;
	case FIELD_DST_BOTH:
		rc = alert_endpoint(text, len, &a->dst, &a->dport);
		r->seen |= SEEN(FIELD_DST) | SEEN(FIELD_DPORT);
		break;
	case FIELD_SID:
		rc = alert_number(text, len, UINT32_MAX, &a->sid);
		break;
	case FIELD_RULE:
		rc = take_rule(text, &a->sid);
		r->seen |= SEEN(FIELD_SID);
		break;
	case FIELD_SEVERITY:
		rc = alert_number(text, len, UINT32_MAX, &number);
		a->severity = alert_severity(number);
		break;
	case FIELD_TEXT:
		alert_text(a->text, text, len);
		break;
	}
	/* Of UDP and ICMP there may be no ports; they are not asked for. */
	return r->other ? 0 : rc;
}

static const struct field_name *
find(const struct field_name *fields, const char *in, const char *name)
{
	for (; fields->name; fields++) {
		const bool inner = fields->in != NULL;

		if (strcmp(fields->name, name) == 0 && inner == (in != NULL) &&
		    (!inner || strcmp(fields->in, in) == 0)) {
			return fields;
		}
	}
	return NULL;
}

#define IN_MAX 16u /* longer ones are none that is looked for */

static void
note_name(char in[IN_MAX], const char *name)
{
	const size_t len = strlen(name);

	in[0] = '\0';
	if (len < IN_MAX) {
		memcpy(in, name, len + 1);
	}
}

/*
 * Read one object.  Returns the last token: JSON_END where it was whole; what
 * was taken before an error stays.
 */
static enum json_token
read_object(struct reading *r, const struct field_name *fields,
	    const char *text, size_t len, bool *bad)
{
	char in[IN_MAX] = ""; /* the object of depth 2 */
	const struct field_name *next = NULL;
	enum json_token token;
	struct json_read j;

	json_read_init(&j, text, len);
	while ((token = json_read_next(&j)) > JSON_END) {
		if (token == JSON_NAME) {
			next = j.depth <= 2
				? find(fields, j.depth == 2 ? in : NULL, j.text)
				: NULL;
			if (j.depth == 1) {
				note_name(in, j.text);
			}
			continue;
		}
		if (next && (token == JSON_STRING || token == JSON_NUMBER)) {
			*bad |= take(r, next->field, j.text) < 0;
		}
		next = NULL;
		if (j.depth == 0 && token != JSON_OBJECT_END) {
			return JSON_ERROR;
		}
	}
	return token;
}

/* What a connection has. */
#define NEEDED                                                                 \
	(SEEN(FIELD_PROTO) | SEEN(FIELD_SRC) | SEEN(FIELD_DST) |               \
	 SEEN(FIELD_SPORT) | SEEN(FIELD_DPORT))

/*
 * Where a line begins within one that was torn by the end of its writer: only
 * the outermost name stands in quotes that are not escaped.
 */
static size_t
find_begin(const char *text, size_t len, size_t from)
{
	static const char name[] = "\"timestamp\"";

	for (; from < len; from++) {
		const char *brace = memchr(text + from, '{', len - from);
		size_t at;

		if (!brace) {
			return len;
		}
		from = (size_t)(brace - text);
		at = from + 1;
		while (at < len && text[at] == ' ') {
			at++;
		}
		if (len - at >= sizeof name - 1 &&
		    memcmp(text + at, name, sizeof name - 1) == 0) {
			return from;
		}
	}
	return len;
}

static enum alert_found
parse(const struct field_name *fields, uint32_t needed, const char *line,
      size_t len, struct alert *out)
{
	size_t from = 0;

	while (from < len) {
		const size_t next = find_begin(line, len, from + 1);
		struct reading r = { .alert = out };
		bool bad = false;
		enum json_token end;

		*out = (struct alert){ .severity = ALERT_SEVERITY_WORST };
		end = read_object(&r, fields, line + from, len - from, &bad);
		/* Of a torn one, too, if it came that far. */
		if (!r.other && !bad && (r.seen & needed) == needed &&
		    out->src.family == out->dst.family) {
			return ALERT_FOUND;
		}
		if (end == JSON_END) {
			return bad && !r.other ? ALERT_TORN : ALERT_NONE;
		}
		from = next;
	}
	return len == 0 ? ALERT_NONE : ALERT_TORN;
}

enum alert_found
alert_eve(const char *line, size_t len, struct alert *out)
{
	return parse(eve, NEEDED | SEEN(FIELD_EVENT), line, len, out);
}

enum alert_found
alert_snort_json(const char *line, size_t len, struct alert *out)
{
	return parse(snort, NEEDED, line, len, out);
}
