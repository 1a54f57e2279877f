/*
 * Bytes as text: base64url of RFC 4648, section 5, without padding.
 *
 * Pure.
 */
#ifndef TAP_BASE_BASE64_H
#define TAP_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Digits of so many bytes. */
#define BASE64_DIGITS(bytes) (((size_t)(bytes)*8 + 5) / 6)

enum base64_result {
	BASE64_OK,
	BASE64_CHARACTER, /* something in it that can't be */
	BASE64_SHORT,     /* its end is missing */
};

/* Write BASE64_DIGITS(len) digits, without a NUL; how many. */
size_t base64_write(char *out, const void *bytes, size_t len);

/* Read digits into out, which has room for 6 bits of each.  */
enum base64_result base64_read(uint8_t *out, size_t *out_len,
			       const char *digits, size_t len);

#endif
