#include "unit/files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "protocol/sender.h"

#define INSTANT (1798761600ull << 8 | 0xab)
#define MARK 0xbeef

static const uint8_t secret[16] = "sixteen bytes...";

/* A SYN as a kernel sends it: MSS, SACK permitted, time stamps, NOP, WS. */
static const uint8_t syn4[] = {
	0x45, 0x10, 0,    60,   0x12, 0x34, 0x40, 0,    64,   6,    0,    0,
	192,  0,    2,    1,    192,  0,    2,    2,    0x9c, 0x40, 0x1f, 0x90,
	0xde, 0xad, 0xbe, 0xef, 0,    0,    0,    0,    0xa0, 0xc2, 0xfa, 0xf0,
	0,    0,    0,    0,    2,    4,    5,    0xb4, 4,    2,    8,    10,
	1,    2,    3,    4,    0,    0,    0,    0,    1,    3,    3,    7,
};

/* With a hop-by-hop header in front. */
static const uint8_t syn6[] = {
	0x60, 1,    2,    3,    0,    32,   0,    64,   0x20, 1, 0xd, 0xb8,
	0,    0,    0,    0,    0,    0,    0,    0,    0,    0, 0,   1,
	0x20, 1,    0xd,  0xb8, 0,    0,    0,    0,    0,    0, 0,   0,
	0,    0,    0,    2,    6,    0,    1,    4,    0,    0, 0,   0,
	0x9c, 0x40, 0x1f, 0x90, 0xde, 0xad, 0xbe, 0xef, 0,    0, 0,   0,
	0x60, 0x02, 0xfa, 0xf0, 0,    0,    0,    0,    2,    4, 5,   0xa0,
};

/* IPv4 with options, and a TCP header with none. */
static const uint8_t syn4_options[] = {
	0x46, 0,  0, 44, 0, 1,    0,    0,    1, 6, 0, 0, 10, 0, 0,
	1,    10, 0, 0,  2, 0x94, 4,    0,    0, 0, 1, 0, 22, 0, 0,
	0,    0,  0, 0,  0, 0,    0x50, 0x02, 0, 0, 0, 0, 0,  0,
};

static const struct {
	const uint8_t *bytes;
	size_t len;
} syns[] = {
	{ syn4, sizeof syn4 },
	{ syn6, sizeof syn6 },
	{ syn4_options, sizeof syn4_options },
};

static struct packet
parse(const uint8_t *bytes, size_t len)
{
	struct packet p;

	assert_int_equal(packet_parse(&p, bytes, len, len), PACKET_OK);
	return p;
}

static struct sender_rule
rule_with(enum mac_suite suite, unsigned extra)
{
	struct sender_rule rule = { .key = { .no = 0x1234 } };

	rule.key.bits = (uint8_t)frame_auth_bits(extra);
	mac_key_init(&rule.key.mac, suite, extra, secret, sizeof secret, NULL,
		     0);
	return rule;
}

static const uint16_t sports[FRAME_MAX - 1] = { 1001, 1002, 1003,
						1004, 1005, 1006 };

static void
signs_every_length(void **state)
{
	static const struct {
		enum mac_suite suite;
		unsigned extra, bits;
	} keys[] = {
		{ MAC_HMAC_MD5, 0, 30 },     { MAC_HMAC_SHA256, 0, 30 },
		{ MAC_HMAC_SHA256, 1, 60 },  { MAC_HMAC_SHA256, 2, 89 },
		{ MAC_HMAC_SHA256, 3, 118 },
	};
	const struct packet orig = parse(syn4, sizeof syn4);

	(void)state;
	for (size_t i = 0; i < LENGTH(keys); i++) {
		const struct sender_rule rule =
			rule_with(keys[i].suite, keys[i].extra);
		uint32_t seq[FRAME_MAX];
		struct sender_group g;

		assert_int_equal(rule.key.bits, keys[i].bits);
		sender_sign(&g, &orig, &rule, INSTANT, MARK, sports);
		assert_int_equal(g.count, 4 + keys[i].extra);
		assert_int_equal(g.mark, MARK);
		assert_int_equal(g.seq[0], 0xdeadbeef);
		assert_int_equal(g.seq[1],
				 0x20000000u | keys[i].extra << 24 |
					 0x1234u << 8 | 0xab);
		assert_int_equal(g.seq[2],
				 0x40000000u | (1798761600u & 0x1fffffff));
		memcpy(seq, g.seq, 3 * sizeof *seq);
		mac_sign(&rule.key.mac, 8080, seq, NULL);
		for (size_t role = 3; role < g.count; role++) {
			assert_int_equal(g.seq[role], seq[role]);
		}
		for (size_t role = 1; role < g.count; role++) {
			assert_int_equal(frame_role_of(g.seq[role]), role);
			assert_int_equal(g.sport[role], sports[role - 1]);
		}
		assert_int_equal(g.sport[0], 40000);
	}
}

