/* SPDX-License-Identifier: ISC */
/*
 * A line of a log, which may be anybody's: what is made of it is text that
 * ends, and nothing that would command a terminal.
 */
#include "fuzz.h"

#include <string.h>

#include "server/log_line.h"

static void
check_text(const char *text, size_t size)
{
	const size_t len = strnlen(text, size);

	CHECK(len < size);
	for (size_t i = 0; i < len; i++) {
		CHECK(text[i] != '\x1b' && text[i] != '\n');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_line line;
	char *text = malloc(size + 1);

	CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (log_line_accepted(text, &line)) {
		check_text(line.name, sizeof line.name);
		check_text(line.src, sizeof line.src);
		check_text(line.dst, sizeof line.dst);
		check_text(line.skew, sizeof line.skew);
		CHECK(line.skew[0] != '\0');
	}
	free(text);
	return 0;
}
