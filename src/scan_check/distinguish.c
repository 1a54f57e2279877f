#include "scan_check/distinguish.h"

#include <string.h>

#include "base/bytes.h"

/* Values of DISTINGUISH_ANSWER. */
#define VALUE_NONE 0u
#define VALUE_TCP 0x10000u
#define VALUE_UDP 0x20000u
#define VALUE_ICMP 0x30000u

/*
 * An acknowledgement may be this much ahead of our sequence number: the data.
 */
#define BEHIND_MAX 256u

/* Values of DISTINGUISH_SEQ and DISTINGUISH_ACK; OURS_SEQ: so much behind ours.
 */
enum number_value {
	NUMBER_ZERO,
	NUMBER_OWN,
	NUMBER_OUR_ACK,
	NUMBER_OUR_SEQ,
};

/* Values of DISTINGUISH_ID. */
enum id_value { ID_ZERO, ID_SAME, ID_STEP, ID_JUMP, ID_ECHO };

/* A shared counter advances by less than this between two answers. */
#define ID_STEP_MAX 4096u

enum tcp_option { OPTION_END, OPTION_NOP, OPTION_TIMES = 8 };

static uint32_t
number_value(uint32_t number, const struct probe_numbers *ours)
{
	if (number == 0) {
		return NUMBER_ZERO;
	}
	if (number - ours->seq < BEHIND_MAX) {
		return NUMBER_OUR_SEQ + (number - ours->seq);
	}
	return number == ours->ack ? NUMBER_OUR_ACK : NUMBER_OWN;
}

/* Compare all options but the value of the time stamp, which always differs. */
static void
take_options(struct distinguish_sample *s, const struct answer *a)
{
	size_t at = 0;
	uint32_t hash = 2166136261u; /* FNV-1a */

	s->options_len = (uint8_t)a->options_len;
	memcpy(s->options, a->options, a->options_len);
	while (at < a->options_len && a->options[at] != OPTION_END) {
		size_t left = a->options_len - at;
		size_t len = 1;

		if (a->options[at] != OPTION_NOP) {
			len = left < 2 ? left : a->options[at + 1];
		}
		if (len == 0 || len > left) {
			break;
		}
		if (a->options[at] == OPTION_TIMES && len > 2) {
			memset(s->options + at + 2, 0, len - 2);
		}
		at += len;
	}
	for (size_t i = 0; i < a->options_len; i++) {
		hash = (hash ^ s->options[i]) * 16777619u;
	}
	s->values[DISTINGUISH_OPTIONS] = a->options_len ? hash : 0;
}

static uint32_t
answer_value(const struct answer *a)
{
	switch (a->kind) {
	case ANSWER_TCP:
		return VALUE_TCP | a->flags;
	case ANSWER_UDP:
		return VALUE_UDP;
	case ANSWER_ICMP:
		return VALUE_ICMP | (uint32_t)a->type << 8 | a->code;
	}
	return VALUE_NONE;
}

void
distinguish_observe(struct distinguish_sample *s, const struct answer *a,
		    const struct packet_addr *target, uint64_t ns)
{
	uint32_t *values = s->values;

	if (s->packets < DISTINGUISH_PACKETS_MAX) {
		s->packets++;
	}
	values[DISTINGUISH_PACKETS] = s->packets;
	if (s->packets > 1) {
		return;
	}
	s->answered_ns = ns;
	values[DISTINGUISH_ANSWER] = answer_value(a);
	values[DISTINGUISH_SOURCE] = !packet_addr_equal(&a->flow.src, target);
	values[DISTINGUISH_TTL] = a->ttl;
	values[DISTINGUISH_TOS] = a->tos;
	values[DISTINGUISH_ID] = a->id;
	values[DISTINGUISH_FRAGMENT] = a->dont_fragment;
	values[DISTINGUISH_LABEL] = a->label != 0;
	values[DISTINGUISH_SEQ] = number_value(a->seq, &s->numbers);
	values[DISTINGUISH_ACK] = number_value(a->ack, &s->numbers);
	values[DISTINGUISH_WINDOW] = a->window;
	values[DISTINGUISH_BITS] = (uint32_t)a->urgent << 4 | a->reserved;
	values[DISTINGUISH_DATA] = (uint32_t)a->data_len;
	take_options(s, a);
}

static enum id_value
id_value(const struct distinguish_sample *s,
	 const struct distinguish_sample *before)
{
	uint16_t id = (uint16_t)s->values[DISTINGUISH_ID];
	uint16_t step = (uint16_t)(id - before->values[DISTINGUISH_ID]);

	if (id == 0) {
		return ID_ZERO;
	}
	if (id == s->numbers.id) {
		return ID_ECHO;
	}
	if (step == 0) {
		return ID_SAME;
	}
	return step < ID_STEP_MAX ? ID_STEP : ID_JUMP;
}