/* The port that counts is the server's own. */
static void
signs_for_the_service_port(void **state)
{
	const struct packet orig = parse(syn4, sizeof syn4);
	struct sender_rule rule = rule_with(MAC_HMAC_SHA256, 1);
	struct sender_group plain, forwarded;
	uint32_t seq[FRAME_MAX];

	(void)state;
	sender_sign(&plain, &orig, &rule, INSTANT, MARK, sports);
	rule.service_port = 22;
	sender_sign(&forwarded, &orig, &rule, INSTANT, MARK, sports);
	memcpy(seq, forwarded.seq, 3 * sizeof *seq);
	mac_sign(&rule.key.mac, 22, seq, NULL);
	assert_int_equal(forwarded.seq[3], seq[3]);
	assert_int_equal(forwarded.seq[4], seq[4]);
	assert_true(plain.seq[3] != seq[3] || plain.seq[4] != seq[4]);
	rule.service_port = 8080;
	sender_sign(&forwarded, &orig, &rule, INSTANT, MARK, sports);
	assert_memory_equal(forwarded.seq, plain.seq, 5 * sizeof *seq);
}

/* One frame's bytes: SYN-ORIG's but for the fields that TAP changes. */
static void
check_frame(const uint8_t *bytes, size_t len, const uint8_t *frame,
	    size_t frame_len, const struct sender_group *g, size_t role)
{
	const struct packet orig = parse(bytes, len);
	const struct packet p = parse(frame, frame_len);
	uint8_t back[256];

	assert_int_equal(frame_len, orig.data_at);
	assert_int_equal(p.data_len, 0);
	assert_int_equal(p.seq, g->seq[role]);
	assert_int_equal(p.sport, g->sport[role]);
	assert_int_equal(p.window, MARK);
	memcpy(back, frame, frame_len);
	be16_store(back + p.tcp_at + 16, 0);
	assert_int_equal(be16_load(frame + p.tcp_at + 16),
			 packet_tcp_checksum(frame, &p));
	be16_store(back + p.tcp_at, orig.sport);
	be32_store(back + p.tcp_at + 4, orig.seq);
	be16_store(back + p.tcp_at + 14, orig.window);
	if (orig.src.family == 4) {
		uint32_t sum = 0;

		for (size_t i = 0; i < p.tcp_at; i += 2) {
			sum += be16_load(frame + i);
		}
		assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
		be16_store(back + 10, 0);
	}
	assert_memory_equal(back, bytes, frame_len);
}

static void
changes_only_its_fields(void **state)
{
	const struct sender_rule rule = rule_with(MAC_HMAC_SHA256, 3);

	(void)state;
	for (size_t i = 0; i < LENGTH(syns); i++) {
		const struct packet orig = parse(syns[i].bytes, syns[i].len);
		uint8_t frame[PACKET_HEADERS_MAX];
		struct sender_group g;

		sender_sign(&g, &orig, &rule, INSTANT, MARK, sports);
		for (size_t role = 1; role < g.count; role++) {
			size_t len = sender_frame(frame, syns[i].bytes, &orig,
						  &g, (enum frame_role)role);

			check_frame(syns[i].bytes, syns[i].len, frame, len, &g,
				    role);
		}
	}
}

