/* SPDX-License-Identifier: ISC */
/*
 * What is not in a single answer: their order, how many come at once, and
 * when.  What differs is measured again, and has to do so again.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probes/answer.h"
#include "probes/known.h"
#include "probes/run.h"

#define PATIENCE_NS 300000000u
#define BURST_MAX 33u
#define AT_ONCE 3000u
#define LOST_OF 100u /* one of so many may be lost on a busy machine */
/* Between two bursts: fewer SYNs a second than what counts as a flood. */
#define GAP_NS 2000000u
#define SYNS 30u /* ahead of a ping */
#define PING_ID 0x7a70u
/* Standard deviations; twice, in the same direction: once in 10^9 runs. */
#define FAR 4.0

static struct wire wire;
static uint16_t next_sport = 1024;

static uint16_t
fresh_sport(void)
{
	next_sport = next_sport < 65000 ? next_sport + 1 : 1025;
	return next_sport;
}

static void
begin(const struct words *w)
{
	next_sport = (uint16_t)(1024 + any() % 60000);
	wire_open(&wire, w->scene.v6, w->device, w->mac);
}

/* What is still on its way is nobody's any more. */
static void
drain(uint64_t ns)
{
	static struct heard h;

	while (wire_next(&wire, &h, wire_now() + ns)) {
	}
}

static void
build_one(struct packet *out, const struct spec *s)
{
	struct packet pieces[PIECES_MAX];

	packet_build(pieces, s);
	*out = pieces[0];
}

/* ---- the order of answers */

struct order_count {
	unsigned long early, late, silent, all;
};

/*
 * `others` SYNs to closed ports, and one to this port at a place among
 * them: where its answer stands among theirs.
 */
static void
burst(const struct words *w, uint16_t port, size_t others, size_t place,
      struct order_count *count)
{
	static struct packet packets[BURST_MAX];
	uint16_t sports[BURST_MAX];
	size_t came = 0;
	size_t stands = BURST_MAX;
	uint64_t until;
	struct heard h;

	for (size_t i = 0; i <= others; i++) {
		struct spec s = corpus_usual(&w->scene);

		sports[i] = s.sport = fresh_sport();
		s.dport = i == place ? port : (uint16_t)(w->closed + i % 32);
		s.seq = any();
		s.tag = any() % 0xffff + 1;
		build_one(&packets[i], &s);
	}
	wire_send(&wire, packets, others + 1);
	until = wire_now() + PATIENCE_NS;
	while (came <= others && wire_next(&wire, &h, until)) {
		struct answer_key key;

		if (!answer_key(&key, &h, w->scene.v6) || key.icmp) {
			continue;
		}
		for (size_t i = 0; i <= others; i++) {
			if (sports[i] == key.dport) {
				stands = i == place ? came : stands;
				came++;
			}
		}
	}
	count->all++;
	count->silent += stands == BURST_MAX;
	count->early += stands < place;
	count->late += stands > place && stands < BURST_MAX;
}

static double
apart(unsigned long a, unsigned long n, unsigned long b, unsigned long m)
{
	double p = (double)(a + b) / (double)(n + m);
	double variance = p * (1 - p) * (1 / (double)n + 1 / (double)m);

	return variance > 0 ? ((double)a / (double)n - (double)b / (double)m) /
			sqrt(variance)
			    : 0;
}

/* Standard deviations between a hidden port and a control. */
static double
compare_order(const struct words *w, const struct group *g)
{
	static const size_t sizes[] = { 1, 8, 32 };
	struct order_count counts[2] = { { 0 } };
	double worst = 0;

	for (unsigned long i = 0; i < w->count; i++) {
		for (size_t k = 0; k < 9; k++) {
			size_t others = sizes[k / 3];
			size_t place = k % 3 * others / 2;
			unsigned first = any() % 2;

			for (unsigned n = 0; n < 2; n++) {
				unsigned side = (first + n) % 2;

				burst(w, side ? g->controls[0] : g->hidden,
				      others, place, &counts[side]);
			}
		}
	}
	printf("%s/%s/burst: of %lu, hidden: early %lu, late %lu, silent %lu; "
	       "control: early %lu, late %lu, silent %lu\n",
	       w->variant, g->name, counts[0].all, counts[0].early,
	       counts[0].late, counts[0].silent, counts[1].early,
	       counts[1].late, counts[1].silent);
	worst = fmax(worst,
		     fabs(apart(counts[0].early, counts[0].all, counts[1].early,
				counts[1].all)));
	worst = fmax(worst,
		     fabs(apart(counts[0].late, counts[0].all, counts[1].late,
				counts[1].all)));
	return fmax(worst,
		    fabs(apart(counts[0].silent, counts[0].all,
			       counts[1].silent, counts[1].all)));
}

