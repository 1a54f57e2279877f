#include "measure/probe.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "measure/build.h"

#define WINDOW 1024
#define UDP_HEADER 8

static const struct probe_kind scans[PROBE_SCANS] = {
	[PROBE_SYN] = { "syn", PACKET_SYN, PROBE_FILTERED, PROBE_CLOSED,
			.nmap = { "-sS" } },
	[PROBE_CONNECT] = { "connect", PACKET_SYN, PROBE_FILTERED, PROBE_CLOSED,
			    .nmap = { "-sT" } },
	[PROBE_FIN] = { "fin", PACKET_FIN, PROBE_OPEN_FILTERED, PROBE_CLOSED,
			.nmap = { "-sF" } },
	[PROBE_NULL] = { "null", 0, PROBE_OPEN_FILTERED, PROBE_CLOSED,
			 .nmap = { "-sN" } },
	[PROBE_XMAS] = { "xmas", PACKET_FIN | PACKET_PSH | PACKET_URG,
			 PROBE_OPEN_FILTERED, PROBE_CLOSED, .nmap = { "-sX" } },
	[PROBE_ACK] = { "ack", PACKET_ACK, PROBE_FILTERED, PROBE_UNFILTERED,
			.nmap = { "-sA" } },
	[PROBE_WINDOW] = { "window", PACKET_ACK, PROBE_FILTERED, PROBE_CLOSED,
			   .nmap = { "-sW" }, .by_window = true },
	[PROBE_MAIMON] = { "maimon", PACKET_FIN | PACKET_ACK,
			   PROBE_OPEN_FILTERED, PROBE_CLOSED,
			   .nmap = { "-sM" } },
	[PROBE_SYN_DATA] = { "syn-data", PACKET_SYN, PROBE_FILTERED,
			     PROBE_CLOSED, .nmap_type = "syn",
			     .nmap = { "-sS", "--data-length", "32" },
			     .data = PROBE_DATA },
	[PROBE_SYN_ECN] = { "syn-ecn", PACKET_SYN | PACKET_ECE | PACKET_CWR,
			    PROBE_FILTERED, PROBE_CLOSED, .nmap_type = "syn",
			    .nmap = { "-sS", "--scanflags", "SYNECECWR" },
			    .nmap_flags = true },
	/*
	 * Our datagram is empty: without this option nmap sends a payload to
	 * ports that it knows.
	 */
	[PROBE_UDP] = { "udp", 0, PROBE_OPEN_FILTERED, PROBE_UNKNOWN,
			.nmap = { "-sU", "--data-length", "0" } },
};

static const char *const states[PROBE_STATES] = {
	[PROBE_UNKNOWN] = "unknown",
	[PROBE_OPEN] = "open",
	[PROBE_CLOSED] = "closed",
	[PROBE_FILTERED] = "filtered",
	[PROBE_UNFILTERED] = "unfiltered",
	[PROBE_OPEN_FILTERED] = "open|filtered",
	[PROBE_CLOSED_FILTERED] = "closed|filtered",
};

const struct probe_kind *
probe_kind(enum probe_scan scan)
{
	return &scans[scan];
}

const char *
probe_scan_name(enum probe_scan scan)
{
	return scans[scan].name;
}

const char *
probe_state_name(enum probe_state state)
{
	return states[state];
}

static bool
is_name(const char *name, size_t len, const char *known)
{
	return strlen(known) == len && memcmp(name, known, len) == 0;
}

enum probe_scan
probe_scan_find(const char *name, size_t len)
{
	enum probe_scan scan = 0;

	while (scan < PROBE_SCANS && !is_name(name, len, scans[scan].name)) {
		scan++;
	}
	return scan;
}

enum probe_state
probe_state_find(const char *name, size_t len)
{
	for (enum probe_state s = PROBE_OPEN; s < PROBE_STATES; s++) {
		if (is_name(name, len, states[s])) {
			return s;
		}
	}
	return PROBE_UNKNOWN;
}

bool
probe_is_syn(enum probe_scan scan)
{
	return scans[scan].flags & PACKET_SYN;
}

struct probe_numbers
probe_numbers(uint32_t token)
{
	/* Multipliers of linear congruential generators: any odd would do. */
	return (struct probe_numbers){
		.seq = token,
		.ack = token * 1664525u + 1013904223u,
		.id = (uint16_t)((token * 69069u) >> 16 | 1),
		.label = (token * 22695477u) >> 12 | 1,
	};
}

/* A datagram of UDP without data. */
static size_t
build_udp(uint8_t *out, const struct build_ip *ip,
	  const struct answer_flow *flow)
{
	uint8_t *udp = out + build_ip(out, ip, UDP_HEADER);
	uint16_t sum;

	memset(udp, 0, UDP_HEADER);
	be16_store(udp, flow->sport);
	be16_store(udp + 2, flow->dport);
	be16_store(udp + 4, UDP_HEADER);
	sum = packet_checksum(&flow->src, &flow->dst, PACKET_UDP, udp,
			      UDP_HEADER);
	/* 0 is no checksum (RFC 768). */
	be16_store(udp + 6, sum ? sum : 0xffff);
	return (size_t)(udp - out) + UDP_HEADER;
}

