/* SPDX-License-Identifier: ISC */
/*
 * What ICMP quotes, of anybody: whatever is read of it was there.
 */
#include "fuzz.h"

#include <string.h>

#include "probe_path/hops.h"
#include "probe_path/icmp_quote.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path_trail trail;
	struct field_values sent;
	struct quote q;

	if (quote_parse(&q, data, size) < 0) {
		return 0;
	}
	CHECK(q.router.family == 4 || q.router.family == 6);
	CHECK(q.seen.known & 1u << FIELD_SPORT);
	/* Both headers, and two ports, at the least. */
	CHECK(size >= 20 + 8 + 20 + 4);
	memset(&trail, 0, sizeof trail);
	sent = q.seen;
	sent.known = UINT32_MAX;
	for (enum field_trace k = 0; k < FIELD_TRACES; k++) {
		path_trail_take(&trail, 1, k, &q.router, &sent, &q.seen);
	}
	trail.count = 1;
	trail.traced = true;
	/* Compared with itself. */
	CHECK(trail.hops[0].changed == 0);
	for (enum field f = 0; f < FIELDS; f++) {
		struct path_change c =
			path_trail_change(&trail, f, PATH_REWRITTEN);

		CHECK(c.after <= 1 && c.before <= 1);
	}
	return 0;
}
