/* Probes and what answers to them mean: a table of all, as nmap has it. */
#include "unit/support.h"

#include <errno.h>
#include <string.h>

#include "measure/reply.h"
#include "base/bytes.h"
#include "protocol/packet.h"
#include "measure/build.h"
#include "measure/probe.h"

static const struct packet_addr us4 = { 4, { 192, 0, 2, 1 } };
static const struct packet_addr host4 = { 4, { 192, 0, 2, 9 } };
static const struct packet_addr us6 = { 6, { 0x20, 1, 13, 0xb8, [15] = 1 } };
static const struct packet_addr host6 = { 6, { 0x20, 1, 13, 0xb8, [15] = 9 } };

static struct answer_flow
flow_to(bool v4)
{
	return (struct answer_flow){ .src = v4 ? us4 : us6,
				     .dst = v4 ? host4 : host6,
				     .sport = 40000,
				     .dport = 22 };
}

static struct answer
tcp_answer(uint8_t flags, uint16_t window)
{
	return (struct answer){ .kind = ANSWER_TCP,
				.flow.src = host4,
				.flow.dst = us4,
				.flags = flags,
				.window = window };
}

static struct answer
icmp_answer(const struct packet_addr *src, uint8_t type, uint8_t code)
{
	return (struct answer){ .kind = ANSWER_ICMP,
				.flow.src = *src,
				.type = type,
				.code = code };
}

static enum probe_state
says(enum probe_scan scan, struct answer a)
{
	return probe_classify(scan, &a,
			      a.flow.src.family == 6 ? &host6 : &host4);
}

static void
probe_names(void **state)
{
	(void)state;
	for (enum probe_scan s = 0; s < PROBE_SCANS; s++) {
		const char *name = probe_scan_name(s);

		assert_int_equal(probe_scan_find(name, strlen(name)), s);
	}
	for (enum probe_state s = PROBE_OPEN; s < PROBE_STATES; s++) {
		const char *name = probe_state_name(s);

		assert_int_equal(probe_state_find(name, strlen(name)), s);
	}
	assert_int_equal(probe_scan_find("sy", 2), PROBE_SCANS);
	assert_int_equal(probe_scan_find("synx", 3), PROBE_SYN);
	assert_int_equal(probe_state_find("unknown", 7), PROBE_UNKNOWN);
}

/* What is built is what packet.h reads, with a right checksum. */
static void
probe_builds_tcp(void **state)
{
	static const uint8_t flags[PROBE_SCANS] = {
		[PROBE_SYN] = PACKET_SYN,
		[PROBE_FIN] = PACKET_FIN,
		[PROBE_XMAS] = PACKET_FIN | PACKET_PSH | PACKET_URG,
		[PROBE_ACK] = PACKET_ACK,
		[PROBE_WINDOW] = PACKET_ACK,
		[PROBE_MAIMON] = PACKET_FIN | PACKET_ACK,
		[PROBE_SYN_DATA] = PACKET_SYN,
		[PROBE_SYN_ECN] = PACKET_SYN | PACKET_ECE | PACKET_CWR,
	};

	(void)state;
	for (int i = 0; i < 2 * PROBE_SCANS; i++) {
		enum probe_scan scan = (enum probe_scan)(i / 2);
		struct answer_flow flow = flow_to(i % 2);
		struct probe_numbers numbers = probe_numbers(0x12345678);
		uint8_t bytes[PROBE_MAX];
		struct packet p;
		size_t len;

		if (scan == PROBE_CONNECT || scan == PROBE_UDP) {
			continue;
		}
		len = probe_build(bytes, scan, &flow, 0x12345678);
		assert_int_equal(packet_parse(&p, bytes, len, len), PACKET_OK);
		assert_true(packet_addr_equal(&p.src, &flow.src));
		assert_true(packet_addr_equal(&p.dst, &flow.dst));
		assert_int_equal(p.sport, 40000);
		assert_int_equal(p.dport, 22);
		assert_int_equal(p.flags, flags[scan]);
		assert_int_equal(p.seq, numbers.seq);
		assert_int_equal(p.ack, p.flags & PACKET_ACK ? numbers.ack : 0);
		assert_int_equal(p.data_len,
				 scan == PROBE_SYN_DATA ? PROBE_DATA : 0);
		assert_int_equal(packet_tcp_checksum(bytes, &p),
				 be16_load(bytes + p.tcp_at + 16));
		assert_int_equal(p.ttl, BUILD_TTL);
	}
}