size_t
probe_build(uint8_t out[PROBE_MAX], enum probe_scan scan,
	    const struct answer_flow *flow, uint32_t token)
{
	static const uint8_t mss4[] = { 2, 4, 1460 >> 8, 1460 & 255 };
	static const uint8_t mss6[] = { 2, 4, 1440 >> 8, 1440 & 255 };
	static const uint8_t data[PROBE_DATA];
	const struct probe_numbers numbers = probe_numbers(token);
	const uint8_t flags = scans[scan].flags;
	const struct build_ip ip = {
		.src = flow->src,
		.dst = flow->dst,
		.protocol = scan == PROBE_UDP ? PACKET_UDP : PACKET_TCP,
		.ttl = BUILD_TTL,
		.id = numbers.id,
		.dont_fragment = true,
		.label = scan == PROBE_UDP ? numbers.label : 0,
	};
	const struct build_tcp tcp = {
		.sport = flow->sport,
		.dport = flow->dport,
		.seq = numbers.seq,
		.ack = flags & PACKET_ACK ? numbers.ack : 0,
		.window = WINDOW,
		.flags = flags,
		.options = flow->dst.family == 4 ? mss4 : mss6,
		.options_len = flags & PACKET_SYN ? sizeof mss4 : 0,
		.data = data,
		.data_len = scans[scan].data,
	};

	return scan == PROBE_UDP ? build_udp(out, &ip, flow)
				 : build_tcp(out, &ip, &tcp);
}

static enum probe_state
classify_tcp(enum probe_scan scan, const struct answer *a)
{
	/*
	 * A SYN alone, too: some hosts answer by a simultaneous open (RFC 9293,
	 * 3.5).
	 */
	if (a->flags & PACKET_SYN && !(a->flags & PACKET_RST)) {
		return probe_is_syn(scan) ? PROBE_OPEN : PROBE_UNKNOWN;
	}
	if (!(a->flags & PACKET_RST)) {
		return PROBE_UNKNOWN;
	}
	return scans[scan].by_window && a->window ? PROBE_OPEN
						  : scans[scan].reset;
}

/* Types and codes that mean "filtered". */
static bool
is_refusal(const struct answer *a)
{
	if (a->flow.src.family == 6) {
		/* Unreachable, for whatever reason; or a bad parameter. */
		return (a->type == 1 && a->code <= 6) || a->type == 4;
	}
	if (a->type == 11) {
		return true; /* it never got there */
	}
	switch (a->code) {
	case 0:  /* network unreachable */
	case 1:  /* host unreachable */
	case 2:  /* protocol unreachable */
	case 3:  /* port unreachable */
	case 9:  /* network prohibited */
	case 10: /* host prohibited */
	case 13: /* communication prohibited */
		return a->type == 3;
	default:
		return false;
	}
}

static enum probe_state
classify_icmp(enum probe_scan scan, const struct answer *a,
	      const struct packet_addr *target)
{
	bool v4 = a->flow.src.family == 4;
	bool no_port = v4 ? a->type == 3 && a->code == 3
			  : a->type == 1 && a->code == 4;

	if (!is_refusal(a)) {
		return PROBE_UNKNOWN;
	}
	if (scan == PROBE_UDP && no_port &&
	    packet_addr_equal(&a->flow.src, target)) {
		return PROBE_CLOSED;
	}
	return PROBE_FILTERED;
}

static enum probe_match
match_tcp(enum probe_scan scan, const struct answer *a,
	  const struct probe_numbers *numbers)
{
	/*
	 * An answer may acknowledge nothing, the SYN or FIN, or that and the
	 * data.
	 */
	const uint32_t ahead = a->ack - numbers->seq;
	const uint32_t most = 1u + scans[scan].data;

	if (a->flags & PACKET_ACK && a->flags & PACKET_SYN) {
		return ahead == 1 || ahead == most ? PROBE_MATCHES
						   : PROBE_OTHER;
	}
	if ((a->flags & PACKET_ACK && ahead <= most) ||
	    a->seq == numbers->ack || a->seq == numbers->seq) {
		return PROBE_MATCHES;
	}
	return a->flags & PACKET_ACK ? PROBE_OTHER : PROBE_UNTOLD;
}

static enum probe_match
match_icmp(const struct answer *a, const struct probe_numbers *numbers)
{
	if (a->quoted_kind == ANSWER_TCP) {
		return a->quoted_seq == numbers->seq ? PROBE_MATCHES
						     : PROBE_OTHER;
	}
	return (a->quoted.dst.family == 4 ? a->quoted_id == numbers->id
					  : a->quoted_label == numbers->label)
		? PROBE_MATCHES
		: PROBE_UNTOLD;
}

enum probe_match
probe_match(enum probe_scan scan, const struct answer *a,
	    const struct probe_numbers *numbers)
{
	switch (a->kind) {
	case ANSWER_TCP:
		return match_tcp(scan, a, numbers);
	case ANSWER_ICMP:
		return match_icmp(a, numbers);
	case ANSWER_UDP:
		return PROBE_UNTOLD;
	}
	return PROBE_OTHER;
}

enum probe_state
probe_classify(enum probe_scan scan, const struct answer *a,
	       const struct packet_addr *target)
{
	switch (a->kind) {
	case ANSWER_TCP:
		return classify_tcp(scan, a);
	case ANSWER_UDP:
		return scan == PROBE_UDP ? PROBE_OPEN : PROBE_UNKNOWN;
	case ANSWER_ICMP:
		return classify_icmp(scan, a, target);
	}
	return PROBE_UNKNOWN;
}

enum probe_state
probe_silence(enum probe_scan scan)
{
	return scans[scan].silence;
}

enum probe_state
probe_connected(int error)
{
	switch (error) {
	case 0:
		return PROBE_OPEN;
	case ECONNREFUSED:
		return PROBE_CLOSED;
	default:
		return PROBE_FILTERED;
	}
}
