/* SPDX-License-Identifier: ISC */
/*
 * In the place of calloc(), for a .c that a fuzzer includes: struct acl is
 * half a megabyte, most of it tables that acl_index() fills in before any
 * use.  What is large comes from a few blocks that are used again, with
 * only its beginning cleared; what is small is calloc's as before.
 */
#ifndef TAP_FUZZ_LARGE_H
#define TAP_FUZZ_LARGE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define LARGE_BLOCKS 4u /* as many as are in use at once */
#define LARGE_FROM 262144u
#define LARGE_SIZE (1024u * 1024)
#define LARGE_CLEARED 65536u /* more than stands before the tables */

static struct {
	void *bytes; /* never freed */
	bool used;
} large[LARGE_BLOCKS];

static inline void *
large_calloc(size_t count, size_t size)
{
	if (count != 1 || size < LARGE_FROM) {
		return calloc(count, size);
	}
	CHECK(size <= LARGE_SIZE);
	for (size_t i = 0; i < LARGE_BLOCKS; i++) {
		if (!large[i].used) {
			large[i].used = true;
			if (!large[i].bytes) {
				large[i].bytes = malloc(LARGE_SIZE);
				CHECK(large[i].bytes);
			}
			return memset(large[i].bytes, 0, LARGE_CLEARED);
		}
	}
	abort();
}

static inline void
large_free(void *block)
{
	for (size_t i = 0; i < LARGE_BLOCKS; i++) {
		if (block && block == large[i].bytes) {
			large[i].used = false;
			return;
		}
	}
	free(block);
}

#define calloc large_calloc
#define free large_free

#endif