/* SYN0 keeps all but window and checksum; its IP header is left alone. */
static void
keeps_syn0(void **state)
{
	const struct sender_rule rule = rule_with(MAC_HMAC_MD5, 0);

	(void)state;
	for (size_t i = 0; i < LENGTH(syns); i++) {
		struct packet orig = parse(syns[i].bytes, syns[i].len);
		uint8_t syn0[256];
		struct sender_group g;

		memcpy(syn0, syns[i].bytes, syns[i].len);
		sender_sign(&g, &orig, &rule, INSTANT, MARK, sports);
		sender_syn0(syn0, &orig, &g);
		assert_int_equal(be16_load(syn0 + orig.tcp_at + 14), MARK);
		assert_int_equal(be16_load(syn0 + orig.tcp_at + 16),
				 packet_tcp_checksum(syn0, &orig));
		be16_store(syn0 + orig.tcp_at + 14, orig.window);
		be16_store(syn0 + orig.tcp_at + 16, 0);
		assert_memory_equal(syn0, syns[i].bytes, syns[i].len);
	}
}

static void
sends_syn0_last(void **state)
{
	(void)state;
	for (size_t count = FRAME_BASE; count <= FRAME_MAX; count++) {
		assert_int_equal(frame_sent_at(0, count), FRAME_SYN2);
		assert_int_equal(frame_sent_at(1, count), FRAME_SYN1);
		for (size_t i = 2; i + 1 < count; i++) {
			assert_int_equal(frame_sent_at(i, count), i + 1);
		}
		assert_int_equal(frame_sent_at(count - 1, count), FRAME_SYN0);
	}
}

static void
judges_what_can_be_signed(void **state)
{
	struct packet p = parse(syn4, sizeof syn4);

	(void)state;
	assert_int_equal(sender_judge(&p), SENDER_GROUP);
	p.has_fastopen = true;
	assert_int_equal(sender_judge(&p), SENDER_GROUP);
	p.data_len = 1;
	assert_int_equal(sender_judge(&p), SENDER_DATA);
	p.has_signature = true;
	assert_int_equal(sender_judge(&p), SENDER_SIGNATURE);
	p.data_len = 0;
	assert_int_equal(sender_judge(&p), SENDER_SIGNATURE);
}

static void
finds_the_first_rule(void **state)
{
	const struct packet orig = parse(syn4, sizeof syn4);
	struct acl_range port = { 8080, 8090 }, other = { 1, 8079 };
	struct sender_rule rules[7] = {
		{ .ports = &other, .ports_count = 1 },
		{ .dst = { { 6, { 0 } }, { 0 } } },
		{ .dst = { { 4, { 192, 0, 2, 1 } }, { 255, 255, 255, 255 } } },
		{ .src = { { 4, { 192, 0, 3 } }, { 255, 255, 255 } } },
		{ .has_user = true, .uid = 1000 },
		{ .outdev = "wg0" },
		{ .ports = &port,
		  .ports_count = 1,
		  .dst = { { 4, { 192, 0, 2, 2 } }, { 255, 255, 255, 255 } },
		  .src = { { 4, { 192, 0, 2 } }, { 255, 255, 255 } } },
	};
	struct sender_packet in = {
		.packet = &orig, .outdev = "eth0", .has_uid = true, .uid = 1001
	};

	(void)state;
	assert_ptr_equal(sender_rule_for(rules, 7, &in), &rules[6]);
	assert_null(sender_rule_for(rules, 6, &in));
	assert_null(sender_rule_for(rules, 0, &in));
	in.uid = 1000;
	assert_ptr_equal(sender_rule_for(rules, 7, &in), &rules[4]);
	/* Without a user, no rule of a user's: of root's above all. */
	in.has_uid = false;
	in.uid = 0;
	rules[4].uid = 0;
	assert_ptr_equal(sender_rule_for(rules, 7, &in), &rules[6]);
	in.outdev = "wg0";
	assert_ptr_equal(sender_rule_for(rules, 7, &in), &rules[5]);
	in.outdev = NULL;
	assert_ptr_equal(sender_rule_for(rules, 7, &in), &rules[6]);
}

