/* Packets: what is found, and what is refused. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "unit/packet_support.h"

static void
assert_tcp_found(const struct packet *p, const struct built *b,
		 size_t options_len, size_t data_len)
{
	assert_int_equal(p->sport, 40001);
	assert_int_equal(p->dport, 443);
	assert_int_equal(p->seq, 0x89abcdef);
	assert_int_equal(p->ack, 0x01020304);
	assert_int_equal(p->window, 64240);
	assert_int_equal(p->flags, PACKET_SYN | PACKET_ECE | PACKET_CWR);
	assert_true(packet_is_syn(p));
	assert_int_equal(p->tcp_at, b->tcp_at);
	assert_int_equal(p->options_at, b->tcp_at + 20);
	assert_int_equal(p->options_len, options_len);
	assert_int_equal(p->data_at, b->tcp_at + 20 + options_len);
	assert_int_equal(p->data_len, data_len);
}

static void
ip4_with_and_without_options(void **state)
{
	(void)state;
	for (size_t ip_options = 0; ip_options <= 40; ip_options += 4) {
		for (size_t data = 0; data < 4; data++) {
			const struct built b =
				built_ip4(ip_options, built_options,
					  sizeof built_options, data);
			const struct packet_addr src = addr4(0xc0000201);
			const struct packet_addr dst = addr4(0xc6336402);
			struct packet p;

			assert_int_equal(built_parse(&p, &b), PACKET_OK);
			assert_tcp_found(&p, &b, sizeof built_options, data);
			assert_true(packet_addr_equal(&p.src, &src));
			assert_true(packet_addr_equal(&p.dst, &dst));
			assert_int_equal(p.ttl, 61);
			assert_int_equal(p.tos, 0x10);
			assert_false(p.has_signature);
			assert_false(p.has_fastopen);
		}
	}
}

static void
ip6_with_extension_headers(void **state)
{
	const uint8_t kinds[] = { 0, 43, 44, 51, 60, 135, 139, 140 };
	const struct packet_addr src = addr6(1, 1);
	struct packet p;
	struct built b = built_ip6(NULL, 0, 0, 3);

	(void)state;
	assert_int_equal(built_parse(&p, &b), PACKET_OK);
	assert_tcp_found(&p, &b, sizeof built_options, 3);
	assert_int_equal(p.ttl, 62);
	assert_int_equal(p.tos, 0x00);
	assert_true(packet_addr_equal(&p.src, &src));
	for (size_t i = 0; i < sizeof kinds; i++) {
		for (unsigned units = 0; units < 5; units++) {
			b = built_ip6(&kinds[i], 1, units, 0);
			assert_int_equal(built_parse(&p, &b), PACKET_OK);
			assert_tcp_found(&p, &b, sizeof built_options, 0);
		}
		for (size_t j = 0; j < sizeof kinds; j++) {
			const uint8_t two[] = { kinds[i], kinds[j] };

			b = built_ip6(two, 2, 1, 1);
			assert_int_equal(built_parse(&p, &b), PACKET_OK);
			assert_tcp_found(&p, &b, sizeof built_options, 1);
		}
	}
	/* All of them in a chain: as many as there may be. */
	b = built_ip6(kinds, sizeof kinds, 1, 0);
	assert_int_equal(built_parse(&p, &b), PACKET_OK);
	assert_tcp_found(&p, &b, sizeof built_options, 0);
}

static void
chains_are_bounded(void **state)
{
	const uint8_t nine[9] = { 60, 60, 60, 60, 60, 60, 60, 60, 60 };
	struct packet p;
	struct built b = built_ip6(nine, 8, 0, 0);

	(void)state;
	assert_int_equal(built_parse(&p, &b), PACKET_OK);
	b = built_ip6(nine, 9, 0, 0);
	assert_int_equal(built_parse(&p, &b), PACKET_EXTENSION);
	/* 176 bytes of headers, and 8 more. */
	b = built_ip6(nine, 1, 21, 0);
	assert_int_equal(built_parse(&p, &b), PACKET_OK);
	assert_int_equal(p.tcp_at, PACKET_IP_HEADER_MAX);
	b = built_ip6(nine, 1, 22, 0);
	assert_int_equal(built_parse(&p, &b), PACKET_EXTENSION);
}

