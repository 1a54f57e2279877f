/* SPDX-License-Identifier: ISC */
/*
 * What comes back to a probe: a frame of some link type (two bytes), in
 * it a packet, and all that is made of one.
 */
#include "fuzz.h"

#include <string.h>

#include "measure/reply.h"
#include "base/bytes.h"
#include "scan_check/results.h"
#include "scan_check/distinguish.h"
#include "os/linktype.h"
#include "measure/probe.h"

static void
check_states(const struct answer *a)
{
	for (enum probe_scan scan = 0; scan < PROBE_SCANS; scan++) {
		enum probe_state state = probe_classify(scan, a, &a->flow.src);

		CHECK(state < PROBE_STATES);
		/* What ICMP says depends on who says it: for UDP. */
		if (scan != PROBE_UDP) {
			CHECK(probe_classify(scan, a, &a->flow.dst) == state);
		}
	}
}

static void
check_leak(const struct answer *a)
{
	static struct distinguish_room room;
	struct distinguish_sample samples[2] = { { .sent = true } };
	struct distinguish_samples all = { samples, 2 };

	samples[1] = samples[0];
	distinguish_observe(&samples[0], a, &a->flow.src, 2000);
	distinguish_observe(&samples[1], a, &a->flow.src, 3000);
	distinguish_observe(&samples[1], a, &a->flow.src, 4000);
	CHECK(samples[0].packets == 1 && samples[1].packets == 2);
	for (enum distinguish_what what = 0; what < DISTINGUISH_KINDS; what++) {
		char text[DISTINGUISH_TEXT_MAX];
		struct distinguish leak;

		distinguish_compare(&leak, what, &all, &all, &room);
		CHECK(!leak.differs);
		distinguish_text(text, what, &leak.port);
		CHECK(strlen(text) < DISTINGUISH_TEXT_MAX);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer a;
	ptrdiff_t skip;
	size_t len;
	int type;

	if (size < 2) {
		return 0;
	}
	type = be16_load(data);
	skip = linktype_ip(type, data + 2, size - 2);
	CHECK(skip < 0 || linktype_known(type));
	if (skip < 0) {
		return 0;
	}
	CHECK((size_t)skip <= size - 2);
	len = size - 2 - (size_t)skip;
	if (answer_parse(&a, data + 2 + skip, len, len) < 0) {
		return 0;
	}
	CHECK(a.kind == ANSWER_TCP || a.kind == ANSWER_UDP ||
	      a.kind == ANSWER_ICMP);
	CHECK(a.flow.src.family == a.flow.dst.family);
	CHECK(a.options_len <= ANSWER_OPTIONS_MAX);
	CHECK(a.data_len < 65536);
	if (a.kind == ANSWER_ICMP) {
		CHECK(a.quoted_kind == ANSWER_TCP ||
		      a.quoted_kind == ANSWER_UDP);
		CHECK(a.quoted.src.family == 4 || a.quoted.src.family == 6);
	}
	check_states(&a);
	check_leak(&a);
	return 0;
}
