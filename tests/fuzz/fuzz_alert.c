/* SPDX-License-Identifier: ISC */
/*
 * Alerts: what is found in a line of anybody's is a connection, and text that
 * can be shown.  The first byte chooses the format.
 */
#include "fuzz.h"

#include <string.h>

#include "switching/alert.h"

static void
check(const struct alert *a)
{
	const size_t len = strnlen(a->text, sizeof a->text);

	CHECK(a->src.family == 4 || a->src.family == 6);
	CHECK(a->src.family == a->dst.family);
	CHECK(a->sport != 0 && a->dport != 0 && a->severity != 0);
	CHECK(len < sizeof a->text);
	for (size_t i = 0; i < len; i++) {
		CHECK(a->text[i] >= ' ' && a->text[i] <= '~');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alert one, again;
	enum alert_format format;
	char *line;

	if (size == 0) {
		return 0;
	}
	format = (enum alert_format)(data[0] % (ALERT_SNORT_JSON + 1));
	/* Of just its length, for the sanitizer. */
	line = malloc(size);
	CHECK(line);
	memcpy(line, data + 1, size - 1);
	if (alert_parse(format, line, size - 1, &one) == ALERT_FOUND) {
		check(&one);
		CHECK(alert_parse(format, line, size - 1, &again) ==
		      ALERT_FOUND);
		CHECK(memcmp(&one, &again, sizeof one) == 0);
	}
	free(line);
	return 0;
}