/* The values of one side that can be compared; returns their number. */
static size_t
gather(struct distinguish_room *room, int side, enum distinguish_what what,
       const struct distinguish_samples *samples)
{
	const struct distinguish_sample *before = NULL;
	size_t n = 0;

	for (size_t i = 0; i < samples->count; i++) {
		const struct distinguish_sample *s = &samples->at[i];
		uint64_t value = s->values[what];
		bool counts = s->packets > 0;

		if (what == DISTINGUISH_ANSWER) {
			counts = s->sent;
		} else if (what == DISTINGUISH_TIME) {
			counts = counts && s->sent_ns &&
				s->answered_ns > s->sent_ns;
			value = s->answered_ns - s->sent_ns;
		} else if (what == DISTINGUISH_ID && counts) {
			counts = before != NULL;
			value = counts ? id_value(s, before) : 0;
			before = s;
		}
		if (counts) {
			room->values[side][n] = value;
			room->from[side][n++] = s;
		}
	}
	return n;
}

static size_t
occurrences(const uint64_t *values, size_t n, uint64_t value)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		count += values[i] == value;
	}
	return count;
}

/* The most frequent value. */
static void
take_mode(struct distinguish_side *side, const uint64_t *values,
	  const struct distinguish_sample *const *from, size_t n)
{
	*side = (struct distinguish_side){ .of = n };
	for (size_t i = 0; i < n; i++) {
		size_t count = occurrences(values, n, values[i]);

		if (count > side->count) {
			side->value = values[i];
			side->count = count;
			side->example = from[i];
		}
	}
}

/* The value that has half of the others below it. */
static void
take_median(struct distinguish_side *side, const uint64_t *values,
	    const struct distinguish_sample *const *from, size_t n)
{
	*side = (struct distinguish_side){ .of = n };
	for (size_t i = 0; i < n; i++) {
		size_t below = 0;

		for (size_t j = 0; j < n; j++) {
			below += values[j] < values[i];
		}
		if (below <= n / 2 &&
		    (!side->example || values[i] > side->value)) {
			side->value = values[i];
			side->count = n;
			side->example = from[i];
		}
	}
}

/* The greatest score that any one value has. */
static double
score_values(const struct distinguish_room *room, size_t n, size_t m)
{
	double most = 0;

	for (size_t i = 0; i < n + m; i++) {
		uint64_t value =
			i < n ? room->values[0][i] : room->values[1][i - n];
		double score = twosample_counts(
			occurrences(room->values[0], n, value), n,
			occurrences(room->values[1], m, value), m);

		most = score > most ? score : most;
	}
	return most;
}

void
distinguish_compare(struct distinguish *out, enum distinguish_what what,
		    const struct distinguish_samples *port,
		    const struct distinguish_samples *reference,
		    struct distinguish_room *room)
{
	size_t n = gather(room, 0, what, port);
	size_t m = gather(room, 1, what, reference);

	*out = (struct distinguish){ .what = what, .known = n > 0 && m > 0 };
	if (what == DISTINGUISH_TIME) {
		take_median(&out->port, room->values[0], room->from[0], n);
		take_median(&out->reference, room->values[1], room->from[1], m);
		out->ranks =
			twosample_ranks(room->values[0], n, room->values[1], m);
		out->score = twosample_score(&out->ranks);
	} else {
		take_mode(&out->port, room->values[0], room->from[0], n);
		take_mode(&out->reference, room->values[1], room->from[1], m);
		out->score = score_values(room, n, m);
	}
	out->differs = out->score >= TWOSAMPLE_DIFFERENT;
}

void
distinguish_pool(struct distinguish *out, const struct distinguish *times,
		 size_t count)
{
	double best = -1;

	*out = (struct distinguish){ .what = DISTINGUISH_TIME };
	for (size_t i = 0; i < count; i++) {
		if (!times[i].known) {
			continue;
		}
		out->known = true;
		out->ranks.distance += times[i].ranks.distance;
		out->ranks.variance += times[i].ranks.variance;
		if (times[i].score > best) {
			best = times[i].score;
			out->port = times[i].port;
			out->reference = times[i].reference;
		}
	}
	out->score = twosample_score(&out->ranks);
	out->differs = out->score >= TWOSAMPLE_DIFFERENT;
}

static const char *const names[DISTINGUISH_KINDS] = {
	[DISTINGUISH_ANSWER] = "answer",     [DISTINGUISH_PACKETS] = "packets",
	[DISTINGUISH_SOURCE] = "source",     [DISTINGUISH_TTL] = "ttl",
	[DISTINGUISH_TOS] = "tos",           [DISTINGUISH_ID] = "ip-id",
	[DISTINGUISH_FRAGMENT] = "fragment", [DISTINGUISH_LABEL] = "flow-label",
	[DISTINGUISH_SEQ] = "seq",           [DISTINGUISH_ACK] = "ack",
	[DISTINGUISH_WINDOW] = "window",     [DISTINGUISH_OPTIONS] = "options",
	[DISTINGUISH_BITS] = "bits",         [DISTINGUISH_DATA] = "data",
	[DISTINGUISH_ORDER] = "order",       [DISTINGUISH_TIME] = "time",
};

