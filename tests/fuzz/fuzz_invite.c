/* SPDX-License-Identifier: ISC */
/* The line of an invitation, and what is sealed in it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf/invite.h"
#include "conf/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[INVITE_BYTES_MAX], again[INVITE_BYTES_MAX];
	static char line[INVITE_LINE_MAX + 1];
	enum invite_result result;
	struct seal seal;
	size_t len, line_len;

	result = invite_read(bytes, &len, (const char *)data, size);
	assert(strlen(invite_result_text(result)) > 0);
	assert(len <= sizeof bytes);
	if (result != INVITE_OK) {
		return 0;
	}
	(void)seal_parse(&seal, bytes, len);
	/* There is one line for these bytes, but for blanks. */
	line_len = invite_write(line, bytes, len);
	assert(line_len > 0 && line_len <= size);
	assert(invite_read(again, &line_len, line, line_len) == INVITE_OK);
	assert(line_len == len && memcmp(again, bytes, len) == 0);
	return 0;
}
