#include "probe_path/trial.h"

#include <string.h>

#include "base/bytes.h"
#include "measure/build.h"
#include "protocol/sender.h"

#define MSS_ETHERNET4 1460u
#define MSS_ETHERNET6 1440u
#define WSCALE 7u
#define DATA_FASTOPEN 16u

#define OPTIONS_MAX (PACKET_TCP_HEADER_MAX - PACKET_TCP_HEADER)

uint16_t
trial_other_port(uint16_t port)
{
	return port == UINT16_MAX ? port - 1 : port + 1;
}

/* A SYN, while its fields are put together. */
struct syn {
	struct build_ip ip;
	struct build_tcp tcp;
	uint8_t options[OPTIONS_MAX];
	uint8_t data[FIELD_DATA_LEN];
};

static void
put_option(struct syn *s, enum field field, uint64_t value)
{
	const struct field_option *o = field_option(field);
	uint8_t *at = s->options + s->tcp.options_len;

	memset(at, 0, 2u + o->len);
	at[0] = o->kind;
	at[1] = (uint8_t)(2 + o->len);
	at += 2;
	if (o->prefix) {
		be16_store(at, o->prefix);
		at += 2;
	}
	for (unsigned n = o->value_len; n-- > 0; value >>= 8) {
		at[n] = (uint8_t)value;
	}
	s->tcp.options_len += 2u + o->len;
}

static void
put_nop(struct syn *s)
{
	s->options[s->tcp.options_len++] = 1;
}

/* The value on trial: all bits of it both ways, in two rounds. */
static uint64_t
value_of(enum field field, unsigned round, const struct trial_numbers *numbers)
{
	uint64_t value = round % 2 ? ~numbers->value : numbers->value;

	switch (field) {
	case FIELD_WSCALE:
		return numbers->value % 13 + 1 + round % 2;
	case FIELD_RESERVED:
	case FIELD_DSCP:
		/* Neither the bits nor their inverse may be all zero. */
		return value ^
			(((numbers->value & 15) == 0 ||
			  (numbers->value & 15) == 15)
				 ? 5
				 : 0);
	default:
		return value;
	}
}

/* As Linux orders them, then what is on trial. */
static void
put_options(struct syn *s, uint32_t set, unsigned round,
	    const struct trial_numbers *numbers)
{
	bool v4 = s->ip.dst.family == 4;

	put_option(s, FIELD_MSS, v4 ? MSS_ETHERNET4 : MSS_ETHERNET6);
	put_option(s, FIELD_SACK, 0);
	put_option(s, FIELD_TIMESTAMP, numbers->tsval);
	put_nop(s);
	put_option(s, FIELD_WSCALE,
		   set & 1u << FIELD_WSCALE
			   ? value_of(FIELD_WSCALE, round, numbers)
			   : WSCALE);
	for (enum field f = 0; f < FIELDS; f++) {
		const struct field_option *o = field_option(f);

		if (!(set & 1u << f) || !o || o->usual) {
			continue;
		}
		put_option(s, f,
			   o->fixed ? o->fixed : value_of(f, round, numbers));
		while (s->tcp.options_len % 4 != 0) {
			put_nop(s);
		}
	}
}

static void
put_data(struct syn *s, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		s->data[i] = (uint8_t)(value >> i % 8 * 8 ^ i);
	}
	s->tcp.data_len = len;
}

static void
mark_field(struct syn *s, enum field field, uint64_t value, uint16_t port)
{
	switch (field) {
	case FIELD_DPORT:
		s->tcp.dport = trial_other_port(port);
		break;
	case FIELD_ACK:
		s->tcp.ack = (uint32_t)value;
		break;
	case FIELD_WINDOW:
		s->tcp.window = (uint16_t)value;
		break;
	case FIELD_DATA:
		put_data(s, value, FIELD_DATA_LEN);
		break;
	case FIELD_DSCP:
		s->ip.tos |= (uint8_t)(value << 2);
		break;
	case FIELD_ECN_IP:
		s->ip.tos |= value & 1 ? 1 : 2; /* ECT(1), ECT(0) */
		break;
	case FIELD_ECN_TCP:
		s->tcp.flags |= PACKET_ECE | PACKET_CWR;
		break;
	case FIELD_TTL:
		s->ip.ttl = TRIAL_TTL_MARKED;
		break;
	case FIELD_RESERVED:
		s->tcp.reserved = value & 15;
		break;
	case FIELD_URGENT:
		s->tcp.urgent = (uint16_t)value;
		break;
	case FIELD_FASTOPEN:
		put_data(s, value, DATA_FASTOPEN);
		break;
	case FIELD_LABEL:
		s->ip.label = value & 0xfffff;
		break;
	default: /* an option, or a number that all have */
		break;
	}
}

