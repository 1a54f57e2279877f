/* SPDX-License-Identifier: ISC */
/*
 * The corpus, each kind at every port, and what of the answers differs.
 * A kind that differs is sent again, w->rounds times in all: what differs
 * twice is no accident of a busy machine.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/answer.h"
#include "probes/known.h"
#include "probes/run.h"

#define AGAIN_MAX 150u /* kinds that are sent again */
#define SPORT_LOW 1024u
#define LATE_NS 400000000u   /* after the last packet */
#define FRAGS_NS 1700000000u /* a target that forgets pieces after 1 s */
#define ANSWERS_TEXT 1536u

struct place {
	uint16_t kind, port;
	uint32_t row; /* in texts */
};

struct corpus_run {
	const struct words *w;
	struct wire wire;
	struct corpus corpus;
	uint16_t ports[PORTS_MAX];
	size_t port_count;
	struct place places[65536]; /* of each tag, and source port */
	uint32_t used;              /* tags, from 1 on */
	uint16_t base;              /* of source ports */
	char *texts;                /* of a round: kind * ports + port */
	uint8_t *differs;           /* rounds, of kind * groups + group */
	uint8_t *rounds;            /* of each kind */
	char **shown;               /* of kind * groups + group */
};

static char *
text_of(struct corpus_run *r, size_t kind, size_t port)
{
	return r->texts + (kind * r->port_count + port) * ANSWERS_TEXT;
}

static size_t
index_of(const struct corpus_run *r, uint16_t port)
{
	size_t i = 0;

	while (i < r->port_count && r->ports[i] != port) {
		i++;
	}
	return i;
}

static void
take_ports(struct corpus_run *r)
{
	for (size_t i = 0; i < r->w->group_count; i++) {
		const struct group *g = &r->w->groups[i];

		for (size_t k = 0; k <= g->control_count; k++) {
			uint16_t port = k ? g->controls[k - 1] : g->hidden;

			if (index_of(r, port) == r->port_count) {
				if (r->port_count == PORTS_MAX) {
					die("too many ports");
				}
				r->ports[r->port_count++] = port;
			}
		}
	}
}

static struct spec
spec_of(const struct corpus_run *r, uint32_t tag)
{
	const struct place *p = &r->places[tag];
	struct spec s = r->corpus.kinds[p->kind].spec;

	s.sport = (uint16_t)(r->base + tag);
	s.dport = r->ports[p->port];
	s.tag = tag;
	return s;
}

static void
take_answers(struct corpus_run *r, uint64_t until)
{
	struct heard h;

	while (wire_next(&r->wire, &h, until)) {
		struct answer_key key;
		char text[ANSWER_TEXT];
		struct place *place;
		struct spec sent;
		uint32_t tag;
		char *all;
		size_t len;

		if (!answer_key(&key, &h, r->w->scene.v6)) {
			continue;
		}
		tag = key.icmp ? key.tag : (uint16_t)(key.dport - r->base);
		if (tag == 0 || tag > r->used) {
			continue;
		}
		place = &r->places[tag];
		sent = spec_of(r, tag);
		answer_text(text, &h, &sent);
		all = text_of(r, place->kind, place->port);
		len = strlen(all);
		snprintf(all + len, ANSWERS_TEXT - len, "%s%s%s",
			 len ? " + " : "", text,
			 !key.icmp && key.sport != sent.dport
				 ? " from another port"
				 : "");
	}
}

static bool
has_room(const struct corpus_run *r)
{
	return r->base + r->used + r->port_count < 65536;
}

static void
send_kind(struct corpus_run *r, size_t kind)
{
	size_t order[PORTS_MAX];

	for (size_t i = 0; i < r->port_count; i++) {
		size_t k = any() % (i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	for (size_t i = 0; i < r->port_count; i++) {
		struct packet pieces[PIECES_MAX];
		struct spec s;

		r->places[++r->used] = (struct place){
			.kind = (uint16_t)kind,
			.port = (uint16_t)order[i],
		};
		s = spec_of(r, r->used);
		wire_send(&r->wire, pieces, packet_build(pieces, &s));
		take_answers(r, wire_now() + r->w->pace_us * 1000);
	}
	r->rounds[kind]++;
}

/* Of some kinds; what came before is forgotten. */
static void
send_kinds(struct corpus_run *r, const size_t *kinds, size_t count)
{
	bool frags = false;

	memset(r->texts, 0, r->corpus.count * r->port_count * ANSWERS_TEXT);
	for (size_t i = 0; i < count && has_room(r); i++) {
		const struct spec *s = &r->corpus.kinds[kinds[i]].spec;

		frags |= s->missing || s->ext_count;
		send_kind(r, kinds[i]);
	}
	take_answers(r, wire_now() + (frags ? FRAGS_NS : LATE_NS));
}

static const char *
or_nothing(const char *text)
{
	return *text ? text : "nothing";
}

/* Whether a port's answers are those of no control. */
static bool
differs(struct corpus_run *r, size_t kind, const struct group *g,
	const char **control)
{
	const char *hidden = text_of(r, kind, index_of(r, g->hidden));

	for (size_t i = 0; i < g->control_count; i++) {
		*control = text_of(r, kind, index_of(r, g->controls[i]));
		if (strcmp(hidden, *control) == 0) {
			return false;
		}
	}
	return true;
}

/* After a round of these kinds; where the rest is to go, it does. */
static size_t
judge(struct corpus_run *r, size_t *kinds, size_t count, bool keep_differing)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		bool any_differs = false;

		for (size_t k = 0; k < r->w->group_count; k++) {
			const struct group *g = &r->w->groups[k];
			size_t at = kinds[i] * r->w->group_count + k;
			const char *control = "";
			char line[2 * ANSWERS_TEXT + 64];

			if (!differs(r, kinds[i], g, &control)) {
				continue;
			}
			any_differs = true;
			r->differs[at]++;
			if (r->shown[at]) {
				continue;
			}
			snprintf(line, sizeof line, "hidden: %s; control: %s",
				 or_nothing(text_of(r, kinds[i],
						    index_of(r, g->hidden))),
				 or_nothing(control));
			r->shown[at] = strdup(line);
		}
		if (any_differs && keep_differing) {
			kinds[left++] = kinds[i];
		}
	}
	return left;
}

