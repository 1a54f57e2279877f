/* SPDX-License-Identifier: ISC */
/*
 * Strangers' connections to hidden ports: behind any packet from the same
 * source port, or by a SYN cookie.  What they must never hear is w->text.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/answer.h"
#include "probes/run.h"

#define SPORT_LOW 1024u
#define SPORTS 60000u
#define LATE_NS 700000000u
#define SHOWN 10u
#define COOKIES 20u /* of each port */

static struct wire wire;
static struct corpus corpus;

/* A connection, by its source port. */
static struct {
	uint32_t isn;
	uint16_t port, kind;
	uint8_t group;
	bool answered;
} tries[65536];

static struct {
	unsigned long pairs, answered, greeted, let_in;
} counts[GROUPS_MAX];

static uint16_t order[KINDS_MAX]; /* of kinds: each comes, none at its time */
static size_t kind_count;

static void
send_one(const struct spec *s)
{
	struct packet pieces[PIECES_MAX];

	wire_send(&wire, pieces, packet_build(pieces, s));
}

/* Of the connection with this source port. */
static struct spec
segment(const struct words *w, uint16_t sport, uint8_t flags, uint32_t seq,
	uint32_t ack)
{
	struct spec s = corpus_usual(&w->scene);

	s.sport = sport;
	s.dport = tries[sport].port;
	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	s.opts_len = 0;
	s.tag = sport;
	return s;
}

static bool
says(const uint8_t *data, size_t len, const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i + size <= len; i++) {
		if (memcmp(data + i, text, size) == 0) {
			return true;
		}
	}
	return false;
}

/* Where strangers reach nothing, not even something else. */
static bool
is_mute(const struct words *w, unsigned group)
{
	return strcmp(w->groups[group].name, "filtered") == 0 ||
		strcmp(w->groups[group].name, "closed") == 0;
}

static void
breach(const struct words *w, uint16_t sport, const char *what)
{
	unsigned group = tries[sport].group;

	if (counts[group].let_in++ < SHOWN) {
		printf("%s/%s/%s: %s\n", w->variant, w->groups[group].name,
		       corpus.kinds[tries[sport].kind].name, what);
	}
}

/* Go on with a connection as far as a text. */
static void
take(const struct words *w, const struct heard *h)
{
	size_t len = 0;
	const uint8_t *tcp = answer_tcp(h, w->scene.v6, &len);
	size_t header = tcp ? (tcp[12] >> 4) * 4u : 0;
	uint16_t sport = tcp ? get16(tcp + 2) : 0;
	unsigned group = tries[sport].group;
	struct spec s;

	if (!tcp || tries[sport].port == 0 || header > len) {
		return;
	}
	if (len > header) {
		counts[group].greeted++;
		if (says(tcp + header, len - header, w->text)) {
			breach(w, sport, "let in");
		}
		s = segment(w, sport, RST | ACK, get32(tcp + 8),
			    get32(tcp + 4) + (uint32_t)(len - header));
		send_one(&s);
		return;
	}
	if ((tcp[13] & (SYN | ACK | RST)) == (SYN | ACK) &&
	    get32(tcp + 8) == tries[sport].isn + 1) {
		if (!tries[sport].answered && is_mute(w, group)) {
			breach(w, sport, "SYN/ACK");
		}
		counts[group].answered += !tries[sport].answered;
		tries[sport].answered = true;
		s = segment(w, sport, ACK, tries[sport].isn + 1,
			    get32(tcp + 4) + 1);
		send_one(&s);
	}
}

static void
take_all(const struct words *w, uint64_t until)
{
	static struct heard h;

	while (wire_next(&wire, &h, until)) {
		take(w, &h);
	}
}

static void
shuffle_kinds(const struct words *w)
{
	size_t count = 0;

	for (size_t i = 0; i < corpus.count; i++) {
		size_t k = any() % (count + 1);

		if (w->only && fnmatch(w->only, corpus.kinds[i].name, 0) != 0) {
			continue;
		}
		order[count++] = order[k];
		order[k] = (uint16_t)i;
	}
	kind_count = count;
}

static void
begin_pair(const struct words *w, uint16_t sport, uint8_t group)
{
	uint16_t kind = order[counts[group].pairs++ % kind_count];
	struct spec first = corpus.kinds[kind].spec;
	struct spec syn = corpus_usual(&w->scene);

	tries[sport].port = first.dport = w->groups[group].hidden;
	tries[sport].group = group;
	tries[sport].kind = kind;
	tries[sport].isn = any();
	tries[sport].answered = false;
	first.sport = sport;
	first.tag = sport;
	send_one(&first);
	if (any() % 8 == 0) {
		take_all(w, wire_now() + 1000000);
	}
	syn.sport = sport;
	syn.dport = first.dport;
	syn.seq = tries[sport].isn;
	syn.tag = sport;
	syn.opts_len = any() % 4 ? syn.opts_len : 0;
	send_one(&syn);
}

