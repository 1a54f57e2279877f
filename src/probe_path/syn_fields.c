#include "probe_path/syn_fields.h"

#include <string.h>

#include "base/bytes.h"

/* FNV-1a, of 32 bits: its data is compared with what we sent ourselves. */
#define SUM_START 2166136261u
#define SUM_FACTOR 16777619u

enum { OPTION_END = 0, OPTION_NOP = 1 };

static const struct field_kind kinds[FIELDS] = {
	[FIELD_SPORT] = { "source-port", "source port", 16, 0, FIELD_DISTINCT,
			  FIELD_TRACE_PLAIN, true },
	[FIELD_DPORT] = { "destination-port", "destination port", 16, 0,
			  FIELD_UNUSED, FIELD_TRACE_NONE, true },
	[FIELD_SEQ] = { "sequence", "sequence number", 32, 0, FIELD_NEEDED,
			FIELD_TRACE_PLAIN, false },
	[FIELD_ACK] = { "acknowledgement", "acknowledgement number", 32, 0,
			FIELD_UNUSED, FIELD_TRACE_ODD, false },
	[FIELD_WINDOW] = { "window", "window", 16, 0, FIELD_HELPFUL,
			   FIELD_TRACE_PLAIN, false },
	[FIELD_DATA] = { "data", "data", FIELD_DATA_LEN * 8, 0, FIELD_UNUSED,
			 FIELD_TRACE_DATA, false },
	[FIELD_ID] = { "ip-id", "IP ID", 16, 4, FIELD_UNUSED, FIELD_TRACE_PLAIN,
		       false },
	[FIELD_DSCP] = { "dscp", "DSCP", 6, 0, FIELD_UNUSED, FIELD_TRACE_PLAIN,
			 false },
	[FIELD_ECN_IP] = { "ecn-ip", "ECN (IP)", 2, 0, FIELD_UNUSED,
			   FIELD_TRACE_ODD, false },
	[FIELD_ECN_TCP] = { "ecn-tcp", "ECN (TCP: ECE, CWR)", 2, 0,
			    FIELD_UNUSED, FIELD_TRACE_ODD, false },
	[FIELD_TTL] = { "ttl", "TTL", 8, 0, FIELD_UNUSED, FIELD_TRACE_NONE,
			true },
	[FIELD_RESERVED] = { "reserved", "reserved bits", 4, 0, FIELD_UNUSED,
			     FIELD_TRACE_ODD, false },
	[FIELD_URGENT] = { "urgent", "urgent pointer", 16, 0, FIELD_UNUSED,
			   FIELD_TRACE_ODD, false },
	[FIELD_MSS] = { "mss", "MSS", 16, 0, FIELD_UNUSED, FIELD_TRACE_PLAIN,
			true },
	[FIELD_WSCALE] = { "window-scale", "window scale", 8, 0, FIELD_UNUSED,
			   FIELD_TRACE_PLAIN, true },
	[FIELD_SACK] = { "sack", "SACK permitted", 1, 0, FIELD_UNUSED,
			 FIELD_TRACE_PLAIN, true },
	[FIELD_TIMESTAMP] = { "timestamp", "time stamp", 32, 0, FIELD_UNUSED,
			      FIELD_TRACE_PLAIN, false },
	[FIELD_UNKNOWN] = { "option-253", "option 253", 32, 0, FIELD_UNUSED,
			    FIELD_TRACE_ODD, false },
	[FIELD_MPTCP] = { "mptcp", "MPTCP", 16, 0, FIELD_UNUSED,
			  FIELD_TRACE_ODD, false },
	[FIELD_FASTOPEN] = { "fast-open", "TCP Fast Open, with data", 64, 0,
			     FIELD_UNUSED, FIELD_TRACE_DATA, false },
	[FIELD_LABEL] = { "flow-label", "flow label", 20, 6, FIELD_UNUSED,
			  FIELD_TRACE_PLAIN, false },
};