static void
probe_builds_udp(void **state)
{
	(void)state;
	for (int v4 = 0; v4 < 2; v4++) {
		struct answer_flow flow = flow_to(v4);
		uint8_t bytes[PROBE_MAX];
		size_t len = probe_build(bytes, PROBE_UDP, &flow, 7);
		size_t at = v4 ? 20 : 40;
		struct answer a;

		assert_int_equal(len, at + 8);
		assert_int_equal(answer_parse(&a, bytes, len, len), 0);
		assert_int_equal(a.kind, ANSWER_UDP);
		assert_int_equal(a.flow.dport, 22);
		assert_int_equal(a.data_len, 0);
		assert_int_not_equal(be16_load(bytes + at + 6), 0);
		/* A sum over what has its checksum leaves nothing. */
		assert_int_equal(packet_checksum(&flow.src, &flow.dst, 17,
						 bytes + at, 8),
				 0);
	}
}

static void
probe_reset_states(void **state)
{
	static const enum probe_state want[PROBE_SCANS] = {
		PROBE_CLOSED, PROBE_CLOSED,     PROBE_CLOSED,  PROBE_CLOSED,
		PROBE_CLOSED, PROBE_UNFILTERED, PROBE_CLOSED,  PROBE_CLOSED,
		PROBE_CLOSED, PROBE_CLOSED,     PROBE_UNKNOWN,
	};

	(void)state;
	for (enum probe_scan s = 0; s < PROBE_SCANS; s++) {
		assert_int_equal(says(s, tcp_answer(PACKET_RST, 0)), want[s]);
		assert_int_equal(
			says(s, tcp_answer(PACKET_RST | PACKET_ACK, 0)),
			want[s]);
	}
	assert_int_equal(says(PROBE_WINDOW, tcp_answer(PACKET_RST, 512)),
			 PROBE_OPEN);
	assert_int_equal(says(PROBE_ACK, tcp_answer(PACKET_RST, 512)),
			 PROBE_UNFILTERED);
}

static void
probe_syn_ack_states(void **state)
{
	(void)state;
	for (enum probe_scan s = 0; s < PROBE_SCANS; s++) {
		enum probe_state want =
			probe_is_syn(s) ? PROBE_OPEN : PROBE_UNKNOWN;

		assert_int_equal(
			says(s, tcp_answer(PACKET_SYN | PACKET_ACK, 0)), want);
		/* The other half of a split handshake. */
		assert_int_equal(says(s, tcp_answer(PACKET_SYN, 0)), want);
		/* A challenge, which nmap takes no notice of. */
		assert_int_equal(says(s, tcp_answer(PACKET_ACK, 0)),
				 PROBE_UNKNOWN);
	}
}

static void
probe_silence_states(void **state)
{
	static const enum probe_state want[PROBE_SCANS] = {
		PROBE_FILTERED,      PROBE_FILTERED,      PROBE_OPEN_FILTERED,
		PROBE_OPEN_FILTERED, PROBE_OPEN_FILTERED, PROBE_FILTERED,
		PROBE_FILTERED,      PROBE_OPEN_FILTERED, PROBE_FILTERED,
		PROBE_FILTERED,      PROBE_OPEN_FILTERED,
	};

	(void)state;
	for (enum probe_scan s = 0; s < PROBE_SCANS; s++) {
		assert_int_equal(probe_silence(s), want[s]);
	}
}