static void
list_answers(struct corpus_run *r)
{
	for (size_t i = 0; i < r->corpus.count; i++) {
		for (size_t k = 0; k < r->port_count; k++) {
			printf("%u\t%s\t%s\n", r->ports[k],
			       r->corpus.kinds[i].name,
			       or_nothing(text_of(r, i, k)));
		}
	}
}

/* How many kinds got an answer at a port: without any, nothing is tested. */
static size_t
answered(struct corpus_run *r, uint16_t port)
{
	size_t count = 0;

	for (size_t i = 0; i < r->corpus.count; i++) {
		count += *text_of(r, i, index_of(r, port)) != '\0';
	}
	return count;
}

/* ---- the report */

/* Kinds of one group and family with the same answers stand in a line. */
static size_t
report_group(struct corpus_run *r, size_t group)
{
	const struct words *w = r->w;
	const struct group *g = &w->groups[group];
	size_t bad = 0;
	bool *told = calloc(r->corpus.count, sizeof *told);

	for (size_t i = 0; told && i < r->corpus.count; i++) {
		size_t at = i * w->group_count + group;
		const char *name = r->corpus.kinds[i].name;
		size_t family = strcspn(name, " ");
		size_t same = 0;

		if (told[i] || r->differs[at] == 0) {
			continue;
		}
		if (r->differs[at] < 2 && r->rounds[i] >= w->rounds) {
			printf("%s/%s/%s: differed once of %u: %s\n",
			       w->variant, g->name, name, r->rounds[i],
			       r->shown[at]);
			continue;
		}
		if (known_has(w->variant, g->name, name)) {
			continue;
		}
		printf("%s/%s/%s", w->variant, g->name, name);
		for (size_t k = i + 1; k < r->corpus.count; k++) {
			const struct kind *kind = &r->corpus.kinds[k];
			size_t other = k * w->group_count + group;

			if (r->differs[other] && r->shown[other] &&
			    strncmp(kind->name, name, family + 1) == 0 &&
			    strcmp(r->shown[other], r->shown[at]) == 0 &&
			    !known_has(w->variant, g->name, kind->name)) {
				told[k] = true;
				same++;
				if (same < 12) {
					printf(",%s", kind->name + family);
				}
			}
		}
		bad += 1 + same;
		printf("%s (%zu kinds): %s\n", same >= 12 ? ", ..." : "",
		       1 + same, r->shown[at]);
	}
	free(told);
	return bad;
}

int
run_corpus(const struct words *w)
{
	struct corpus_run *r = calloc(1, sizeof *r);
	size_t *kinds = calloc(KINDS_MAX, sizeof *kinds);
	size_t count = 0;
	size_t bad = 0;

	if (!r || !kinds) {
		die("memory");
	}
	r->w = w;
	take_ports(r);
	known_read(w->known);
	corpus_make(&r->corpus, &w->scene);
	r->texts = calloc(r->corpus.count * r->port_count, ANSWERS_TEXT);
	r->differs = calloc(r->corpus.count, w->group_count);
	r->rounds = calloc(r->corpus.count, 1);
	r->shown = calloc(r->corpus.count * w->group_count, sizeof *r->shown);
	if (!r->texts || !r->differs || !r->rounds || !r->shown) {
		die("memory");
	}
	r->base = (uint16_t)(SPORT_LOW + any() % 2048);
	wire_open(&r->wire, w->scene.v6, w->device, w->mac);
	for (size_t i = 0; i < r->corpus.count; i++) {
		if (!w->only ||
		    fnmatch(w->only, r->corpus.kinds[i].name, 0) == 0) {
			size_t k = any() % (count + 1);

			kinds[count++] = kinds[k];
			kinds[k] = i;
		}
	}
	send_kinds(r, kinds, count);
	if (w->list) {
		list_answers(r);
	}
	printf("%s: %zu kinds at %zu ports;", w->variant, count, r->port_count);
	for (size_t i = 0; i < r->port_count; i++) {
		printf(" %u answered %zu", r->ports[i],
		       answered(r, r->ports[i]));
	}
	printf("\n");
	for (unsigned round = 1; count > 0; round++) {
		size_t left = judge(r, kinds, count, round == 1);

		if (round == 1) {
			count = left < AGAIN_MAX ? left : AGAIN_MAX;
		}
		if (round == r->w->rounds || count == 0) {
			break;
		}
		send_kinds(r, kinds, count);
	}
	for (size_t i = 0; i < w->group_count; i++) {
		bad += report_group(r, i);
	}
	bad += known_tell_gone(w);
	printf("%s: %zu differ\n", w->variant, bad);
	return bad ? 1 : 0;
}