/* A change to a good packet, and what it has to be refused with. */
struct refusal {
	size_t at;
	uint8_t value;
	int error;
};

static void
refuse_each(const struct built *good, const struct refusal *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct built b = *good;
		struct packet p;

		b.bytes[list[i].at] = list[i].value;
		print_message("byte %zu = %u\n", list[i].at, list[i].value);
		assert_int_equal(built_parse(&p, &b), list[i].error);
	}
}

static void
ip4_refusals(void **state)
{
	const struct built b =
		built_ip4(0, built_options, sizeof built_options, 4);
	const struct refusal list[] = {
		{ 0, 0x00, PACKET_LENGTH },   { 0, 0x55, PACKET_LENGTH },
		{ 0, 0xf5, PACKET_LENGTH },   { 0, 0x40, PACKET_LENGTH },
		{ 0, 0x44, PACKET_LENGTH },   { 3, 19, PACKET_LENGTH },
		{ 3, 65, PACKET_LENGTH },     { 2, 1, PACKET_LENGTH },
		{ 3, 39, PACKET_TRUNCATED },  { 3, 20, PACKET_TRUNCATED },
		{ 3, 59, PACKET_LENGTH },     { 6, 0x20, PACKET_FRAGMENT },
		{ 6, 0x1f, PACKET_FRAGMENT }, { 7, 0x01, PACKET_FRAGMENT },
		{ 9, 17, PACKET_NOT_TCP },    { 9, 0, PACKET_NOT_TCP },
		{ 9, 41, PACKET_NOT_TCP },    { 32, 0x40, PACKET_LENGTH },
		{ 32, 0x00, PACKET_LENGTH },  { 32, 0xf0, PACKET_LENGTH },
		{ 41, 0, PACKET_OPTION },     { 41, 1, PACKET_OPTION },
		{ 41, 21, PACKET_OPTION },    { 41, 255, PACKET_OPTION },
	};

	(void)state;
	refuse_each(&b, list, COUNT(list));
}

static void
ip6_refusals(void **state)
{
	const uint8_t fragment = 44;
	const uint8_t routing = 43;
	const uint8_t options = 60;
	const struct built bare = built_ip6(NULL, 0, 0, 0);
	const struct built routed = built_ip6(&routing, 1, 0, 0);
	const struct built fragmented = built_ip6(&fragment, 1, 0, 0);
	const struct built chained = built_ip6(&options, 1, 0, 0);
	const struct refusal of_bare[] = {
		{ 4, 1, PACKET_LENGTH },    { 5, 41, PACKET_LENGTH },
		{ 5, 39, PACKET_LENGTH },   { 5, 0, PACKET_TRUNCATED },
		{ 6, 17, PACKET_NOT_TCP },  { 6, 50, PACKET_NOT_TCP },
		{ 6, 59, PACKET_NOT_TCP },  { 6, 58, PACKET_NOT_TCP },
		{ 6, 4, PACKET_NOT_TCP },   { 6, 41, PACKET_NOT_TCP },
		{ 6, 253, PACKET_NOT_TCP },
	};
	const struct refusal of_routed[] = {
		{ 43, 1, PACKET_EXTENSION },
		{ 43, 255, PACKET_EXTENSION },
	};
	const struct refusal of_fragmented[] = {
		{ 42, 1, PACKET_FRAGMENT },
		{ 43, 1, PACKET_FRAGMENT },
		{ 43, 8, PACKET_FRAGMENT },
	};
	const struct refusal of_chained[] = {
		{ 41, 255, PACKET_TRUNCATED },
		{ 41, 6, PACKET_TRUNCATED },
		{ 40, 59, PACKET_NOT_TCP },
	};

	(void)state;
	refuse_each(&bare, of_bare, COUNT(of_bare));
	refuse_each(&routed, of_routed, COUNT(of_routed));
	refuse_each(&fragmented, of_fragmented, COUNT(of_fragmented));
	refuse_each(&chained, of_chained, COUNT(of_chained));
}