static void
probe_icmp_states(void **state)
{
	(void)state;
	for (int code = 0; code < 16; code++) {
		bool means = code <= 3 || code == 9 || code == 10 || code == 13;
		enum probe_state want = means ? PROBE_FILTERED : PROBE_UNKNOWN;
		struct answer a = icmp_answer(&host4, 3, (uint8_t)code);

		assert_int_equal(says(PROBE_SYN, a), want);
		assert_int_equal(says(PROBE_FIN, a), want);
		assert_int_equal(says(PROBE_UDP, a),
				 code == 3 ? PROBE_CLOSED : want);
	}
	for (int code = 0; code < 7; code++) {
		struct answer a = icmp_answer(&host6, 1, (uint8_t)code);

		assert_int_equal(says(PROBE_SYN, a), PROBE_FILTERED);
		assert_int_equal(says(PROBE_UDP, a),
				 code == 4 ? PROBE_CLOSED : PROBE_FILTERED);
	}
	/* Somebody on the way can't know the host's ports. */
	assert_int_equal(says(PROBE_UDP, icmp_answer(&us4, 3, 3)),
			 PROBE_FILTERED);
	assert_int_equal(says(PROBE_SYN, icmp_answer(&host4, 11, 0)),
			 PROBE_FILTERED);
	assert_int_equal(says(PROBE_SYN, icmp_answer(&host4, 12, 0)),
			 PROBE_UNKNOWN);
	assert_int_equal(says(PROBE_SYN, icmp_answer(&host6, 2, 0)),
			 PROBE_UNKNOWN);
}

/* An ICMP error about a probe leads back to it, however short it quotes. */
static void
answer_quotes_probes(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * PROBE_SCANS; i++) {
		enum probe_scan scan = (enum probe_scan)(i / 2);
		bool v4 = i % 2;
		struct answer_flow flow = flow_to(v4);
		size_t at = v4 ? 20 : 40;
		uint8_t bytes[256] = { 0 };
		uint8_t probe[PROBE_MAX];
		size_t quoted = at + 8;
		size_t len = at + 8 + quoted;
		struct answer a;

		if (scan == PROBE_CONNECT) {
			continue;
		}
		probe_build(probe, scan, &flow, 99);
		memcpy(bytes, probe, at);
		/* The other way round, and ICMP. */
		memcpy(bytes + (v4 ? 12 : 8), flow.dst.bytes, v4 ? 4 : 16);
		memcpy(bytes + (v4 ? 16 : 24), flow.src.bytes, v4 ? 4 : 16);
		be16_store(bytes + (v4 ? 2 : 4),
			   (uint16_t)(v4 ? len : len - at));
		bytes[v4 ? 9 : 6] = v4 ? 1 : 58;
		bytes[at] = v4 ? 3 : 1;
		memcpy(bytes + at + 8, probe, quoted);
		assert_int_equal(answer_parse(&a, bytes, len, len), 0);
		assert_int_equal(a.kind, ANSWER_ICMP);
		assert_int_equal(a.quoted_kind,
				 scan == PROBE_UDP ? ANSWER_UDP : ANSWER_TCP);
		assert_true(packet_addr_equal(&a.quoted.src, &flow.src));
		assert_true(packet_addr_equal(&a.quoted.dst, &flow.dst));
		assert_int_equal(a.quoted.sport, flow.sport);
		assert_int_equal(a.quoted.dport, flow.dport);
		assert_int_equal(a.data_len, quoted);
		if (scan != PROBE_UDP) {
			assert_int_equal(a.quoted_seq, probe_numbers(99).seq);
		}
		if (v4) {
			assert_int_equal(a.quoted_id, probe_numbers(99).id);
		}
		/* A byte less, and it is nobody's. */
		assert_int_equal(answer_parse(&a, bytes, len - 1, len), -1);
	}
}

static void
probe_connect_states(void **state)
{
	(void)state;
	assert_int_equal(probe_connected(0), PROBE_OPEN);
	assert_int_equal(probe_connected(ECONNREFUSED), PROBE_CLOSED);
	assert_int_equal(probe_connected(EHOSTUNREACH), PROBE_FILTERED);
	assert_int_equal(probe_connected(ETIMEDOUT), PROBE_FILTERED);
	assert_int_equal(probe_connected(EACCES), PROBE_FILTERED);
}

