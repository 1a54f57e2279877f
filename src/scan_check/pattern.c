#include "scan_check/pattern.h"

#include <string.h>

#include "base/bytes.h"
#include "measure/build.h"
#include "measure/probe.h"

#define ECHO_REQUEST4 8u
#define ECHO_REPLY4 0u
#define ECHO_REQUEST6 128u
#define ECHO_REPLY6 129u
#define ECHO_HEADER 8u
#define ECHO_DATA 32u
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
		/*
		 * ICMP quotes a fragment here: its fields say nothing of the
		 * port.
		 */
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

/* Cut a packet into two fragments; the first replaces the whole. */
static void
cut(struct pattern_packet out[2], uint32_t token)
{
	const struct pattern_packet whole = out[0];
	uint32_t id =
		whole.bytes[0] >> 4 == 4 ? be16_load(whole.bytes + 4) : token;

	for (unsigned i = 0; i < 2; i++) {
		out[i].len = build_fragment(out[i].bytes, whole.bytes,
					    whole.len, i, FIRST_PIECE, id);
	}
}

/* RFC 792, 4443. */
static void
put_ping(struct pattern_packet *out, const struct pattern_probe *probe)
{
	bool v4 = probe->dst.family == 4;
	size_t len = ECHO_HEADER + ECHO_DATA;
	const struct build_ip ip = {
		.src = probe->src,
		.dst = probe->dst,
		.protocol = v4 ? PACKET_ICMP : PACKET_ICMP6,
		.ttl = BUILD_TTL,
	};
	uint8_t *echo = out->bytes + build_ip(out->bytes, &ip, len);

	memset(echo, 0, len);
	echo[0] = v4 ? ECHO_REQUEST4 : ECHO_REQUEST6;
	be16_store(echo + 4, probe->echo_id);
	be16_store(echo + 6, probe->echo_seq);
	be16_store(echo + 2,
		   v4 ? packet_sum(echo, len)
		      : packet_checksum(&probe->src, &probe->dst, PACKET_ICMP6,
					echo, len));
	out->len = (size_t)(echo - out->bytes) + len;
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
	struct packet_ip ip;
	struct cursor c;
	uint8_t type;
	bool v4;

	if (packet_parse_ip(&ip, bytes, len) != PACKET_OK) {
		return false;
	}
	v4 = ip.src.family == 4;
	c = cursor_over(bytes + ip.at, ip.there);
	type = cursor_u8(&c);
	cursor_bytes(&c, 3);
	*id = cursor_u16(&c);
	*seq = cursor_u16(&c);
	return !c.bad && ip.protocol == (v4 ? PACKET_ICMP : PACKET_ICMP6) &&
		type == (v4 ? ECHO_REPLY4 : ECHO_REPLY6);
}