static void
every_truncation_is_noticed(void **state)
{
	const uint8_t kinds[] = { 0, 43, 44, 51, 60 };
	const struct built packets[] = {
		built_ip4(0, built_options, sizeof built_options, 9),
		built_ip4(40, built_options, sizeof built_options, 9),
		built_ip6(NULL, 0, 0, 9),
		built_ip6(kinds, sizeof kinds, 1, 9),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		const struct built *b = &packets[i];
		struct packet whole;

		assert_int_equal(built_parse(&whole, b), PACKET_OK);
		for (size_t len = 0; len < b->len; len++) {
			struct packet p;

			/* Cut by a capture: only the data may be missing. */
			if (len < whole.data_at) {
				assert_int_equal(
					built_parse_len(&p, b, len, b->len),
					PACKET_TRUNCATED);
			} else {
				assert_int_equal(
					built_parse_len(&p, b, len, b->len),
					PACKET_OK);
				assert_memory_equal(&p, &whole, sizeof p);
			}
			/* Cut on the wire: never. */
			assert_true(built_parse_len(&p, b, len, len) < 0);
			/* More than there was. */
			if (len > 0) {
				assert_int_equal(
					built_parse_len(&p, b, len, len - 1),
					PACKET_TRUNCATED);
			}
		}
	}
}

/* Bytes behind the packet, as of an Ethernet frame's padding, don't count. */
static void
padding_is_no_data(void **state)
{
	struct built ip4 = built_ip4(0, built_options, 0, 0);
	struct built ip6 = built_ip6(NULL, 0, 0, 0);
	struct packet p;

	(void)state;
	built_u32(&ip4, 0xffffffff);
	built_u32(&ip6, 0xffffffff);
	assert_int_equal(built_parse(&p, &ip4), PACKET_OK);
	assert_int_equal(p.data_len, 0);
	assert_int_equal(built_parse(&p, &ip6), PACKET_OK);
	assert_int_equal(p.data_len, 0);
}

/* What is found lies within the bytes, whatever they are. */
static void
assert_within(const struct packet *p, size_t len)
{
	assert_true(p->tcp_at <= PACKET_IP_HEADER_MAX);
	assert_int_equal(p->options_at, p->tcp_at + PACKET_TCP_HEADER);
	assert_int_equal(p->data_at, p->options_at + p->options_len);
	assert_true(p->data_at <= len);
	assert_true(p->data_at <= PACKET_HEADERS_MAX);
	assert_true(p->data_at + p->data_len <= len);
	assert_true(p->src.family == 4 || p->src.family == 6);
	assert_int_equal(p->src.family, p->dst.family);
}

static void
try_hostile(const struct built *b)
{
	uint8_t *bytes = malloc(b->len);
	uint8_t out[PACKET_HEADERS_MAX];
	struct packet p;
	struct packet copy;

	assert_non_null(bytes);
	memcpy(bytes, b->bytes, b->len);
	if (packet_parse(&p, bytes, b->len, b->len) == PACKET_OK) {
		assert_within(&p, b->len);
		packet_rewrite(bytes, &p, 1, 2, 3);
		packet_copy_headers(out, &copy, bytes, &p);
		packet_rewrite(out, &copy, 1, 2, 3);
	}
	free(bytes);
}