int
run_pairs(const struct words *w)
{
	unsigned long pairs;
	int status = 0;

	if (!w->text) {
		fprintf(stderr, "probes: text= is wanted\n");
		return 2;
	}
	corpus_make(&corpus, &w->scene);
	shuffle_kinds(w);
	wire_open(&wire, w->scene.v6, w->device, w->mac);
	pairs = w->count ? w->count : kind_count * w->group_count;
	for (unsigned long i = 0; i < pairs; i++) {
		begin_pair(w, (uint16_t)(SPORT_LOW + i % SPORTS),
			   (uint8_t)(i % w->group_count));
		take_all(w, wire_now() + w->pace_us * 1000);
	}
	take_all(w, wire_now() + LATE_NS);
	for (size_t i = 0; i < w->group_count; i++) {
		printf("%s/%s: %lu pairs, %lu connected, %lu heard a text, %lu "
		       "were let in\n",
		       w->variant, w->groups[i].name, counts[i].pairs,
		       counts[i].answered, counts[i].greeted, counts[i].let_in);
		status |= counts[i].let_in > 0;
		/* Strangers do reach a decoy, or nothing is tested. */
		if (strcmp(w->groups[i].name, "decoy") == 0 &&
		    counts[i].greeted < counts[i].pairs / 4) {
			printf("%s/%s: the decoy is hardly reached\n",
			       w->variant, w->groups[i].name);
			status = 1;
		}
	}
	return status;
}

/* ---- SYN cookies: taken while a port is open, used when it is hidden */

static int
take_cookies(const struct words *w, FILE *file)
{
	unsigned long got = 0;
	uint16_t sport = SPORT_LOW;
	struct heard h;

	for (size_t i = 0; i < w->group_count * COOKIES; i++) {
		struct spec s;

		tries[++sport].port = w->groups[i / COOKIES].hidden;
		tries[sport].isn = any();
		s = segment(w, sport, SYN, tries[sport].isn, 0);
		send_one(&s);
	}
	while (wire_next(&wire, &h, wire_now() + LATE_NS)) {
		size_t len = 0;
		const uint8_t *tcp = answer_tcp(&h, w->scene.v6, &len);
		uint16_t to = tcp ? get16(tcp + 2) : 0;

		if (tcp && tries[to].port && (tcp[13] & 0x17) == (SYN | ACK)) {
			fprintf(file, "%u %u %u %u\n", to, tries[to].port,
				tries[to].isn, get32(tcp + 4));
			got++;
		}
	}
	printf("%s: %lu cookies\n", w->variant, got);
	return got == w->group_count * COOKIES ? 0 : 1;
}

static int
use_cookies(const struct words *w, FILE *file)
{
	unsigned sport, port, isn, cookie;
	unsigned long used = 0;
	unsigned long in = 0;

	corpus_make(&corpus, &w->scene);
	while (fscanf(file, "%u %u %u %u", &sport, &port, &isn, &cookie) == 4) {
		struct spec s;

		tries[sport & 0xffff].port = (uint16_t)port;
		tries[sport & 0xffff].isn = isn;
		for (uint8_t i = 0; i < w->group_count; i++) {
			if (w->groups[i].hidden == port) {
				tries[sport & 0xffff].group = i;
			}
		}
		s = segment(w, (uint16_t)sport, ACK, isn + 1, cookie + 1);
		send_one(&s);
		used++;
		take_all(w, wire_now() + 1000000);
	}
	take_all(w, wire_now() + LATE_NS);
	for (size_t i = 0; i < w->group_count; i++) {
		in += counts[i].let_in;
	}
	printf("%s: %lu cookies, %lu were let in\n", w->variant, used, in);
	return used == 0 || in ? 1 : 0;
}

int
run_cookies(const struct words *w, bool taking)
{
	FILE *file = w->file ? fopen(w->file, taking ? "we" : "re") : NULL;
	int status;

	if (!file || !w->text) {
		die("text= and file=");
	}
	wire_open(&wire, w->scene.v6, w->device, w->mac);
	status = taking ? take_cookies(w, file) : use_cookies(w, file);
	fclose(file);
	return status;
}
