#include "probe_path/plan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "base/bytes.h"

#define FIRST_LINE "tap path plan 1"
#define WORDS_MAX 7u /* "probe frame ROLE FRAMES GROUP ROUND PACKET" */
/* The longest word is a packet's. */
#define LINE_MAX_LEN (2 * TRIAL_PACKET_MAX + 128u)

/* ---- writing */

static void
put_addr(struct text *t, const char *name, const struct packet_addr *addr)
{
	char out[INET6_ADDRSTRLEN] = "";

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  sizeof out);
	text_put(t, "%s %s\n", name, out);
}

static void
put_packet(struct text *t, const uint8_t *bytes, size_t len)
{
	char hex[2 * TRIAL_PACKET_MAX + 1];

	hex_encode(hex, bytes, len);
	text_put(t, " %s\n", hex);
}

static void
put_probe(struct text *t, const struct trial_probe *p)
{
	switch (p->kind) {
	case TRIAL_FIELD:
		text_put(t, "probe field %s %u", field_kind(p->field)->name,
			 p->round);
		break;
	case TRIAL_FRAME:
		text_put(t, "probe frame %u %u %u %u", p->role, p->frames,
			 p->group, p->round);
		break;
	case TRIAL_CONNECTION:
		text_put(t, "probe connection");
		break;
	}
	put_packet(t, p->bytes, p->len);
}

void
path_plan_write(struct text *t, const struct trial *trial, bool with_heard)
{
	text_put(t, FIRST_LINE "\n");
	put_addr(t, "near", &trial->near);
	put_addr(t, "far", &trial->far);
	text_put(t, "port %u\nrounds %u\n", trial->port, trial->rounds);
	for (size_t i = 0; i < trial->count; i++) {
		put_probe(t, &trial->probes[i]);
	}
	for (size_t i = 0; with_heard && i < trial->heard.count; i++) {
		const struct trial_packet *p = &trial->heard.at[i];

		text_put(t, "heard %llu", (unsigned long long)p->ns);
		put_packet(t, p->bytes, p->len);
	}
	text_put(t, "end\n");
}

/* ---- reading */

enum stage { AT_FIRST, AT_NEAR, AT_FAR, AT_PORT, AT_ROUNDS, AT_REST, AT_END };

struct reader {
	struct trial *trial;
	enum stage stage;
	char *why;
	size_t words;
	char *word[WORDS_MAX];
};

static int
fail(const struct reader *r, const char *reason)
{
	return why_set(r->why, -1, "%s", reason);
}

static int
number(const struct reader *r, size_t word, unsigned long low,
       unsigned long high, unsigned long *out)
{
	const char *text = r->word[word];
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits] != '\0') {
		return fail(r, "a number is expected");
	}
	*out = strtoul(text, NULL, 10);
	if (*out < low || *out > high) {
		return fail(r, "a number is out of range");
	}
	return 0;
}

static int
read_addr(const struct reader *r, struct packet_addr *addr)
{
	memset(addr, 0, sizeof *addr);
	if (inet_pton(AF_INET, r->word[1], addr->bytes) == 1) {
		addr->family = 4;
		return 0;
	}
	memset(addr, 0, sizeof *addr);
	if (inet_pton(AF_INET6, r->word[1], addr->bytes) == 1) {
		addr->family = 6;
		return 0;
	}
	return fail(r, "an address is expected");
}

static ptrdiff_t
read_packet(const struct reader *r, uint8_t *out, size_t size)
{
	const char *hex = r->word[r->words - 1];
	ptrdiff_t len = hex_decode(out, size, hex, strlen(hex));

	return len > 0 ? len : fail(r, "a packet in hexadecimal is expected");
}

static int
add_probe(const struct reader *r, const struct trial_probe *like)
{
	struct trial *trial = r->trial;
	uint8_t bytes[TRIAL_PROBE_MAX];
	ptrdiff_t len = read_packet(r, bytes, sizeof bytes);

	if (len < 0) {
		return -1;
	}
	if (trial->count == TRIAL_PROBES_MAX) {
		return fail(r, "too many probes");
	}
	if (!trial_add(trial, like, bytes, (size_t)len)) {
		return fail(r, "the packet is not TCP");
	}
	if (trial->probes[trial->count - 1].sent.dst.family !=
	    trial->far.family) {
		return fail(r, "the packet has another IP version");
	}
	return 0;
}

static int
read_field(const struct reader *r)
{
	struct trial_probe like = { .kind = TRIAL_FIELD };
	unsigned long round = 0;

	like.field = field_find(r->word[2]);
	if (like.field == FIELDS) {
		return fail(r, "unknown field");
	}
	if (number(r, 3, 0, TRIAL_COUNT_MAX - 1, &round) < 0) {
		return -1;
	}
	like.round = (uint8_t)round;
	return add_probe(r, &like);
}