static void
flipped_bits_do_no_harm(void **state)
{
	const uint8_t kinds[] = { 0, 43, 44, 51, 60, 135, 139, 140 };
	const struct built packets[] = {
		built_ip4(0, built_options, sizeof built_options, 3),
		built_ip4(40, built_options, sizeof built_options, 3),
		built_ip6(NULL, 0, 0, 3),
		built_ip6(kinds, sizeof kinds, 0, 3),
		built_ip6(kinds, sizeof kinds, 1, 3),
	};
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		for (size_t bit = 0; bit < packets[i].len * 8; bit++) {
			struct built b = packets[i];

			b.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			try_hostile(&b);
		}
		for (int n = 0; n < 2000; n++) {
			struct built b = packets[i];
			uint32_t room = (uint32_t)b.len;

			for (uint32_t k = random_below(&seed, 8); k-- > 0;) {
				b.bytes[random_below(&seed, room)] =
					(uint8_t)random_u32(&seed);
			}
			b.len -= random_below(&seed, 4) == 0
				? random_below(&seed, room)
				: 0;
			try_hostile(&b);
		}
	}
}

static void
options_are_recognised(void **state)
{
	const struct {
		uint8_t bytes[8];
		bool signature, fastopen;
		int error;
	} list[] = {
		{ { 1, 1, 1, 1, 1, 1, 1, 1 }, false, false, PACKET_OK },
		{ { 0, 19, 99, 34, 77, 1, 2, 3 }, false, false, PACKET_OK },
		{ { 19, 8, 1, 2, 3, 4, 5, 6 }, false, false, PACKET_OPTION },
		{ { 29, 4, 1, 2, 1, 1, 1, 1 }, false, false, PACKET_OPTION },
		{ { 29, 5, 1, 2, 3, 1, 1, 1 }, true, false, PACKET_OK },
		{ { 29, 5, 1, 2, 3, 29, 5, 1 }, true, false, PACKET_OPTION },
		{ { 34, 2, 1, 1, 1, 1, 1, 1 }, false, true, PACKET_OK },
		{ { 34, 6, 1, 2, 3, 4, 0, 9 }, false, true, PACKET_OK },
		{ { 34, 3, 9, 29, 5, 9, 9, 9 }, true, true, PACKET_OK },
		{ { 8, 8, 19, 34, 29, 9, 9, 9 }, false, false, PACKET_OK },
		{ { 1, 1, 1, 1, 1, 1, 1, 2 }, false, false, PACKET_OPTION },
		{ { 1, 1, 1, 1, 1, 1, 2, 0 }, false, false, PACKET_OPTION },
		{ { 1, 1, 1, 1, 1, 1, 2, 1 }, false, false, PACKET_OPTION },
		{ { 1, 1, 1, 1, 1, 1, 2, 3 }, false, false, PACKET_OPTION },
		{ { 19, 9, 1, 2, 3, 4, 5, 6 }, false, false, PACKET_OPTION },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		const struct built b = built_ip4(0, list[i].bytes, 8, 0);
		struct packet p;

		assert_int_equal(built_parse(&p, &b), list[i].error);
		assert_int_equal(p.has_signature, list[i].signature);
		assert_int_equal(p.has_fastopen, list[i].fastopen);
	}
}

static void
addresses_compare_by_family(void **state)
{
	struct packet_addr a = addr4(0x7f000001);
	struct packet_addr b = addr4(0x7f000001);

	(void)state;
	assert_true(packet_addr_equal(&a, &b));
	b.family = 6;
	assert_false(packet_addr_equal(&a, &b));
	b = addr4(0x7f000002);
	assert_false(packet_addr_equal(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_with_and_without_options),
		cmocka_unit_test(ip6_with_extension_headers),
		cmocka_unit_test(chains_are_bounded),
		cmocka_unit_test(ip4_refusals),
		cmocka_unit_test(ip6_refusals),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(padding_is_no_data),
		cmocka_unit_test(flipped_bits_do_no_harm),
		cmocka_unit_test(options_are_recognised),
		cmocka_unit_test(addresses_compare_by_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
