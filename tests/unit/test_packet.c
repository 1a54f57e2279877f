/* Packets: what is found, what is refused, what a rewrite changes. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "packet.h"

#define ROOM 512

struct built {
	uint8_t bytes[ROOM];
	size_t len;
	size_t tcp_at;
};

/* MSS, SACK permitted, time stamps, NOP, window scale: as Linux sends. */
static const uint8_t linux_options[20] = {
	2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7,
};

static void
put(struct built *b, const void *bytes, size_t len)
{
	assert_true(len <= ROOM - b->len);
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static void
put_u8(struct built *b, unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	put(b, &byte, 1);
}

static void
put_u16(struct built *b, unsigned value)
{
	put_u8(b, value >> 8);
	put_u8(b, value & 255);
}

static void
put_u32(struct built *b, uint32_t value)
{
	put_u16(b, value >> 16);
	put_u16(b, value & 0xffff);
}

/* The one's complement sum as RFC 1071 words it, byte by byte. */
static uint16_t
sum_plainly(const uint8_t *bytes, size_t len, uint64_t sum)
{
	for (size_t i = 0; i < len; i++) {
		sum += (uint64_t)bytes[i] << (i % 2 ? 0 : 8);
	}
	while (sum > 0xffff) {
		sum = sum % 0x10000 + sum / 0x10000;
	}
	return (uint16_t)(0xffff - sum);
}

/* Of a packet whose checksum field counts as it stands: 0 where right. */
static uint16_t
checksum_left(const struct built *b)
{
	bool ip4 = b->bytes[0] >> 4 == 4;
	size_t len = b->len - b->tcp_at;
	uint64_t sum = 6 + len;
	const uint8_t *addrs = b->bytes + (ip4 ? 12 : 8);

	for (size_t i = 0; i < (ip4 ? 8u : 32u); i++) {
		sum += (uint64_t)addrs[i] << (i % 2 ? 0 : 8);
	}
	return sum_plainly(b->bytes + b->tcp_at, len, sum);
}

static void
put_tcp(struct built *b, const uint8_t *options, size_t options_len,
	size_t data_len)
{
	b->tcp_at = b->len;
	put_u16(b, 40001);
	put_u16(b, 443);
	put_u32(b, 0x89abcdef);
	put_u32(b, 0x01020304);
	put_u8(b, (unsigned)(20 + options_len) / 4 << 4);
	put_u8(b, PACKET_SYN | PACKET_ECE | PACKET_CWR);
	put_u16(b, 64240);
	put_u16(b, 0);
	put_u16(b, 0);
	if (options_len > 0) {
		put(b, options, options_len);
	}
	for (size_t i = 0; i < data_len; i++) {
		put_u8(b, (unsigned)(i * 7 + 1) & 255);
	}
}

static void
finish_ip4(struct built *b)
{
	be16_store(b->bytes + 2, (uint16_t)b->len);
	be16_store(b->bytes + 10, 0);
	be16_store(b->bytes + 10, sum_plainly(b->bytes, b->tcp_at, 0));
}

static struct built
build_ip4(size_t ip_options, const uint8_t *options, size_t options_len,
	  size_t data_len)
{
	struct built b = {.len = 0};

	put_u8(&b, 0x40 | (unsigned)(5 + ip_options / 4));
	put_u8(&b, 0x10);
	put_u16(&b, 0);
	put_u16(&b, 0x1234);
	put_u16(&b, 0x4000); /* don't fragment */
	put_u8(&b, 61);
	put_u8(&b, 6);
	put_u16(&b, 0);
	put_u32(&b, 0xc0000201);
	put_u32(&b, 0xc6336402);
	for (size_t i = 0; i < ip_options; i++) {
		put_u8(&b, 1); /* no operation */
	}
	put_tcp(&b, options, options_len, data_len);
	finish_ip4(&b);
	return b;
}

/* A chain of these extension headers, each of `units` more 8 bytes. */
static struct built
build_ip6(const uint8_t *kinds, size_t count, unsigned units, size_t data_len)
{
	struct built b = {.len = 0};
	const struct packet_addr src = addr6(1, 1);
	const struct packet_addr dst = addr6(2, 2);

	put_u32(&b, 0x60012345);
	put_u16(&b, 0);
	put_u8(&b, count ? kinds[0] : 6);
	put_u8(&b, 62);
	put(&b, src.bytes, 16);
	put(&b, dst.bytes, 16);
	for (size_t i = 0; i < count; i++) {
		unsigned more = kinds[i] == 44 ? 0 : units;

		put_u8(&b, i + 1 < count ? kinds[i + 1] : 6);
		put_u8(&b, kinds[i] == 51 ? 2 * more : more);
		put_u32(&b, kinds[i] == 43 ? 0x04000000 : 0);
		put_u16(&b, 0);
		for (unsigned n = 0; n < more * 8; n++) {
			put_u8(&b, 0);
		}
	}
	put_tcp(&b, linux_options, sizeof linux_options, data_len);
	be16_store(b.bytes + 4, (uint16_t)(b.len - 40));
	return b;
}

/* From a block of just that size, so that a byte too far is noticed. */
static int
parse_len(struct packet *p, const struct built *b, size_t len, size_t wire)
{
	uint8_t *exact = malloc(len ? len : 1);
	int error;

	assert_non_null(exact);
	memcpy(exact, b->bytes, len);
	error = packet_parse(p, exact, len, wire);
	free(exact);
	return error;
}

static int
parse(struct packet *p, const struct built *b)
{
	return parse_len(p, b, b->len, b->len);
}

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
				build_ip4(ip_options, linux_options,
					  sizeof linux_options, data);
			const struct packet_addr src = addr4(0xc0000201);
			const struct packet_addr dst = addr4(0xc6336402);
			struct packet p;

			assert_int_equal(parse(&p, &b), PACKET_OK);
			assert_tcp_found(&p, &b, sizeof linux_options, data);
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
	const uint8_t kinds[] = {0, 43, 44, 51, 60, 135, 139, 140};
	const struct packet_addr src = addr6(1, 1);
	struct packet p;
	struct built b = build_ip6(NULL, 0, 0, 3);

	(void)state;
	assert_int_equal(parse(&p, &b), PACKET_OK);
	assert_tcp_found(&p, &b, sizeof linux_options, 3);
	assert_int_equal(p.ttl, 62);
	assert_int_equal(p.tos, 0x00);
	assert_true(packet_addr_equal(&p.src, &src));
	for (size_t i = 0; i < sizeof kinds; i++) {
		for (unsigned units = 0; units < 5; units++) {
			b = build_ip6(&kinds[i], 1, units, 0);
			assert_int_equal(parse(&p, &b), PACKET_OK);
			assert_tcp_found(&p, &b, sizeof linux_options, 0);
		}
		for (size_t j = 0; j < sizeof kinds; j++) {
			const uint8_t two[] = {kinds[i], kinds[j]};

			b = build_ip6(two, 2, 1, 1);
			assert_int_equal(parse(&p, &b), PACKET_OK);
			assert_tcp_found(&p, &b, sizeof linux_options, 1);
		}
	}
	/* All of them in a chain: as many as there may be. */
	b = build_ip6(kinds, sizeof kinds, 1, 0);
	assert_int_equal(parse(&p, &b), PACKET_OK);
	assert_tcp_found(&p, &b, sizeof linux_options, 0);
}