int
run_burst(const struct words *w)
{
	int status = 0;

	begin(w);
	known_read(w->known);
	for (size_t i = 0; i < w->group_count; i++) {
		const struct group *g = &w->groups[i];

		if (compare_order(w, g) > FAR && compare_order(w, g) > FAR) {
			printf("%s/%s/burst: differs\n", w->variant, g->name);
			status |= !known_has(w->variant, g->name, "burst");
		}
	}
	return status | (known_tell_gone(w) > 0);
}

/* ---- how many answers come */

static void
set_rate_kind(struct spec *s, size_t kind)
{
	static const uint8_t bad_option[] = { 8, 0xff, 1, 1 };
	static const uint8_t nops[] = { 1, 1, 1, 0 };

	s->opts_len = 0;
	switch (kind) {
	case 0:
		s->flags = ACK;
		s->ack = 77;
		if (!s->v6) {
			memcpy(s->ipopts, nops, 4);
			s->ipopts_len = 4;
			break;
		}
		s->ext_count = 1;
		s->exts[0] =
			(struct ext){ DESTINATION, 7, { 0, 1, 4, 0, 0, 0, 0 } };
		break;
	case 1:
		s->flags = FIN;
		memcpy(s->opts, bad_option, 4);
		s->opts_len = 4;
		break;
	default:
		break;
	}
}

static unsigned
answers_at_once(const struct words *w, uint16_t port, size_t kind)
{
	static struct packet packets[AT_ONCE];
	static bool asked[65536];
	unsigned count = 0;
	struct heard h;

	memset(asked, 0, sizeof asked);
	for (size_t i = 0; i < AT_ONCE; i++) {
		struct spec s = corpus_usual(&w->scene);

		s.sport = fresh_sport();
		s.dport = port;
		s.tag = s.sport;
		set_rate_kind(&s, kind);
		asked[s.sport] = true;
		build_one(&packets[i], &s);
	}
	wire_send(&wire, packets, AT_ONCE);
	while (wire_next(&wire, &h, wire_now() + PATIENCE_NS)) {
		struct answer_key key;

		if (answer_key(&key, &h, w->scene.v6)) {
			count +=
				asked[key.icmp ? (uint16_t)key.tag : key.dport];
		}
	}
	return count;
}

int
run_rate(const struct words *w)
{
	static const char *const names[] = { "acks with options",
					     "fins with a broken option",
					     "syns" };
	int status = 0;

	begin(w);
	for (size_t i = 0; i < w->group_count * 3; i++) {
		const struct group *g = &w->groups[i / 3];
		unsigned bad = 0;

		/* Three tries: what is lost is not lost at one port only. */
		for (unsigned try = 0; try < 3 && bad == try; try++) {
			unsigned hidden = answers_at_once(w, g->hidden, i % 3);
			unsigned control =
				answers_at_once(w, g->controls[0], i % 3);

			printf("%s/%s/rate %s: of %u, hidden: %u; control: "
			       "%u\n",
			       w->variant, g->name, names[i % 3], AT_ONCE,
			       hidden, control);
			bad += abs((int)hidden - (int)control) >
				(int)(AT_ONCE / LOST_OF);
		}
		if (bad == 3) {
			printf("%s/%s/rate %s: differs\n", w->variant, g->name,
			       names[i % 3]);
			status = 1;
		}
	}
	return status;
}

/* ---- pings */

/* Echo request and reply, of IPv4 and IPv6. */
static uint8_t
echo_type(bool v6, bool reply)
{
	return v6 ? 128 + reply : reply ? 0 : 8;
}

static void
build_ping(struct packet *out, const struct scene *scene, const uint8_t *src,
	   uint16_t number, size_t size)
{
	uint8_t echo[1500] = { echo_type(scene->v6, false) };

	put16(echo + 4, PING_ID);
	put16(echo + 6, number);
	put16(echo + 2,
	      packet_sum(scene->v6, scene->v6 ? src : NULL, scene->dst, ICMP6,
			 echo, 8 + size));
	packet_wrap(out, scene->v6, src, scene->dst, scene->v6 ? ICMP6 : ICMP4,
		    echo, 8 + size);
}

/* The answer's time, 0 where there is none; its packet in h. */
static uint64_t
await_ping(const struct words *w, uint16_t number, struct heard *h)
{
	uint64_t until = wire_now() + PATIENCE_NS;
	bool v6 = w->scene.v6;

	while (wire_next(&wire, h, until)) {
		const uint8_t *at = h->bytes + (v6 ? 40 : 20);
		uint8_t protocol = h->bytes[v6 ? 6 : 9];

		if (v6 && protocol == FRAGMENT) {
			protocol = at[0];
			at += 8;
		}
		if (protocol == (v6 ? ICMP6 : ICMP4) &&
		    at[0] == echo_type(v6, true) && get16(at + 4) == PING_ID &&
		    get16(at + 6) == number) {
			return h->ns;
		}
	}
	return 0;
}