static const struct field_option tcp_options[FIELDS] = {
	[FIELD_MSS] = { 2, 2, 2, .usual = true },
	[FIELD_WSCALE] = { 3, 1, 1, .usual = true },
	[FIELD_SACK] = { 4, 0, 0, .usual = true },
	[FIELD_TIMESTAMP] = { 8, 8, 4, .usual = true },
	/* The identifier of RFC 6994 is "TA". */
	[FIELD_UNKNOWN] = { 253, 6, 4, .prefix = 0x5441 },
	/* MP_CAPABLE of version 1, with HMAC-SHA256. */
	[FIELD_MPTCP] = { 30, 2, 2, .fixed = 0x0101 },
	[FIELD_FASTOPEN] = { 34, FIELD_COOKIE_LEN, FIELD_COOKIE_LEN,
			     .prefix = 0 },
};

const struct field_option *
field_option(enum field field)
{
	return tcp_options[field].kind ? &tcp_options[field] : NULL;
}

const struct field_kind *
field_kind(enum field field)
{
	return &kinds[field];
}

enum field
field_find(const char *name)
{
	enum field field = 0;

	while (field < FIELDS && strcmp(kinds[field].name, name) != 0) {
		field++;
	}
	return field;
}

bool
field_exists(enum field field, uint8_t family)
{
	return kinds[field].family == 0 || kinds[field].family == family;
}

static void
put(struct field_values *v, enum field field, uint64_t value)
{
	v->known |= 1u << field;
	v->present |= 1u << field;
	v->value[field] = value;
}

static void
read_ip(struct field_values *v, const struct packet_ip *ip)
{
	v->src = ip->src;
	v->dst = ip->dst;
	put(v, FIELD_DSCP, ip->tos >> 2);
	put(v, FIELD_ECN_IP, ip->tos & 3);
	put(v, FIELD_TTL, ip->ttl);
	if (ip->src.family == 4) {
		put(v, FIELD_ID, ip->id);
	} else {
		put(v, FIELD_LABEL, ip->label);
	}
}

static void
read_option(struct field_values *v, uint8_t kind, struct cursor body)
{
	for (enum field f = 0; f < FIELDS; f++) {
		const struct field_option *o = field_option(f);
		uint64_t value;

		if (!o || o->kind != kind || o->len != cursor_left(&body)) {
			continue;
		}
		value = o->value_len == 0;
		cursor_bytes(&body, o->prefix ? 2 : 0);
		for (unsigned i = 0; i < o->value_len; i++) {
			value = value << 8 | cursor_u8(&body);
		}
		put(v, f, value);
		return;
	}
}

/* All options, or as many as there are. */
static void
read_options(struct field_values *v, struct cursor c, bool whole)
{
	while (cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c);
		uint8_t len;
		const uint8_t *body;

		if (kind == OPTION_END) {
			break;
		}
		if (kind == OPTION_NOP) {
			continue;
		}
		len = cursor_u8(&c);
		body = len >= 2 ? cursor_bytes(&c, len - 2u) : NULL;
		if (!body) {
			break; /* cut off or malformed */
		}
		read_option(v, kind, cursor_over(body, len - 2u));
	}
	for (enum field f = 0; whole && f < FIELDS; f++) {
		v->known |= field_option(f) ? 1u << f : 0;
	}
}

static uint32_t
sum(const uint8_t *bytes, size_t len)
{
	uint32_t s = SUM_START;

	for (size_t i = 0; i < len; i++) {
		s = (s ^ bytes[i]) * SUM_FACTOR;
	}
	return s ? s : 1;
}

static void
read_data(struct field_values *v, struct cursor *c, size_t len)
{
	const uint8_t *data = cursor_bytes(c, len);

	v->data_len = (uint16_t)len;
	v->known |= 1u << FIELD_DATA;
	if (len == 0) {
		return;
	}
	v->data_sum = data ? sum(data, len) : 0;
	put(v, FIELD_DATA, len);
}

