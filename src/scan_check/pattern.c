#include "scan_check/pattern.h"

#include <string.h>

#include "base/bytes.h"
#include "measure/probe.h"

#define PROTOCOL_ICMP 1u
#define PROTOCOL_ICMP6 58u
#define PROTOCOL_FRAGMENT 44u
#define ECHO_REQUEST4 8u
#define ECHO_REPLY4 0u
#define ECHO_REQUEST6 128u
#define ECHO_REPLY6 129u
#define ECHO_HEADER 8u
#define ECHO_DATA 32u
#define FRAGMENT_HEADER 8u
#define FIRST_PIECE 8u /* what a fragment can have at least */
#define ANYCAST_PREFIX 8u

static const char *const names[PATTERN_KINDS] = {
	[PATTERN_ANYCAST] = "anycast",
	[PATTERN_FRAGMENT] = "fragment",
	[PATTERN_BURST] = "burst",
	[PATTERN_PING] = "ping",
};

const char *
pattern_name(enum pattern pattern)
{
	return names[pattern];
}

enum pattern
pattern_find(const char *name, size_t len)
{
	enum pattern pattern = 0;

	while (pattern < PATTERN_KINDS &&
	       (strlen(names[pattern]) != len ||
		memcmp(name, names[pattern], len) != 0)) {
		pattern++;
	}
	return pattern;
}

bool
pattern_shows(enum pattern pattern, enum distinguish_what what, uint8_t family)
{
	switch (pattern) {
	case PATTERN_BURST:
		return what == DISTINGUISH_ORDER;
	case PATTERN_PING:
		return what == DISTINGUISH_TIME;
	case PATTERN_ANYCAST:
		return family == 6 && what == DISTINGUISH_ANSWER;
	default:
		/* A quoted packet is a piece: its fields are of no port. */
		return what == DISTINGUISH_ANSWER ||
			what == DISTINGUISH_PACKETS ||
			what == DISTINGUISH_SOURCE;
	}
}

size_t
pattern_segments(enum pattern pattern)
{
	switch (pattern) {
	case PATTERN_BURST:
		return PATTERN_AHEAD_BURST + 1;
	case PATTERN_PING:
		return PATTERN_AHEAD_PING;
	default:
		return 1;
	}
}

struct packet_addr
pattern_anycast(const struct packet_addr *addr)
{
	struct packet_addr out = *addr;

	memset(out.bytes + ANYCAST_PREFIX, 0,
	       sizeof out.bytes - ANYCAST_PREFIX);
	return out;
}

static void
put_segment(struct pattern_packet *out, const struct pattern_probe *probe,
	    enum probe_scan scan, size_t which, uint16_t port)
{
	const struct answer_flow flow = {
		.src = probe->src,
		.dst = probe->pattern == PATTERN_ANYCAST
			? pattern_anycast(&probe->dst)
			: probe->dst,
		.sport = probe->sports[which],
		.dport = port,
	};

	out->len = probe_build(out->bytes, scan, &flow, probe->tokens[which]);
}

/* A packet in two pieces; both have the header, changed. */
static void
cut(struct pattern_packet out[2], uint32_t token)
{
	const struct pattern_packet whole = out[0];
	bool v4 = whole.bytes[0] >> 4 == 4;
	size_t header = v4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER;
	size_t pieces[2] = { FIRST_PIECE, whole.len - header - FIRST_PIECE };

	for (size_t i = 0; i < 2; i++) {
		uint8_t *at = out[i].bytes;
		uint8_t *payload = at + header;
		size_t offset = i * FIRST_PIECE;

		memcpy(at, whole.bytes, header);
		if (v4) {
			/* The kernel fills in length and checksum. */
			be16_store(at + 2, (uint16_t)(header + pieces[i]));
			be16_store(at + 6,
				   (uint16_t)(offset / 8 | (i ? 0 : 0x2000)));
		} else {
			at[6] = PROTOCOL_FRAGMENT;
			be16_store(at + 4,
				   (uint16_t)(FRAGMENT_HEADER + pieces[i]));
			payload[0] = whole.bytes[6];
			payload[1] = 0;
			be16_store(payload + 2, (uint16_t)(offset | !i));
			be32_store(payload + 4, token);
			payload += FRAGMENT_HEADER;
		}
		memcpy(payload, whole.bytes + header + offset, pieces[i]);
		out[i].len = (size_t)(payload - at) + pieces[i];
	}
}

