#include "base/bytes.h"

#include <string.h>

struct cursor
cursor_over(const void *bytes, size_t len)
{
	const uint8_t *pos = bytes;

	return (struct cursor){ .pos = pos, .end = pos + len };
}

size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->pos);
}

const uint8_t *
cursor_bytes(struct cursor *c, size_t len)
{
	const uint8_t *at = c->pos;

	if (c->bad || len > cursor_left(c)) {
		c->bad = true;
		return NULL;
	}
	c->pos += len;
	return at;
}

uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 1);

	return at ? *at : 0;
}

uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 2);

	return at ? be16_load(at) : 0;
}

uint32_t
cursor_u32(struct cursor *c)
{
	const uint8_t *at = cursor_bytes(c, 4);

	return at ? be32_load(at) : 0;
}

uint16_t
be16_load(const uint8_t *at)
{
	return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

uint32_t
be32_load(const uint8_t *at)
{
	return (uint32_t)be16_load(at) << 16 | be16_load(at + 2);
}

uint64_t
be64_load(const uint8_t *at)
{
	return (uint64_t)be32_load(at) << 32 | be32_load(at + 4);
}

void
be16_store(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void
be32_store(uint8_t *at, uint32_t value)
{
	be16_store(at, (uint16_t)(value >> 16));
	be16_store(at + 2, (uint16_t)value);
}

void
be64_store(uint8_t *at, uint64_t value)
{
	be32_store(at, (uint32_t)(value >> 32));
	be32_store(at + 4, (uint32_t)value);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

ptrdiff_t
hex_decode(uint8_t *out, size_t size, const char *text, size_t digits)
{
	if (digits % 2 != 0 || digits / 2 > size) {
		return -1;
	}
	for (size_t i = 0; i < digits / 2; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			return -1;
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (ptrdiff_t)(digits / 2);
}

void
hex_encode(char *out, const uint8_t *bytes, size_t len)
{
	static const char digit[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digit[bytes[i] >> 4];
		out[2 * i + 1] = digit[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

uint32_t
ct_equal32(uint32_t a, uint32_t b)
{
	uint32_t differ = a ^ b;

	return 1 ^ ((differ | (0 - differ)) >> 31);
}

bool
ct_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *left = a;
	const uint8_t *right = b;
	uint32_t differ = 0;

	for (size_t i = 0; i < len; i++) {
		differ |= (uint32_t)(left[i] ^ right[i]);
	}
	return ct_equal32(differ, 0) == 1;
}

size_t
bytes_count(const void *bytes, size_t len, char one)
{
	const char *at = bytes;
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		count += at[i] == one;
	}
	return count;
}

void
bytes_wipe(void *bytes, size_t len)
{
	memset(bytes, 0, len);
	/* Keep the compiler from removing the memset as a dead store. */
	__asm__ volatile("" : : "r"(bytes) : "memory");
}