/* tcp_len: by the IP header's word, which may be more than is there. */
static int
read_tcp(struct field_values *v, struct cursor *c, size_t tcp_len)
{
	size_t header;
	size_t options;
	uint8_t offset;
	uint16_t number;

	put(v, FIELD_SPORT, cursor_u16(c));
	put(v, FIELD_DPORT, cursor_u16(c));
	if (c->bad) {
		return -1;
	}
	if (cursor_left(c) < 4) {
		return 0;
	}
	put(v, FIELD_SEQ, cursor_u32(c));
	/* Old ICMP errors quote only this much (RFC 792). */
	if (cursor_left(c) < PACKET_TCP_HEADER - 8) {
		return 0;
	}
	put(v, FIELD_ACK, cursor_u32(c));
	offset = cursor_u8(c);
	v->flags = cursor_u8(c);
	number = cursor_u16(c);
	put(v, FIELD_WINDOW, number);
	put(v, FIELD_RESERVED, offset & 15);
	put(v, FIELD_ECN_TCP, v->flags >> 6);
	cursor_u16(c);
	put(v, FIELD_URGENT, cursor_u16(c));
	header = (offset >> 4) * 4u;
	if (header < PACKET_TCP_HEADER || header > tcp_len) {
		return -1;
	}
	options = header - PACKET_TCP_HEADER;
	if (cursor_left(c) < options) {
		read_options(v, *c, false);
		return 0;
	}
	read_options(v, cursor_over(c->pos, options), true);
	cursor_bytes(c, options);
	read_data(v, c, tcp_len - header);
	return 0;
}

int
field_read(struct field_values *v, const uint8_t *bytes, size_t len)
{
	struct packet_ip ip;
	struct cursor c;

	memset(v, 0, sizeof *v);
	if (packet_parse_ip(&ip, bytes, len) != PACKET_OK ||
	    ip.protocol != PACKET_TCP) {
		return -1;
	}
	read_ip(v, &ip);
	c = cursor_over(bytes + ip.at, len - ip.at);
	return read_tcp(v, &c, ip.len);
}

static uint8_t
begins_with(const struct field_values *v)
{
	return v->flags & (PACKET_SYN | PACKET_ACK | PACKET_RST);
}

bool
field_is_syn(const struct field_values *v)
{
	return begins_with(v) == PACKET_SYN;
}

bool
field_is_syn_ack(const struct field_values *v)
{
	return begins_with(v) == (PACKET_SYN | PACKET_ACK);
}

static enum field_change
compare_data(const struct field_values *sent, const struct field_values *seen)
{
	if (!(seen->known & 1u << FIELD_DATA)) {
		return FIELD_HIDDEN;
	}
	if (seen->data_len == 0 && sent->data_len > 0) {
		return FIELD_REMOVED;
	}
	if (seen->data_len != sent->data_len) {
		return FIELD_CHANGED;
	}
	if (seen->data_sum == 0 && seen->data_len > 0) {
		return FIELD_HIDDEN;
	}
	return seen->data_sum == sent->data_sum ? FIELD_SAME : FIELD_CHANGED;
}

enum field_change
field_compare(enum field field, const struct field_values *sent,
	      const struct field_values *seen)
{
	uint32_t bit = 1u << field;

	if (field == FIELD_DATA) {
		return compare_data(sent, seen);
	}
	/* An option that was read is known, even if later ones were cut off. */
	if (!((seen->known | seen->present) & bit)) {
		return FIELD_HIDDEN;
	}
	if (field == FIELD_TTL) {
		return FIELD_SAME;
	}
	if (sent->present & bit && !(seen->present & bit)) {
		return FIELD_REMOVED;
	}
	if (sent->value[field] != seen->value[field]) {
		return FIELD_CHANGED;
	}
	/* Fast Open is only whole with its data. */
	return field == FIELD_FASTOPEN && sent->present & bit
		? compare_data(sent, seen)
		: FIELD_SAME;
}