/*
 * A ping behind `count` SYNs; how long both took, in ns.  The kernel of one
 * machine is done with each before the next is sent.
 */
static uint64_t
ping_behind(const struct words *w, const struct spec *syns, size_t count)
{
	static struct packet packets[SYNS + 1];
	static struct heard h;
	static uint16_t number;
	uint64_t begun, ended;

	for (size_t i = 0; i < count; i++) {
		build_one(&packets[i], &syns[i]);
	}
	build_ping(&packets[count], &w->scene, w->scene.src, ++number, 32);
	begun = wire_now();
	wire_send(&wire, packets, count + 1);
	ended = await_ping(w, number, &h);
	return ended > begun ? ended - begun : 0;
}

static int
compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* What two pings of a pair are behind. */
struct rivals {
	const char *what, *names[2];
	size_t syns;
	void (*make)(const struct words *w, const struct group *g,
		     uint16_t control, struct spec *out);
};

/*
 * Standard deviations, of which is slower in a pair; positive: the first.  A
 * control of 0 is the hidden port itself.
 */
static double
compare_pings(const struct words *w, const struct group *g,
	      const struct rivals *rivals, uint16_t control)
{
	uint64_t *took[2];
	unsigned long slower = 0;
	unsigned long pairs = 0;
	double medians[2];
	double sigma;

	for (unsigned side = 0; side < 2; side++) {
		took[side] = calloc(w->count, sizeof **took);
		if (!took[side]) {
			die("memory");
		}
	}
	for (unsigned long i = 0; i < w->count; i++) {
		unsigned first = any() % 2;

		for (unsigned n = 0; n < 2; n++) {
			unsigned side = (first + n) % 2;
			struct spec syns[SYNS];

			for (size_t k = 0; k < rivals->syns; k++) {
				syns[k] = corpus_usual(&w->scene);
				syns[k].sport = fresh_sport();
				syns[k].window = (uint16_t)any();
				syns[k].seq = any();
				rivals->make(w, g, side ? control : 0,
					     &syns[k]);
			}
			drain(GAP_NS);
			took[side][pairs] = ping_behind(w, syns, rivals->syns);
		}
		if (took[0][pairs] && took[1][pairs]) {
			slower += took[0][pairs] > took[1][pairs];
			pairs++;
		}
	}
	if (pairs < w->count / 2 || pairs == 0) {
		fprintf(stderr, "probes: pings are not answered\n");
		exit(3);
	}
	for (unsigned side = 0; side < 2; side++) {
		qsort(took[side], pairs, sizeof **took, compare_ns);
		medians[side] = (double)took[side][pairs / 2] / 1000;
		free(took[side]);
	}
	sigma = ((double)slower - (double)pairs / 2) /
		(sqrt((double)pairs) / 2);
	printf("%s/%s/%s: %s slower than %s %u in %lu of %lu pairs (%+.1f "
	       "sigma); medians %.1f and %.1f us\n",
	       w->variant, g->name, rivals->what, rivals->names[0],
	       rivals->names[1], control, slower, pairs, sigma, medians[0],
	       medians[1]);
	return sigma;
}

/* Which way it differs, by more than chance: slower 1, faster -1, or 0. */
static int
way_of(double sigma)
{
	return fabs(sigma) < FAR ? 0 : sigma > 0 ? 1 : -1;
}

/* The same, twice. */
static int
compare_twice(const struct words *w, const struct group *g,
	      const struct rivals *rivals, uint16_t control)
{
	int way = way_of(compare_pings(w, g, rivals, control));

	if (way == 0 || way != way_of(compare_pings(w, g, rivals, control))) {
		return 0;
	}
	return way;
}

/*
 * Ports that the same rule set drops differ by the place of their rules:
 * what is between two controls is as they are.
 */
static int
judge_pings(const struct words *w, const struct rivals *rivals)
{
	int status = 0;

	begin(w);
	known_read(w->known);
	for (size_t i = 0; i < w->group_count; i++) {
		const struct group *g = &w->groups[i];
		int ways = 0;

		for (size_t k = 0; k < g->control_count; k++) {
			int way = compare_twice(w, g, rivals, g->controls[k]);

			if (k > 0 && way != ways) {
				way = 0;
			}
			ways = way;
			if (way == 0) {
				break;
			}
		}
		if (ways != 0) {
			printf("%s/%s/%s: differs\n", w->variant, g->name,
			       rivals->what);
			status |= !known_has(w->variant, g->name, rivals->what);
		}
	}
	return status | (known_tell_gone(w) > 0);
}

static void
to_port(const struct words *w, const struct group *g, uint16_t control,
	struct spec *out)
{
	(void)w;
	out->dport = control ? control : g->hidden;
}

