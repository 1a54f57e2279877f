/* SPDX-License-Identifier: ISC */
/* The file sealed with a passphrase; inputs were sealed with "fuzz". */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum seal_result result;
	struct seal seal;
	uint8_t *text;

	result = seal_parse(&seal, data, size);
	assert(strlen(seal_result_text(result)) > 0);
	if (result != SEAL_OK && result != SEAL_ITERATIONS) {
		return 0;
	}
	assert(seal.box_len == size - SEAL_HEADER - SEAL_TAG);
	/* Real counts leave no time for many inputs. */
	if (seal.iterations > 4) {
		seal.iterations = 4;
	}
	text = malloc(seal.box_len);
	assert(text || seal.box_len == 0);
	(void)seal_open(&seal, "fuzz", 4, text);
	free(text);
	return 0;
}
