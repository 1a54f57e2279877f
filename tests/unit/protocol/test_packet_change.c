/* Packets: what a rewrite changes, sums, and what is made of one. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "unit/packet_support.h"

static void
checksums_agree_with_the_plain_sum(void **state)
{
	const uint8_t kinds[] = { 60, 43 };
	uint64_t seed = 3;

	(void)state;
	for (size_t data = 0; data < 64; data++) {
		struct built packets[] = {
			built_ip4(data % 11 * 4, built_options, data % 6 * 4,
				  data),
			built_ip6(kinds, data % 3, data % 4, data),
		};

		for (size_t i = 0; i < COUNT(packets); i++) {
			struct built *b = &packets[i];
			struct packet p;

			for (size_t n = b->tcp_at + 20; n < b->len; n++) {
				b->bytes[n] = 1; /* NOPs, and data */
			}
			for (size_t n = b->len - data; n < b->len; n++) {
				b->bytes[n] = (uint8_t)random_u32(&seed);
			}
			assert_int_equal(built_parse(&p, b), PACKET_OK);
			be16_store(b->bytes + b->tcp_at + 16,
				   packet_tcp_checksum(b->bytes, &p));
			assert_int_equal(built_checksum(b), 0);
			/* What stood in its place does not matter. */
			assert_int_equal(packet_tcp_checksum(b->bytes, &p),
					 be16_load(b->bytes + b->tcp_at + 16));
		}
	}
}

/* All of 64 KiB in ones: the largest sum there can be. */
static void
checksums_do_not_overflow(void **state)
{
	static uint8_t bytes[65535];
	const struct built head = built_ip4(0, built_options, 0, 0);
	struct packet p;
	uint64_t sum = 6 + sizeof bytes - 20;

	(void)state;
	memset(bytes, 0xff, sizeof bytes);
	memcpy(bytes, head.bytes, 12);
	be16_store(bytes + 2, sizeof bytes);
	bytes[32] = 0x50;
	assert_int_equal(packet_parse(&p, bytes, sizeof bytes, sizeof bytes),
			 PACKET_OK);
	be16_store(bytes + 36, packet_tcp_checksum(bytes, &p));
	for (size_t i = 12; i < 20; i++) {
		sum += (uint64_t)bytes[i] << (i % 2 ? 0 : 8);
	}
	assert_int_equal(built_sum(bytes + 20, sizeof bytes - 20, sum), 0);
}

/* Only these four fields change. */
static void
assert_rewritten(const struct built *was, const struct built *is)
{
	const uint8_t *tcp = is->bytes + is->tcp_at;

	assert_int_equal(be16_load(tcp), 0xbeef);
	assert_int_equal(be32_load(tcp + 4), 0x13572468);
	assert_int_equal(be16_load(tcp + 14), 0xa55a);
	assert_int_equal(built_checksum(is), 0);
	for (size_t i = 0; i < is->len; i++) {
		size_t at = i - is->tcp_at;

		if (i < is->tcp_at ||
		    !(at < 2 || (at >= 4 && at < 8) || (at >= 14 && at < 18))) {
			assert_int_equal(is->bytes[i], was->bytes[i]);
		}
	}
}

static void
atomic_file_changes_four_fields(void **state)
{
	const uint8_t kinds[] = { 0, 60, 51 };
	const struct built packets[] = {
		built_ip4(0, built_options, sizeof built_options, 0),
		built_ip4(12, built_options, sizeof built_options, 5),
		built_ip6(NULL, 0, 0, 0),
		built_ip6(kinds, sizeof kinds, 1, 5),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		struct built b = packets[i];
		struct packet p;

		assert_int_equal(built_parse(&p, &b), PACKET_OK);
		packet_rewrite(b.bytes, &p, 0xbeef, 0x13572468, 0xa55a);
		assert_rewritten(&packets[i], &b);
	}
}

static void
copies_have_no_data(void **state)
{
	const uint8_t kinds[] = { 0, 60, 51 };
	const struct built packets[] = {
		built_ip4(0, built_options, sizeof built_options, 0),
		built_ip4(12, built_options, sizeof built_options, 33),
		built_ip6(NULL, 0, 0, 0),
		built_ip6(kinds, sizeof kinds, 1, 33),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		struct built out = { .len = 0 };
		struct built expected = packets[i];
		struct packet p;
		struct packet copy;
		struct packet again;

		assert_int_equal(built_parse(&p, &packets[i]), PACKET_OK);
		out.len = packet_copy_headers(out.bytes, &copy,
					      packets[i].bytes, &p);
		out.tcp_at = p.tcp_at;
		assert_int_equal(out.len, p.data_at);
		expected.len = p.data_at;
		if (p.src.family == 4) {
			built_finish_ip4(&expected);
		} else {
			be16_store(expected.bytes + 4,
				   (uint16_t)(expected.len - 40));
		}
		assert_memory_equal(out.bytes, expected.bytes, out.len);
		packet_rewrite(out.bytes, &copy, 0xbeef, 0x13572468, 0xa55a);
		assert_rewritten(&expected, &out);
		assert_int_equal(built_parse(&again, &out), PACKET_OK);
		assert_int_equal(again.data_len, 0);
		assert_int_equal(copy.data_len, 0);
		assert_int_equal(copy.data_at, again.data_at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_agree_with_the_plain_sum),
		cmocka_unit_test(checksums_do_not_overflow),
		cmocka_unit_test(atomic_file_changes_four_fields),
		cmocka_unit_test(copies_have_no_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
