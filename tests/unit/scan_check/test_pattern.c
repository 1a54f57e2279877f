/* Probes of several packets: what is sent, and what is taken for an answer. */
#include "unit/support.h"

#include <string.h>

#include "base/bytes.h"
#include "measure/probe.h"
#include "protocol/packet.h"
#include "scan_check/pattern.h"

static struct pattern_packet packets[PATTERN_PACKETS];

static struct pattern_probe
probe(enum pattern pattern, uint8_t family)
{
	struct pattern_probe p = {
		.pattern = pattern,
		.src = { family, { 192, 0, 2, 1 } },
		.dst = { family, { 192, 0, 2, 9, 5, 6, 7, 8, 9, 10, 11, 12 } },
		.port = 22,
		.reference = 9,
		.echo_id = 0x1234,
		.echo_seq = 77,
	};

	if (family == 4) {
		memset(p.dst.bytes + 4, 0, 12);
	}
	for (size_t i = 0; i < PATTERN_PACKETS; i++) {
		p.sports[i] = (uint16_t)(5000 + i);
		p.tokens[i] = (uint32_t)(0x01020304 + i);
	}
	return p;
}

static struct packet
parse(const struct pattern_packet *at)
{
	struct packet p;

	assert_int_equal(packet_parse(&p, at->bytes, at->len, at->len),
			 PACKET_OK);
	return p;
}

static void
names_are_found(void **state)
{
	(void)state;
	for (enum pattern p = 0; p < PATTERN_KINDS; p++) {
		const char *name = pattern_name(p);

		assert_int_equal(pattern_find(name, strlen(name)), p);
		assert_int_equal(pattern_find(name, strlen(name) - 1),
				 PATTERN_KINDS);
		assert_int_equal(probe_scan_find(name, strlen(name)),
				 PROBE_SCANS);
	}
	assert_int_equal(pattern_find("pings", 5), PATTERN_KINDS);
	assert_int_equal(pattern_find("", 0), PATTERN_KINDS);
}

static void
anycast_has_the_prefix(void **state)
{
	struct pattern_probe p = probe(PATTERN_ANYCAST, 6);
	struct packet got;

	(void)state;
	assert_int_equal(pattern_build(packets, &p), 1);
	got = parse(&packets[0]);
	assert_memory_equal(got.dst.bytes, p.dst.bytes, 8);
	for (size_t i = 8; i < 16; i++) {
		assert_int_equal(got.dst.bytes[i], 0);
	}
	assert_int_equal(got.flags, PACKET_ACK);
	assert_int_equal(got.dport, 22);
	assert_int_equal(got.sport, 5000);
}

/* Behind the last of all others; each with ports and numbers of its own. */
static void
a_burst_ends_with_the_port(void **state)
{
	struct pattern_probe p = probe(PATTERN_BURST, 4);
	size_t count = pattern_build(packets, &p);

	(void)state;
	assert_int_equal(count, pattern_segments(PATTERN_BURST));
	assert_int_equal(count, PATTERN_AHEAD_BURST + 1);
	for (size_t i = 0; i < count; i++) {
		struct packet got = parse(&packets[i]);

		assert_int_equal(got.flags, PACKET_SYN);
		assert_int_equal(got.dport, i + 1 < count ? 9 : 22);
		assert_int_equal(got.sport, 5000 + i);
		assert_int_equal(got.seq, probe_numbers(p.tokens[i]).seq);
	}
}