size_t
trial_build(uint8_t out[TRIAL_PROBE_MAX], const struct trial *t, uint32_t set,
	    unsigned round, const struct trial_numbers *numbers, uint8_t ttl)
{
	struct syn s = {
		.ip = {
			.src = t->near,
			.dst = t->far,
			.protocol = PACKET_TCP,
			.ttl = ttl,
			.id = numbers->id,
			.dont_fragment = true,
		},
		.tcp = {
			.sport = numbers->sport,
			.dport = t->port,
			.seq = numbers->seq,
			.window = TRIAL_WINDOW,
			.flags = PACKET_SYN,
			.options = s.options,
			.data = s.data,
		},
	};

	put_options(&s, set, round, numbers);
	for (enum field f = 0; f < FIELDS; f++) {
		if (set & 1u << f) {
			mark_field(&s, f, value_of(f, round, numbers), t->port);
		}
	}
	return build_tcp(out, &s.ip, &s.tcp);
}

static void index_probe(struct trial *t, size_t at);

bool
trial_add(struct trial *t, const struct trial_probe *like, const uint8_t *bytes,
	  size_t len)
{
	struct trial_probe *p = &t->probes[t->count];

	if (t->count == TRIAL_PROBES_MAX || len > TRIAL_PROBE_MAX) {
		return false;
	}
	*p = *like;
	memcpy(p->bytes, bytes, len);
	p->len = (uint16_t)len;
	if (field_read(&p->sent, bytes, len) < 0 ||
	    !(p->sent.known & 1u << FIELD_SEQ)) {
		return false;
	}
	index_probe(t, t->count++);
	return true;
}

bool
trial_add_field(struct trial *t, enum field field, unsigned round,
		const struct trial_numbers *numbers)
{
	const struct trial_probe like = { .kind = TRIAL_FIELD,
					  .field = field,
					  .round = (uint8_t)round };
	uint8_t bytes[TRIAL_PROBE_MAX];
	size_t len =
		trial_build(bytes, t, 1u << field, round, numbers, TRIAL_TTL);

	return trial_add(t, &like, bytes, len);
}

bool
trial_add_group(struct trial *t, unsigned round,
		const struct trial_numbers *numbers,
		const struct trial_group *group)
{
	struct sender_rule rule = { .key = { .mac = *group->key,
					     .no = group->key_no } };
	struct trial_probe like = { .kind = TRIAL_FRAME,
				    .field = FIELDS,
				    .round = (uint8_t)round,
				    .group = 1 };
	uint8_t orig[TRIAL_PROBE_MAX];
	uint8_t frame[PACKET_HEADERS_MAX];
	size_t len = trial_build(orig, t, 0, round, numbers, TRIAL_TTL);
	struct sender_group made;
	struct packet p;
	bool fits = true;

	if (packet_parse(&p, orig, len, len) != PACKET_OK) {
		return false;
	}
	if (t->count > 0) {
		like.group += t->probes[t->count - 1].group;
	}
	sender_sign(&made, &p, &rule, group->instant, group->mark,
		    group->sports);
	bytes_wipe(&rule, sizeof rule);
	like.frames = (uint8_t)made.count;
	for (size_t i = 0; i < made.count; i++) {
		like.role = frame_sent_at(i, made.count);
		if (like.role == FRAME_SYN0) {
			sender_syn0(orig, &p, &made);
			fits = fits && trial_add(t, &like, orig, len);
			continue;
		}
		fits = fits &&
			trial_add(t, &like, frame,
				  sender_frame(frame, orig, &p, &made,
					       like.role));
	}
	return fits;
}