/* Who in a guest it is may not be known: then the rule is asked what to do. */
static void
finds_rules_of_guests(void **state)
{
	const struct packet p = parse(syn4, sizeof syn4);
	const struct sender_rule rules[] = {
		{ .guest = 2, .forwarded = true },
		{ .guest = 1,
		  .forwarded = true,
		  .indev = "vnet1",
		  .has_user = true,
		  .uid = 33,
		  .exe = "/bin/web" },
		{ .guest = 1, .forwarded = true, .has_user = true, .uid = 34 },
		{ .guest = 1, .forwarded = true, .comm = "mail", .pid = 7 },
		{ .has_user = true },
	};
	struct sender_packet in = {
		.packet = &p, .guest = 1, .forwarded = true, .indev = "br0"
	};

	(void)state;
	assert_ptr_equal(sender_rule_for(rules, 5, &in), &rules[1]);
	assert_true(sender_lacks_owner(&rules[1], &in));
	in.has_uid = true;
	in.uid = 34;
	assert_ptr_equal(sender_rule_for(rules, 5, &in), &rules[2]);
	assert_false(sender_lacks_owner(&rules[2], &in));
	/* One word that does not fit is enough; the others may be unknown. */
	in.uid = 35;
	in.exe = "/bin/web";
	in.comm = "web";
	in.pid = 7;
	assert_null(sender_rule_for(rules, 5, &in));
	in.comm = "mail";
	assert_ptr_equal(sender_rule_for(rules, 5, &in), &rules[3]);
	in.uid = 33;
	assert_ptr_equal(sender_rule_for(rules, 5, &in), &rules[1]);
	assert_false(sender_lacks_owner(&rules[1], &in));
	in.exe = NULL;
	assert_true(sender_lacks_owner(&rules[1], &in));
	in.guest = 2;
	assert_ptr_equal(sender_rule_for(rules, 5, &in), &rules[0]);
	in.guest = 0;
	assert_null(sender_rule_for(rules, 5, &in));
	/* This host's own are never asked about. */
	in.forwarded = false;
	in.has_uid = false;
	assert_null(sender_rule_for(rules, 5, &in));
}

/* A name stands for its addresses, of the rule's own IP version. */
static void
goes_to_all_addresses_of_a_host(void **state)
{
	struct sender_host host = { .name = "server.example", .count = 3 };
	struct acl_range port = { 8080, 8080 };
	struct sender_rule rule = { .host = &host,
				    .ports = &port,
				    .ports_count = 1 };
	const struct packet p = parse(syn4, sizeof syn4);
	const struct sender_packet in = { .packet = &p };
	struct acl_net dst;
	size_t at = 0;

	(void)state;
	host.addr[0] = p.src;
	host.addr[1].family = 6;
	host.addr[2] = p.dst;
	assert_ptr_equal(sender_rule_for(&rule, 1, &in), &rule);
	for (size_t i = 0; i < 3; i++) {
		assert_true(sender_next_dst(&rule, &at, &dst));
		assert_true(packet_addr_equal(&dst.addr, &host.addr[i]));
	}
	assert_false(sender_next_dst(&rule, &at, &dst));
	rule.src.addr.family = 6;
	at = 0;
	assert_true(sender_next_dst(&rule, &at, &dst));
	assert_int_equal(dst.addr.family, 6);
	assert_false(sender_next_dst(&rule, &at, &dst));
	rule.src.addr.family = 0;
	/* With none it is for nothing, not for everything. */
	host.count = 0;
	at = 0;
	assert_false(sender_next_dst(&rule, &at, &dst));
	assert_null(sender_rule_for(&rule, 1, &in));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_every_length),
		cmocka_unit_test(signs_for_the_service_port),
		cmocka_unit_test(changes_only_its_fields),
		cmocka_unit_test(keeps_syn0),
		cmocka_unit_test(sends_syn0_last),
		cmocka_unit_test(judges_what_can_be_signed),
		cmocka_unit_test(finds_the_first_rule),
		cmocka_unit_test(finds_rules_of_guests),
		cmocka_unit_test(goes_to_all_addresses_of_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
