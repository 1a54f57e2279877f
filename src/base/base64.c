#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789-_";

size_t
base64_write(char *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t at = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | from[i];
		for (have += 8; have >= 6; have -= 6) {
			out[at++] = alphabet[bits >> (have - 6) & 63];
		}
	}
	if (have > 0) {
		out[at++] = alphabet[bits << (6 - have) & 63];
	}
	return at;
}

enum base64_result
base64_read(uint8_t *out, size_t *out_len, const char *digits, size_t len)
{
	uint32_t bits = 0;
	unsigned have = 0;

	*out_len = 0;
	for (size_t i = 0; i < len; i++) {
		const char *digit =
			memchr(alphabet, digits[i], sizeof alphabet - 1);

		if (!digit) {
			return BASE64_CHARACTER;
		}
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*out_len)++] = (uint8_t)(bits >> have);
		}
	}
	/* What is left over belongs to a byte that is not there. */
	return have == 6 || (bits & ((1u << have) - 1)) != 0 ? BASE64_SHORT
							     : BASE64_OK;
}
