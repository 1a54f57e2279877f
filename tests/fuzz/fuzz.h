/* SPDX-License-Identifier: ISC */
/*
 * What fuzzers share: a failed check ends the run in every build, and an
 * input is read by a cursor (bytes.h), which gives zeros past its end.
 */
#ifndef TAP_FUZZ_H
#define TAP_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