void
trial_note(struct trial_packets *list, uint64_t ns, bool control,
	   const uint8_t *bytes, size_t len)
{
	struct trial_packet *p = &list->at[list->count];

	if (list->count == list->room) {
		list->left_out++;
		return;
	}
	list->count++;
	p->ns = ns;
	p->control = control;
	p->len = (uint16_t)(len < TRIAL_PACKET_MAX ? len : TRIAL_PACKET_MAX);
	memcpy(p->bytes, bytes, p->len);
}

static bool
both_have(const struct field_values *a, const struct field_values *b,
	  enum field field)
{
	return a->present & b->present & 1u << field &&
		a->value[field] == b->value[field];
}

/* How many bits of a packet's random numbers match those of a probe. */
static unsigned
likeness(const struct field_values *sent, const struct field_values *seen)
{
	unsigned bits = 0;

	bits += both_have(sent, seen, FIELD_SEQ) ? 32 : 0;
	bits += both_have(sent, seen, FIELD_TIMESTAMP) ? 32 : 0;
	bits += both_have(sent, seen, FIELD_SPORT) ? 16 : 0;
	bits += sent->value[FIELD_ID] && both_have(sent, seen, FIELD_ID) ? 8
									 : 0;
	bits += sent->value[FIELD_WINDOW] != TRIAL_WINDOW &&
			both_have(sent, seen, FIELD_WINDOW)
		? 4
		: 0;
	return bits;
}

static const enum field numbers[TRIAL_NUMBERS] = {
	[TRIAL_BY_SEQ] = FIELD_SEQ,
	[TRIAL_BY_TSVAL] = FIELD_TIMESTAMP,
	[TRIAL_BY_SPORT] = FIELD_SPORT,
};

size_t
trial_bucket(uint64_t number)
{
	/* Knuth's multiplier (6.4): the upper ten bits are well mixed. */
	return (uint32_t)((uint32_t)number * 2654435761u) >> 22;
}

static void
index_probe(struct trial *t, size_t at)
{
	const struct field_values *sent = &t->probes[at].sent;

	for (enum trial_number n = 0; n < TRIAL_NUMBERS; n++) {
		uint16_t *first;

		if (sent->present & 1u << numbers[n]) {
			first = &t->index.first[n][trial_bucket(
				sent->value[numbers[n]])];
			t->index.next[n][at] = *first;
			*first = (uint16_t)(at + 1);
		}
	}
}

void
trial_clear(struct trial *t)
{
	t->count = 0;
	memset(&t->index, 0, sizeof t->index);
}

bool
trial_has_ports(const struct trial *t, uint16_t sport, uint16_t dport)
{
	size_t at = t->index.first[TRIAL_BY_SPORT][trial_bucket(sport)];

	for (unsigned n = 0; at > 0 && n < TRIAL_CHAIN_MAX; n++) {
		const struct field_values *sent = &t->probes[at - 1].sent;

		if (sent->value[FIELD_SPORT] == sport &&
		    sent->value[FIELD_DPORT] == dport) {
			return true;
		}
		at = t->index.next[TRIAL_BY_SPORT][at - 1];
	}
	return false;
}

/* The best match so far. */
struct match {
	size_t at;
	unsigned bits, copies;
};

static void
look_at(struct match *best, const struct trial *t, size_t at,
	const struct field_values *seen, const uint16_t *copies)
{
	const struct match found = {
		.at = at,
		.bits = likeness(&t->probes[at].sent, seen),
		.copies = copies ? copies[at] : 0,
	};

	/* At least the source port must match. */
	if (found.bits < 16 || found.bits < best->bits) {
		return;
	}
	if (found.bits > best->bits || found.copies < best->copies ||
	    (found.copies == best->copies && at < best->at)) {
		*best = found;
	}
}

size_t
trial_match(const struct trial *t, const struct field_values *seen,
	    const uint16_t *copies, unsigned *bits)
{
	struct match best = { .at = TRIAL_NONE };

	for (enum trial_number n = 0; n < TRIAL_NUMBERS; n++) {
		size_t at;

		if (!(seen->present & 1u << numbers[n])) {
			continue;
		}
		at = t->index.first[n][trial_bucket(seen->value[numbers[n]])];
		for (unsigned i = 0; at > 0 && i < TRIAL_CHAIN_MAX; i++) {
			look_at(&best, t, at - 1, seen, copies);
			at = t->index.next[n][at - 1];
		}
	}
	*bits = best.bits;
	return best.at;
}