static void
matches_by_numbers(void **state)
{
	const struct probe_numbers n = probe_numbers(0xfffffff0);
	struct answer a = tcp_answer(PACKET_SYN | PACKET_ACK, 1);

	(void)state;
	a.ack = n.seq + 1;
	assert_int_equal(probe_match(PROBE_SYN, &a, &n), PROBE_MATCHES);
	for (uint32_t off = 2; off < 100; off++) {
		a.ack = n.seq + off;
		assert_int_equal(probe_match(PROBE_SYN, &a, &n), PROBE_OTHER);
	}
	a.ack = n.seq;
	assert_int_equal(probe_match(PROBE_SYN, &a, &n), PROBE_OTHER);
	/* With its data, or without. */
	a.ack = n.seq + 1 + PROBE_DATA;
	assert_int_equal(probe_match(PROBE_SYN_DATA, &a, &n), PROBE_MATCHES);
	a.ack = n.seq + 1;
	assert_int_equal(probe_match(PROBE_SYN_DATA, &a, &n), PROBE_MATCHES);
	a.ack = n.seq + 2;
	assert_int_equal(probe_match(PROBE_SYN_DATA, &a, &n), PROBE_OTHER);

	a = tcp_answer(PACKET_RST | PACKET_ACK, 0);
	a.ack = n.seq + 1;
	assert_int_equal(probe_match(PROBE_FIN, &a, &n), PROBE_MATCHES);
	a.ack = n.seq;
	assert_int_equal(probe_match(PROBE_NULL, &a, &n), PROBE_MATCHES);
	a.ack = n.seq + 2;
	assert_int_equal(probe_match(PROBE_FIN, &a, &n), PROBE_OTHER);
	a = tcp_answer(PACKET_RST, 0);
	assert_int_equal(probe_match(PROBE_ACK, &a, &n), PROBE_UNTOLD);
	a.seq = n.ack;
	assert_int_equal(probe_match(PROBE_ACK, &a, &n), PROBE_MATCHES);
	a = tcp_answer(PACKET_SYN, 0);
	assert_int_equal(probe_match(PROBE_SYN, &a, &n), PROBE_UNTOLD);
}

static void
matches_by_quotations(void **state)
{
	const struct probe_numbers n = probe_numbers(77);
	struct answer a = icmp_answer(&host4, 3, 13);

	(void)state;
	a.quoted_kind = ANSWER_TCP;
	a.quoted_seq = n.seq;
	assert_int_equal(probe_match(PROBE_FIN, &a, &n), PROBE_MATCHES);
	a.quoted_seq++;
	assert_int_equal(probe_match(PROBE_FIN, &a, &n), PROBE_OTHER);
	/* Of UDP, what a middlebox may have rewritten. */
	a.quoted_kind = ANSWER_UDP;
	a.quoted.dst = host4;
	a.quoted_id = n.id;
	assert_int_equal(probe_match(PROBE_UDP, &a, &n), PROBE_MATCHES);
	a.quoted_id++;
	assert_int_equal(probe_match(PROBE_UDP, &a, &n), PROBE_UNTOLD);
	a.quoted.dst = host6;
	a.quoted_label = n.label;
	assert_int_equal(probe_match(PROBE_UDP, &a, &n), PROBE_MATCHES);
	a.quoted_label = 0;
	assert_int_equal(probe_match(PROBE_UDP, &a, &n), PROBE_UNTOLD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_names),
		cmocka_unit_test(probe_builds_tcp),
		cmocka_unit_test(probe_builds_udp),
		cmocka_unit_test(probe_reset_states),
		cmocka_unit_test(probe_syn_ack_states),
		cmocka_unit_test(probe_silence_states),
		cmocka_unit_test(probe_icmp_states),
		cmocka_unit_test(answer_quotes_probes),
		cmocka_unit_test(probe_connect_states),
		cmocka_unit_test(matches_by_numbers),
		cmocka_unit_test(matches_by_quotations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