static void
chains_are_bounded(void **state)
{
	const uint8_t nine[9] = {60, 60, 60, 60, 60, 60, 60, 60, 60};
	struct packet p;
	struct built b = build_ip6(nine, 8, 0, 0);

	(void)state;
	assert_int_equal(parse(&p, &b), PACKET_OK);
	b = build_ip6(nine, 9, 0, 0);
	assert_int_equal(parse(&p, &b), PACKET_EXTENSION);
	/* 176 bytes of headers, and 8 more. */
	b = build_ip6(nine, 1, 21, 0);
	assert_int_equal(parse(&p, &b), PACKET_OK);
	assert_int_equal(p.tcp_at, PACKET_IP_HEADER_MAX);
	b = build_ip6(nine, 1, 22, 0);
	assert_int_equal(parse(&p, &b), PACKET_EXTENSION);
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
		assert_int_equal(parse(&p, &b), list[i].error);
	}
}

static void
ip4_refusals(void **state)
{
	const struct built b =
		build_ip4(0, linux_options, sizeof linux_options, 4);
	const struct refusal list[] = {
		{0, 0x00, PACKET_LENGTH},   {0, 0x55, PACKET_LENGTH},
		{0, 0xf5, PACKET_LENGTH},   {0, 0x40, PACKET_LENGTH},
		{0, 0x44, PACKET_LENGTH},   {3, 19, PACKET_LENGTH},
		{3, 65, PACKET_LENGTH},     {2, 1, PACKET_LENGTH},
		{3, 39, PACKET_TRUNCATED},  {3, 20, PACKET_TRUNCATED},
		{3, 59, PACKET_LENGTH},     {6, 0x20, PACKET_FRAGMENT},
		{6, 0x1f, PACKET_FRAGMENT}, {7, 0x01, PACKET_FRAGMENT},
		{9, 17, PACKET_NOT_TCP},    {9, 0, PACKET_NOT_TCP},
		{9, 41, PACKET_NOT_TCP},    {32, 0x40, PACKET_LENGTH},
		{32, 0x00, PACKET_LENGTH},  {32, 0xf0, PACKET_LENGTH},
		{41, 0, PACKET_OPTION},     {41, 1, PACKET_OPTION},
		{41, 21, PACKET_OPTION},    {41, 255, PACKET_OPTION},
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
	const struct built bare = build_ip6(NULL, 0, 0, 0);
	const struct built routed = build_ip6(&routing, 1, 0, 0);
	const struct built fragmented = build_ip6(&fragment, 1, 0, 0);
	const struct built chained = build_ip6(&options, 1, 0, 0);
	const struct refusal of_bare[] = {
		{4, 1, PACKET_LENGTH},    {5, 41, PACKET_LENGTH},
		{5, 39, PACKET_LENGTH},   {5, 0, PACKET_TRUNCATED},
		{6, 17, PACKET_NOT_TCP},  {6, 50, PACKET_NOT_TCP},
		{6, 59, PACKET_NOT_TCP},  {6, 58, PACKET_NOT_TCP},
		{6, 4, PACKET_NOT_TCP},   {6, 41, PACKET_NOT_TCP},
		{6, 253, PACKET_NOT_TCP},
	};
	const struct refusal of_routed[] = {
		{43, 1, PACKET_EXTENSION},
		{43, 255, PACKET_EXTENSION},
	};
	const struct refusal of_fragmented[] = {
		{42, 1, PACKET_FRAGMENT},
		{43, 1, PACKET_FRAGMENT},
		{43, 8, PACKET_FRAGMENT},
	};
	const struct refusal of_chained[] = {
		{41, 255, PACKET_TRUNCATED},
		{41, 6, PACKET_TRUNCATED},
		{40, 59, PACKET_NOT_TCP},
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
	const uint8_t kinds[] = {0, 43, 44, 51, 60};
	const struct built packets[] = {
		build_ip4(0, linux_options, sizeof linux_options, 9),
		build_ip4(40, linux_options, sizeof linux_options, 9),
		build_ip6(NULL, 0, 0, 9),
		build_ip6(kinds, sizeof kinds, 1, 9),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		const struct built *b = &packets[i];
		struct packet whole;

		assert_int_equal(parse(&whole, b), PACKET_OK);
		for (size_t len = 0; len < b->len; len++) {
			struct packet p;

			/* Cut by a capture: only the data may be missing. */
			if (len < whole.data_at) {
				assert_int_equal(parse_len(&p, b, len, b->len),
						 PACKET_TRUNCATED);
			} else {
				assert_int_equal(parse_len(&p, b, len, b->len),
						 PACKET_OK);
				assert_memory_equal(&p, &whole, sizeof p);
			}
			/* Cut on the wire: never. */
			assert_true(parse_len(&p, b, len, len) < 0);
			/* More than there was. */
			if (len > 0) {
				assert_int_equal(parse_len(&p, b, len, len - 1),
						 PACKET_TRUNCATED);
			}
		}
	}
}

/* Bytes behind the packet, as of an Ethernet frame's padding, don't count. */
static void
padding_is_no_data(void **state)
{
	struct built ip4 = build_ip4(0, linux_options, 0, 0);
	struct built ip6 = build_ip6(NULL, 0, 0, 0);
	struct packet p;

	(void)state;
	put_u32(&ip4, 0xffffffff);
	put_u32(&ip6, 0xffffffff);
	assert_int_equal(parse(&p, &ip4), PACKET_OK);
	assert_int_equal(p.data_len, 0);
	assert_int_equal(parse(&p, &ip6), PACKET_OK);
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
	const uint8_t kinds[] = {0, 43, 44, 51, 60, 135, 139, 140};
	const struct built packets[] = {
		build_ip4(0, linux_options, sizeof linux_options, 3),
		build_ip4(40, linux_options, sizeof linux_options, 3),
		build_ip6(NULL, 0, 0, 3),
		build_ip6(kinds, sizeof kinds, 0, 3),
		build_ip6(kinds, sizeof kinds, 1, 3),
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
		{{1, 1, 1, 1, 1, 1, 1, 1}, false, false, PACKET_OK},
		{{0, 19, 99, 34, 77, 1, 2, 3}, false, false, PACKET_OK},
		{{19, 8, 1, 2, 3, 4, 5, 6}, false, false, PACKET_OPTION},
		{{29, 4, 1, 2, 1, 1, 1, 1}, false, false, PACKET_OPTION},
		{{29, 5, 1, 2, 3, 1, 1, 1}, true, false, PACKET_OK},
		{{29, 5, 1, 2, 3, 29, 5, 1}, true, false, PACKET_OPTION},
		{{34, 2, 1, 1, 1, 1, 1, 1}, false, true, PACKET_OK},
		{{34, 6, 1, 2, 3, 4, 0, 9}, false, true, PACKET_OK},
		{{34, 3, 9, 29, 5, 9, 9, 9}, true, true, PACKET_OK},
		{{8, 8, 19, 34, 29, 9, 9, 9}, false, false, PACKET_OK},
		{{1, 1, 1, 1, 1, 1, 1, 2}, false, false, PACKET_OPTION},
		{{1, 1, 1, 1, 1, 1, 2, 0}, false, false, PACKET_OPTION},
		{{1, 1, 1, 1, 1, 1, 2, 1}, false, false, PACKET_OPTION},
		{{1, 1, 1, 1, 1, 1, 2, 3}, false, false, PACKET_OPTION},
		{{19, 9, 1, 2, 3, 4, 5, 6}, false, false, PACKET_OPTION},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		const struct built b = build_ip4(0, list[i].bytes, 8, 0);
		struct packet p;

		assert_int_equal(parse(&p, &b), list[i].error);
		assert_int_equal(p.has_signature, list[i].signature);
		assert_int_equal(p.has_fastopen, list[i].fastopen);
	}
}

static void
checksums_agree_with_the_plain_sum(void **state)
{
	const uint8_t kinds[] = {60, 43};
	uint64_t seed = 3;

	(void)state;
	for (size_t data = 0; data < 64; data++) {
		struct built packets[] = {
			build_ip4(data % 11 * 4, linux_options, data % 6 * 4,
				  data),
			build_ip6(kinds, data % 3, data % 4, data),
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
			assert_int_equal(parse(&p, b), PACKET_OK);
			be16_store(b->bytes + b->tcp_at + 16,
				   packet_tcp_checksum(b->bytes, &p));
			assert_int_equal(checksum_left(b), 0);
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
	const struct built head = build_ip4(0, linux_options, 0, 0);
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
	assert_int_equal(sum_plainly(bytes + 20, sizeof bytes - 20, sum), 0);
}

/* Only these four fields change. */
static void
assert_rewritten(const struct built *was, const struct built *is)
{
	const uint8_t *tcp = is->bytes + is->tcp_at;

	assert_int_equal(be16_load(tcp), 0xbeef);
	assert_int_equal(be32_load(tcp + 4), 0x13572468);
	assert_int_equal(be16_load(tcp + 14), 0xa55a);
	assert_int_equal(checksum_left(is), 0);
	for (size_t i = 0; i < is->len; i++) {
		size_t at = i - is->tcp_at;

		if (i < is->tcp_at ||
		    !(at < 2 || (at >= 4 && at < 8) || (at >= 14 && at < 18))) {
			assert_int_equal(is->bytes[i], was->bytes[i]);
		}
	}
}

static void
rewrite_changes_four_fields(void **state)
{
	const uint8_t kinds[] = {0, 60, 51};
	const struct built packets[] = {
		build_ip4(0, linux_options, sizeof linux_options, 0),
		build_ip4(12, linux_options, sizeof linux_options, 5),
		build_ip6(NULL, 0, 0, 0),
		build_ip6(kinds, sizeof kinds, 1, 5),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		struct built b = packets[i];
		struct packet p;

		assert_int_equal(parse(&p, &b), PACKET_OK);
		packet_rewrite(b.bytes, &p, 0xbeef, 0x13572468, 0xa55a);
		assert_rewritten(&packets[i], &b);
	}
}

static void
copies_have_no_data(void **state)
{
	const uint8_t kinds[] = {0, 60, 51};
	const struct built packets[] = {
		build_ip4(0, linux_options, sizeof linux_options, 0),
		build_ip4(12, linux_options, sizeof linux_options, 33),
		build_ip6(NULL, 0, 0, 0),
		build_ip6(kinds, sizeof kinds, 1, 33),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		struct built out = {.len = 0};
		struct built expected = packets[i];
		struct packet p;
		struct packet copy;
		struct packet again;

		assert_int_equal(parse(&p, &packets[i]), PACKET_OK);
		out.len = packet_copy_headers(out.bytes, &copy,
					      packets[i].bytes, &p);
		out.tcp_at = p.tcp_at;
		assert_int_equal(out.len, p.data_at);
		expected.len = p.data_at;
		if (p.src.family == 4) {
			finish_ip4(&expected);
		} else {
			be16_store(expected.bytes + 4,
				   (uint16_t)(expected.len - 40));
		}
		assert_memory_equal(out.bytes, expected.bytes, out.len);
		packet_rewrite(out.bytes, &copy, 0xbeef, 0x13572468, 0xa55a);
		assert_rewritten(&expected, &out);
		assert_int_equal(parse(&again, &out), PACKET_OK);
		assert_int_equal(again.data_len, 0);
		assert_int_equal(copy.data_len, 0);
		assert_int_equal(copy.data_at, again.data_at);
	}
}

/* RFC 9293, 3.10.7.1: what a closed port answers. */
static void
resets_answer_the_packet(void **state)
{
	const struct {
		uint8_t flags, answer;
		uint32_t seq, ack;
	} list[] = {
		{PACKET_SYN, PACKET_RST | PACKET_ACK, 0, 101 + 5},
		{PACKET_FIN, PACKET_RST | PACKET_ACK, 0, 101 + 5},
		{0, PACKET_RST | PACKET_ACK, 0, 100 + 5},
		{PACKET_SYN | PACKET_FIN, PACKET_RST | PACKET_ACK, 0, 107},
		{PACKET_ACK, PACKET_RST, 777, 0},
		{PACKET_SYN | PACKET_ACK, PACKET_RST, 777, 0},
	};
	struct packet p = {.src = addr4(0xc0000201),
			   .dst = addr4(0xc6336402),
			   .sport = 40001,
			   .dport = 443,
			   .seq = 100,
			   .ack = 777,
			   .data_len = 5};
	uint8_t out[PACKET_TCP_HEADER];

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		struct built b = build_ip4(0, NULL, 0, 0);

		p.flags = list[i].flags;
		assert_true(packet_reset(out, &p));
		assert_int_equal(be16_load(out), 443);
		assert_int_equal(be16_load(out + 2), 40001);
		assert_int_equal(be32_load(out + 4), list[i].seq);
		assert_int_equal(be32_load(out + 8), list[i].ack);
		assert_int_equal(out[12], 0x50);
		assert_int_equal(out[13], list[i].answer);
		/* From the destination to the source. */
		memcpy(b.bytes + 12, p.dst.bytes, 4);
		memcpy(b.bytes + 16, p.src.bytes, 4);
		memcpy(b.bytes + 20, out, sizeof out);
		assert_int_equal(checksum_left(&b), 0);
		p.flags |= PACKET_RST;
		assert_false(packet_reset(out, &p));
	}
}

static void
errors_have_names(void **state)
{
	(void)state;
	for (int i = 0; i >= PACKET_OPTION; i--) {
		for (int j = 0; j > i; j--) {
			assert_string_not_equal(packet_error_name(i),
						packet_error_name(j));
		}
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
		cmocka_unit_test(checksums_agree_with_the_plain_sum),
		cmocka_unit_test(checksums_do_not_overflow),
		cmocka_unit_test(rewrite_changes_four_fields),
		cmocka_unit_test(copies_have_no_data),
		cmocka_unit_test(resets_answer_the_packet),
		cmocka_unit_test(errors_have_names),
		cmocka_unit_test(addresses_compare_by_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
