/* SPDX-License-Identifier: ISC */
/*
 * JSON: tokens come to an end, and close what they open.
 */
#include "fuzz.h"

#include <string.h>

#include "base/json_read.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_read j;
	enum json_token token;
	size_t depth = 0;
	size_t tokens = 0;

	json_read_init(&j, (const char *)data, size);
	while ((token = json_read_next(&j)) > JSON_END) {
		CHECK(++tokens <= size);
		if (token == JSON_OBJECT || token == JSON_ARRAY) {
			depth++;
		} else if (token == JSON_OBJECT_END ||
			   token == JSON_ARRAY_END) {
			CHECK(depth-- > 0);
		}
		CHECK(j.depth == depth && depth <= JSON_READ_DEPTH_MAX);
		CHECK(strlen(j.text) < JSON_READ_TEXT_MAX);
	}
	CHECK((token == JSON_ERROR) == (j.why != NULL));
	CHECK(token == JSON_ERROR || depth == 0);
	CHECK(json_read_next(&j) == token);
	return 0;
}
