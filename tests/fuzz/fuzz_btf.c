/* SPDX-License-Identifier: ISC */
/* Types of a kernel: whatever they are, members lie within bounds. */
#include "fuzz.h"

#include "guests/layout.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t index[BTF_TYPES_MAX];
	struct layout layout;
	const char *missing;
	struct btf btf;

	if (!btf_open(&btf, data, size, index)) {
		return 0;
	}
	CHECK(btf_length(data) <= size);
	if (layout_from(&layout, &btf, &missing)) {
		for (unsigned i = 0; i < LAYOUT_PARTS; i++) {
			CHECK(layout.end[i] - layout.begin[i] <=
			      LAYOUT_SPAN_MAX);
		}
	}
	CHECK(missing != NULL);
	return 0;
}