static void
a_ping_ends_its_syns(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct pattern_probe p = probe(PATTERN_PING, family);
		size_t count = pattern_build(packets, &p);
		size_t header =
			family == 4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER;
		const uint8_t *echo = packets[count - 1].bytes + header;
		size_t len = packets[count - 1].len - header;
		uint16_t id, seq;

		assert_int_equal(count, PATTERN_AHEAD_PING + 1);
		assert_int_equal(parse(&packets[0]).dport, 22);
		assert_int_equal(parse(&packets[count - 2]).dport, 22);
		assert_int_equal(echo[0], family == 4 ? 8 : 128);
		/* A request is no reply; turned round it is. */
		assert_false(pattern_is_reply(packets[count - 1].bytes,
					      packets[count - 1].len, &id,
					      &seq));
		packets[count - 1].bytes[header] = family == 4 ? 0 : 129;
		assert_true(pattern_is_reply(packets[count - 1].bytes,
					     packets[count - 1].len, &id,
					     &seq));
		assert_int_equal(id, 0x1234);
		assert_int_equal(seq, 77);
		for (size_t cut = 0; cut < header + 8; cut++) {
			assert_false(pattern_is_reply(packets[count - 1].bytes,
						      cut, &id, &seq));
		}
		packets[count - 1].bytes[header] = family == 4 ? 8 : 128;
		if (family == 6) {
			assert_int_equal(
				packet_checksum(&p.src, &p.dst, 58, echo, len),
				0);
		} else {
			uint32_t sum = 0;

			for (size_t i = 0; i < len; i += 2) {
				sum += be16_load(echo + i);
			}
			assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
		}
	}
}

/* Put together, the pieces are the SYN that any scan sends. */
static void
pieces_are_a_syn(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct pattern_probe p = probe(PATTERN_FRAGMENT, family);
		const struct answer_flow flow = { p.src, p.dst, 5000, 22 };
		uint8_t whole[PROBE_MAX];
		size_t len = probe_build(whole, PROBE_SYN, &flow, p.tokens[0]);
		size_t header =
			family == 4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER;
		size_t skip = header + (family == 4 ? 0 : 8);

		assert_int_equal(pattern_build(packets, &p), 2);
		assert_int_equal(packets[0].len, skip + 8);
		assert_int_equal(packets[1].len, skip + len - header - 8);
		assert_memory_equal(packets[0].bytes + skip, whole + header, 8);
		assert_memory_equal(packets[1].bytes + skip, whole + header + 8,
				    len - header - 8);
		for (size_t i = 0; i < 2; i++) {
			const uint8_t *at = packets[i].bytes;

			if (family == 4) {
				assert_int_equal(be16_load(at + 2),
						 packets[i].len);
				assert_int_equal(be16_load(at + 6),
						 i ? 1 : 0x2000);
				continue;
			}
			assert_int_equal(be16_load(at + 4),
					 packets[i].len - header);
			assert_int_equal(at[6], 44);
			assert_int_equal(at[header], 6);
			assert_int_equal(be16_load(at + header + 2), i ? 8 : 1);
			assert_memory_equal(at + header + 4,
					    packets[0].bytes + header + 4, 4);
		}
	}
}

/* Each shows something, and what it shows exists. */
static void
something_is_shown(void **state)
{
	(void)state;
	for (enum pattern p = 0; p < PATTERN_KINDS; p++) {
		unsigned shown[2] = { 0 };

		for (enum distinguish_what w = 0; w < DISTINGUISH_KINDS; w++) {
			shown[0] += pattern_shows(p, w, 4);
			shown[1] += pattern_shows(p, w, 6);
		}
		assert_int_equal(shown[0] > 0, p != PATTERN_ANYCAST);
		assert_true(shown[1] > 0);
	}
	assert_true(pattern_shows(PATTERN_BURST, DISTINGUISH_ORDER, 4));
	assert_true(pattern_shows(PATTERN_PING, DISTINGUISH_TIME, 6));
	assert_false(pattern_shows(PATTERN_PING, DISTINGUISH_ORDER, 6));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(anycast_has_the_prefix),
		cmocka_unit_test(a_burst_ends_with_the_port),
		cmocka_unit_test(a_ping_ends_its_syns),
		cmocka_unit_test(pieces_are_a_syn),
		cmocka_unit_test(something_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