static int
read_frame(const struct reader *r)
{
	struct trial_probe like = { .kind = TRIAL_FRAME, .field = FIELDS };
	unsigned long role = 0;
	unsigned long frames = 0;
	unsigned long group = 0;
	unsigned long round = 0;

	if (number(r, 2, 0, FRAME_MAX - 1, &role) < 0 ||
	    number(r, 3, FRAME_BASE, FRAME_MAX, &frames) < 0 ||
	    number(r, 4, 1, TRIAL_COUNT_MAX * TRIAL_GROUPS, &group) < 0 ||
	    number(r, 5, 0, TRIAL_COUNT_MAX - 1, &round) < 0) {
		return -1;
	}
	like.role = (enum frame_role)role;
	like.frames = (uint8_t)frames;
	like.group = (uint16_t)group;
	like.round = (uint8_t)round;
	return add_probe(r, &like);
}

static int
read_probe(const struct reader *r)
{
	static const struct trial_probe connection = {
		.kind = TRIAL_CONNECTION,
		.field = FIELDS,
	};

	if (r->words == 5 && strcmp(r->word[1], "field") == 0) {
		return read_field(r);
	}
	if (r->words == 7 && strcmp(r->word[1], "frame") == 0) {
		return read_frame(r);
	}
	if (r->words == 3 && strcmp(r->word[1], "connection") == 0) {
		return add_probe(r, &connection);
	}
	return fail(r, "unknown probe");
}

static int
read_heard(const struct reader *r)
{
	uint8_t bytes[TRIAL_PACKET_MAX];
	ptrdiff_t len;
	size_t digits = strspn(r->word[1], "0123456789");

	/* 19 digits: nanoseconds until the year 2286. */
	if (r->words != 3 || digits == 0 || digits > 19 ||
	    r->word[1][digits] != '\0') {
		return fail(r, "'heard NANOSECONDS PACKET' is expected");
	}
	len = read_packet(r, bytes, sizeof bytes);
	if (len < 0) {
		return -1;
	}
	if (r->trial->heard.count == r->trial->heard.room) {
		return fail(r, "too many packets");
	}
	trial_note(&r->trial->heard, strtoull(r->word[1], NULL, 10), false,
		   bytes, (size_t)len);
	return 0;
}

/* The lines before the probes, each once, in their order. */
static int
read_head(struct reader *r)
{
	static const char *const names[] = {
		[AT_NEAR] = "near",
		[AT_FAR] = "far",
		[AT_PORT] = "port",
		[AT_ROUNDS] = "rounds",
	};
	struct trial *trial = r->trial;
	unsigned long value = 0;
	int rc;

	if (r->words != 2 || strcmp(r->word[0], names[r->stage]) != 0) {
		return why_set(r->why, -1, "'%s' is expected", names[r->stage]);
	}
	switch (r->stage) {
	case AT_NEAR:
		rc = read_addr(r, &trial->near);
		break;
	case AT_FAR:
		rc = read_addr(r, &trial->far);
		if (rc == 0 && trial->far.family != trial->near.family) {
			rc = fail(r, "an address of another IP version");
		}
		break;
	case AT_PORT:
		rc = number(r, 1, 1, UINT16_MAX, &value);
		trial->port = (uint16_t)value;
		break;
	default:
		rc = number(r, 1, 1, TRIAL_COUNT_MAX, &value);
		trial->rounds = (uint8_t)value;
		break;
	}
	r->stage++;
	return rc;
}

static int
split(struct reader *r, char *line)
{
	r->words = 0;
	for (;;) {
		if (r->words == WORDS_MAX) {
			return fail(r, "too many words");
		}
		r->word[r->words++] = line;
		line = strchr(line, ' ');
		if (!line) {
			return 0;
		}
		*line++ = '\0';
	}
}

static int
read_line(struct reader *r, char *line)
{
	if (r->stage == AT_FIRST) {
		r->stage++;
		return strcmp(line, FIRST_LINE) == 0
			? 0
			: fail(r, "not a plan, or of another version");
	}
	if (r->stage == AT_END) {
		return fail(r, "text follows the end");
	}
	if (split(r, line) < 0) {
		return -1;
	}
	if (r->stage < AT_REST) {
		return read_head(r);
	}
	if (strcmp(r->word[0], "probe") == 0 && r->words > 1) {
		return read_probe(r);
	}
	if (strcmp(r->word[0], "heard") == 0 && r->words > 1) {
		return read_heard(r);
	}
	if (strcmp(r->word[0], "end") == 0 && r->words == 1) {
		r->stage = AT_END;
		return 0;
	}
	return fail(r, "unknown line");
}

unsigned
path_plan_read(struct trial *trial, const char *bytes, size_t len, char *why)
{
	struct reader r = { .trial = trial, .why = why };
	char line[LINE_MAX_LEN];
	unsigned n = 0;

	trial_clear(trial);
	trial->heard.count = 0;
	while (len > 0) {
		const char *end = memchr(bytes, '\n', len);
		size_t room = end ? (size_t)(end - bytes) : len;

		n++;
		if (!end || room >= sizeof line || memchr(bytes, '\0', room)) {
			fail(&r,
			     end ? "the line is too long, or not text"
				 : "the line does not end");
			return n;
		}
		memcpy(line, bytes, room);
		line[room] = '\0';
		if (read_line(&r, line) < 0) {
			return n;
		}
		bytes += room + 1;
		len -= room + 1;
	}
	if (r.stage != AT_END || trial->count == 0) {
		fail(&r,
		     r.stage != AT_END ? "the plan is incomplete"
				       : "the plan has no probes");
		return n + 1;
	}
	return 0;
}