const char *
distinguish_name(enum distinguish_what what)
{
	return names[what];
}

/* Text in distinguish_text()'s buffer. */
struct line {
	char *out;
	size_t len;
};

static void
add(struct line *l, const char *text)
{
	size_t len = strlen(text);
	size_t room = DISTINGUISH_TEXT_MAX - 1 - l->len;

	len = len < room ? len : room;
	memcpy(l->out + l->len, text, len);
	l->len += len;
	l->out[l->len] = '\0';
}

static void
add_number(struct line *l, uint64_t number)
{
	char digits[24];
	size_t at = sizeof digits - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	add(l, digits + at);
}

static void
add_flags(struct line *l, uint32_t flags)
{
	static const char *const flag_names[] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR",
	};
	const char *gap = "";

	for (size_t i = 0; i < 8; i++) {
		if (flags >> i & 1) {
			add(l, gap);
			add(l, flag_names[i]);
			gap = " ";
		}
	}
	add(l, *gap ? "" : "TCP without flags");
}

static void
add_answer(struct line *l, uint32_t value)
{
	switch (value & 0xff0000) {
	case VALUE_TCP:
		add_flags(l, value & 0xff);
		break;
	case VALUE_UDP:
		add(l, "UDP");
		break;
	case VALUE_ICMP:
		add(l, "ICMP ");
		add_number(l, value >> 8 & 0xff);
		add(l, "/");
		add_number(l, value & 0xff);
		break;
	default:
		add(l, "none");
		break;
	}
}

static void
add_sequence(struct line *l, uint64_t value)
{
	static const char *const words[] = { "0", "its own", "our ack",
					     "our seq" };

	if (value <= NUMBER_OUR_SEQ) {
		add(l, words[value]);
		return;
	}
	add(l, "our seq + ");
	add_number(l, value - NUMBER_OUR_SEQ);
}

static void
add_option(struct line *l, const uint8_t *option, size_t len)
{
	static const char *const option_names[] = {
		"end", "nop", "mss", "wscale", "sack", NULL, NULL, NULL, "ts",
	};
	uint8_t kind = option[0];

	if (kind < sizeof option_names / sizeof option_names[0] &&
	    option_names[kind]) {
		add(l, option_names[kind]);
	} else {
		add(l, "option ");
		add_number(l, kind);
	}
	if (kind == 2 && len == 4) {
		add(l, " ");
		add_number(l, be16_load(option + 2));
	} else if (kind == 3 && len == 3) {
		add(l, " ");
		add_number(l, option[2]);
	}
}

static void
add_options(struct line *l, const struct distinguish_sample *s)
{
	size_t at = 0;

	add(l, s->options_len ? "" : "none");
	while (at < s->options_len) {
		size_t left = s->options_len - at;
		size_t len = 1;

		if (s->options[at] > OPTION_NOP) {
			len = left < 2 ? left : s->options[at + 1];
		}
		if (len == 0 || len > left) {
			add(l, " (broken)");
			return;
		}
		add(l, at ? ", " : "");
		add_option(l, s->options + at, len);
		at += len;
	}
}

static void
add_time(struct line *l, uint64_t ns)
{
	add_number(l, ns / 1000);
	add(l, " us");
}

void
distinguish_text(char out[DISTINGUISH_TEXT_MAX], enum distinguish_what what,
		 const struct distinguish_side *side)
{
	static const char *const ids[] = { "0", "constant", "counts up",
					   "random", "ours" };
	struct line l = { .out = out };

	out[0] = '\0';
	if (side->of == 0) {
		add(&l, "-");
		return;
	}
	switch (what) {
	case DISTINGUISH_ANSWER:
		add_answer(&l, (uint32_t)side->value);
		break;
	case DISTINGUISH_SOURCE:
		add(&l, side->value ? "another host" : "the host");
		break;
	case DISTINGUISH_ID:
		add(&l, side->value <= ID_ECHO ? ids[side->value] : "");
		break;
	case DISTINGUISH_SEQ:
	case DISTINGUISH_ACK:
		add_sequence(&l, side->value);
		break;
	case DISTINGUISH_FRAGMENT:
		add(&l, side->value ? "never" : "allowed");
		break;
	case DISTINGUISH_LABEL:
		add(&l, side->value ? "set" : "0");
		break;
	case DISTINGUISH_OPTIONS:
		add_options(&l, side->example);
		break;
	case DISTINGUISH_TIME:
		add_time(&l, side->value);
		return;
	default:
		add_number(&l, side->value);
		break;
	}
	if (side->count < side->of) {
		add(&l, " in ");
		add_number(&l, side->count);
		add(&l, " of ");
		add_number(&l, side->of);
	}
}
