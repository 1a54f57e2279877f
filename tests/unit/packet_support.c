#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "packet_support.h"

const uint8_t built_options[BUILT_OPTIONS] = {
	2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7,
};

static void
built_put(struct built *b, const void *bytes, size_t len)
{
	assert_true(len <= BUILT_ROOM - b->len);
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static void
built_u8(struct built *b, unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	built_put(b, &byte, 1);
}

static void
built_u16(struct built *b, unsigned value)
{
	built_u8(b, value >> 8);
	built_u8(b, value & 255);
}

void
built_u32(struct built *b, uint32_t value)
{
	built_u16(b, value >> 16);
	built_u16(b, value & 0xffff);
}

uint16_t
built_sum(const uint8_t *bytes, size_t len, uint64_t sum)
{
	for (size_t i = 0; i < len; i++) {
		sum += (uint64_t)bytes[i] << (i % 2 ? 0 : 8);
	}
	while (sum > 0xffff) {
		sum = sum % 0x10000 + sum / 0x10000;
	}
	return (uint16_t)(0xffff - sum);
}

uint16_t
built_checksum(const struct built *b)
{
	bool ip4 = b->bytes[0] >> 4 == 4;
	size_t len = b->len - b->tcp_at;
	uint64_t sum = 6 + len;
	const uint8_t *addrs = b->bytes + (ip4 ? 12 : 8);

	for (size_t i = 0; i < (ip4 ? 8u : 32u); i++) {
		sum += (uint64_t)addrs[i] << (i % 2 ? 0 : 8);
	}
	return built_sum(b->bytes + b->tcp_at, len, sum);
}

static void
put_tcp(struct built *b, const uint8_t *options, size_t options_len,
	size_t data_len)
{
	b->tcp_at = b->len;
	built_u16(b, 40001);
	built_u16(b, 443);
	built_u32(b, 0x89abcdef);
	built_u32(b, 0x01020304);
	built_u8(b, (unsigned)(20 + options_len) / 4 << 4);
	built_u8(b, PACKET_SYN | PACKET_ECE | PACKET_CWR);
	built_u16(b, 64240);
	built_u16(b, 0);
	built_u16(b, 0);
	if (options_len > 0) {
		built_put(b, options, options_len);
	}
	for (size_t i = 0; i < data_len; i++) {
		built_u8(b, (unsigned)(i * 7 + 1) & 255);
	}
}

void
built_finish_ip4(struct built *b)
{
	be16_store(b->bytes + 2, (uint16_t)b->len);
	be16_store(b->bytes + 10, 0);
	be16_store(b->bytes + 10, built_sum(b->bytes, b->tcp_at, 0));
}

struct built
built_ip4(size_t ip_options, const uint8_t *options, size_t options_len,
	  size_t data_len)
{
	struct built b = { .len = 0 };

	built_u8(&b, 0x40 | (unsigned)(5 + ip_options / 4));
	built_u8(&b, 0x10);
	built_u16(&b, 0);
	built_u16(&b, 0x1234);
	built_u16(&b, 0x4000); /* don't fragment */
	built_u8(&b, 61);
	built_u8(&b, 6);
	built_u16(&b, 0);
	built_u32(&b, 0xc0000201);
	built_u32(&b, 0xc6336402);
	for (size_t i = 0; i < ip_options; i++) {
		built_u8(&b, 1); /* no operation */
	}
	put_tcp(&b, options, options_len, data_len);
	built_finish_ip4(&b);
	return b;
}

struct built
built_ip6(const uint8_t *kinds, size_t count, unsigned units, size_t data_len)
{
	struct built b = { .len = 0 };
	const struct packet_addr src = addr6(1, 1);
	const struct packet_addr dst = addr6(2, 2);

	built_u32(&b, 0x60012345);
	built_u16(&b, 0);
	built_u8(&b, count ? kinds[0] : 6);
	built_u8(&b, 62);
	built_put(&b, src.bytes, 16);
	built_put(&b, dst.bytes, 16);
	for (size_t i = 0; i < count; i++) {
		unsigned more = kinds[i] == 44 ? 0 : units;

		built_u8(&b, i + 1 < count ? kinds[i + 1] : 6);
		built_u8(&b, kinds[i] == 51 ? 2 * more : more);
		built_u32(&b, kinds[i] == 43 ? 0x04000000 : 0);
		built_u16(&b, 0);
		for (unsigned n = 0; n < more * 8; n++) {
			built_u8(&b, 0);
		}
	}
	put_tcp(&b, built_options, sizeof built_options, data_len);
	be16_store(b.bytes + 4, (uint16_t)(b.len - 40));
	return b;
}

int
built_parse_len(struct packet *p, const struct built *b, size_t len,
		size_t wire)
{
	uint8_t *exact = malloc(len ? len : 1);
	int error;

	assert_non_null(exact);
	memcpy(exact, b->bytes, len);
	error = packet_parse(p, exact, len, wire);
	free(exact);
	return error;
}

int
built_parse(struct packet *p, const struct built *b)
{
	return built_parse_len(p, b, b->len, b->len);
}