/* RFC 1071, without a pseudo header: of what is not long. */
static uint16_t
plain_checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		sum += be16_load(bytes + i);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* RFC 792, 4443. */
static void
put_ping(struct pattern_packet *out, const struct pattern_probe *probe)
{
	bool v4 = probe->dst.family == 4;
	uint8_t *at = out->bytes;
	uint8_t *echo = at + (v4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER);
	size_t len = ECHO_HEADER + ECHO_DATA;

	memset(at, 0, sizeof out->bytes);
	if (v4) {
		at[0] = 0x45;
		be16_store(at + 2, (uint16_t)(PACKET_IP4_HEADER + len));
		at[8] = PROBE_TTL;
		at[9] = PROTOCOL_ICMP;
		memcpy(at + 12, probe->src.bytes, 4);
		memcpy(at + 16, probe->dst.bytes, 4);
	} else {
		at[0] = 0x60;
		be16_store(at + 4, (uint16_t)len);
		at[6] = PROTOCOL_ICMP6;
		at[7] = PROBE_TTL;
		memcpy(at + 8, probe->src.bytes, 16);
		memcpy(at + 24, probe->dst.bytes, 16);
	}
	echo[0] = v4 ? ECHO_REQUEST4 : ECHO_REQUEST6;
	be16_store(echo + 4, probe->echo_id);
	be16_store(echo + 6, probe->echo_seq);
	be16_store(echo + 2,
		   v4 ? plain_checksum(echo, len)
		      : packet_checksum(&probe->src, &probe->dst,
					PROTOCOL_ICMP6, echo, len));
	out->len = (size_t)(echo - at) + len;
}

size_t
pattern_build(struct pattern_packet out[PATTERN_PACKETS],
	      const struct pattern_probe *probe)
{
	size_t count = pattern_segments(probe->pattern);

	switch (probe->pattern) {
	case PATTERN_ANYCAST:
		put_segment(&out[0], probe, PROBE_ACK, 0, probe->port);
		break;
	case PATTERN_FRAGMENT:
		put_segment(&out[0], probe, PROBE_SYN, 0, probe->port);
		cut(out, probe->tokens[0]);
		count++;
		break;
	case PATTERN_BURST:
		for (size_t i = 0; i < count; i++) {
			put_segment(&out[i], probe, PROBE_SYN, i,
				    i + 1 < count ? probe->reference
						  : probe->port);
		}
		break;
	default:
		for (size_t i = 0; i < count; i++) {
			put_segment(&out[i], probe, PROBE_SYN, i, probe->port);
		}
		put_ping(&out[count++], probe);
		break;
	}
	return count;
}

bool
pattern_is_reply(const uint8_t *bytes, size_t len, uint16_t *id, uint16_t *seq)
{
	struct cursor c = cursor_over(bytes, len);
	uint8_t version = cursor_u8(&c);
	bool v4 = version >> 4 == 4;
	uint8_t protocol, type;

	if (!v4 && version >> 4 != 6) {
		return false;
	}
	cursor_bytes(&c, v4 ? 8 : 5);
	protocol = cursor_u8(&c);
	cursor_bytes(&c,
		     v4 ? (version & 15u) * 4u - 10u : PACKET_IP6_HEADER - 7u);
	type = cursor_u8(&c);
	cursor_bytes(&c, 3);
	*id = cursor_u16(&c);
	*seq = cursor_u16(&c);
	return !c.bad && (!v4 || (version & 15u) >= 5) &&
		protocol == (v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6) &&
		type == (v4 ? ECHO_REPLY4 : ECHO_REPLY6);
}