/* Six whole groups of five by who has no key, half of them name one that is. */
static void
in_group(const struct words *w, const struct group *g, uint16_t control,
	 struct spec *out)
{
	static unsigned sent;
	static uint16_t window;
	static uint32_t key;

	to_port(w, g, control, out);
	if (sent % 5 == 0) {
		window = (uint16_t)any();
		key = w->key_no + any() % 2;
	}
	out->window = window;
	switch (sent++ % 5) {
	case 0:
		out->seq = 2u << 29 | ((uint32_t)time(NULL) & 0x1fffffff);
		break;
	case 1:
		out->seq = 1u << 29 | 1u << 24 | key << 8 | (any() & 255);
		break;
	case 2:
		out->seq = 3u << 30 | any() >> 2;
		break;
	case 3:
		out->seq = 2u << 30 | any() >> 2;
		break;
	default:
		break;
	}
}

int
run_ping(const struct words *w)
{
	static const struct rivals of_all[] = {
		{ "ping", { "hidden", "control" }, SYNS, to_port },
		{ "groups", { "hidden", "control" }, SYNS, in_group },
	};
	int status = 0;

	for (size_t i = 0; i < sizeof of_all / sizeof of_all[0]; i++) {
		status |= judge_pings(w, &of_all[i]);
	}
	return status;
}

/* The frame that names a key, of a group of five. */
static void
with_key(const struct words *w, const struct group *g, uint16_t control,
	 struct spec *out)
{
	uint32_t key = control ? w->key_no + 1 + any() % 50000 : w->key_no;

	out->dport = g->hidden;
	out->seq = 1u << 29 | 1u << 24 | (key & 0xffff) << 8 | (any() & 255);
}

int
run_heads(const struct words *w)
{
	static const struct rivals rivals = {
		"heads", { "a key that is", "one that is not at" }, 1, with_key
	};

	return judge_pings(w, &rivals);
}

/* ---- the path MTU, which somebody says is small */

/* RFC 792, 4443: the first bytes of what the target is said to have sent. */
static void
build_too_big(struct packet *out, const struct scene *scene, const uint8_t *src,
	      uint16_t port)
{
	struct spec s = corpus_usual(scene);
	struct packet said;
	uint8_t error[128] = { scene->v6 ? 2 : 3, scene->v6 ? 0 : 4 };
	size_t quoted = scene->v6 ? 60 : 40;

	memcpy(s.src, scene->dst, 16);
	memcpy(s.dst, src, 16);
	s.sport = port;
	s.dport = 4711;
	s.flags = ACK;
	s.data_len = 1200;
	build_one(&said, &s);
	memcpy(error + 8, said.bytes, quoted);
	put32(error + 4, scene->v6 ? 1280 : 600);
	put16(error + 2,
	      packet_sum(scene->v6, scene->v6 ? src : NULL, scene->dst, ICMP6,
			 error, 8 + quoted));
	packet_wrap(out, scene->v6, src, scene->dst, scene->v6 ? ICMP6 : ICMP4,
		    error, 8 + quoted);
}

/* Whether a large ping comes back in one piece. */
static bool
is_whole(const struct words *w, const uint8_t *src, uint16_t number)
{
	static struct packet ping;
	static struct heard h;
	size_t size = w->scene.v6 ? 1400 : 1200;

	build_ping(&ping, &w->scene, src, number, size);
	wire_send(&wire, &ping, 1);
	if (await_ping(w, number, &h) == 0) {
		fprintf(stderr, "probes: a large ping is not answered\n");
		exit(3);
	}
	return h.len >= size + 8 &&
		(w->scene.v6 ? h.bytes[6] == ICMP6
			     : (get16(h.bytes + 6) & 0x3fff) == 0);
}

int
run_pmtu(const struct words *w)
{
	uint8_t src[16];
	unsigned last = 210; /* the target remembers each for minutes */
	int status = 0;

	begin(w);
	memcpy(src, w->scene.src, 16);
	for (size_t i = 0; i < w->group_count; i++) {
		const struct group *g = &w->groups[i];
		struct packet packet;
		bool before, after;

		src[w->scene.v6 ? 15 : 3] = (uint8_t)last++;
		before = is_whole(w, src, (uint16_t)(2 * i));
		build_too_big(&packet, &w->scene, src, g->hidden);
		wire_send(&wire, &packet, 1);
		drain(1000000);
		after = is_whole(w, src, (uint16_t)(2 * i + 1));
		printf("%s/%s/pmtu: %s before, %s after\n", w->variant, g->name,
		       before ? "whole" : "in pieces",
		       after ? "whole" : "in pieces");
		if (!before || !after) {
			printf("%s/%s/pmtu: differs\n", w->variant, g->name);
			status = 1;
		}
	}
	return status;
}
