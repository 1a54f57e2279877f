/*
 * Bytes: bounds-checked cursors, big-endian numbers, hexadecimal,
 * comparison in constant time, wiping.
 *
 * Pure.
 */
#ifndef TAP_BASE_BYTES_H
#define TAP_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A reader over bytes that somebody else owns.  A read past the end
 * returns zero (or NULL) and sets `bad`, and so does every read after
 * it, so that a parser may check once, at its end.
 */
struct cursor {
	const uint8_t *pos;
	const uint8_t *end;
	bool bad;
};

struct cursor cursor_over(const void *bytes, size_t len);
size_t cursor_left(const struct cursor *c);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
/* The next len bytes, still owned by whoever owns the buffer, or NULL. */
const uint8_t *cursor_bytes(struct cursor *c, size_t len);

/* Big-endian numbers at a place the caller knows to be large enough. */
uint16_t be16_load(const uint8_t *at);
uint32_t be32_load(const uint8_t *at);
uint64_t be64_load(const uint8_t *at);
void be16_store(uint8_t *at, uint16_t value);
void be32_store(uint8_t *at, uint32_t value);
void be64_store(uint8_t *at, uint64_t value);

/*
 * Decode `digits` hexadecimal digits (upper or lower case) into out.
 * Returns the number of bytes, or -1 where a digit is not one, their
 * number is odd, or the result would be longer than size.
 */
ptrdiff_t hex_decode(uint8_t *out, size_t size, const char *text,
		     size_t digits);
/* Encode len bytes as upper-case digits; out holds 2 * len + 1. */
void hex_encode(char *out, const uint8_t *bytes, size_t len);

/* 1 where a == b, else 0, in time that tells nothing of either. */
uint32_t ct_equal32(uint32_t a, uint32_t b);

/* Whether len bytes are the same, likewise. */
bool ct_equal(const void *a, const void *b, size_t len);

/* How many of len bytes are this one. */
size_t bytes_count(const void *bytes, size_t len, char one);

/* Overwrite len bytes with zeros; never optimised away. */
void bytes_wipe(void *bytes, size_t len);

#endif
