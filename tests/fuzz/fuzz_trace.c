/* SPDX-License-Identifier: ISC */
/*
 * What comes back while the hops of a path are traced, from anybody: it is
 * taken for no more than what was sent.  A family and the ports of what was
 * sent to each hop, then packets, each a length and its bytes.
 */
#include "fuzz.h"

#include "fuzz/piece.h"
#include "probe_path/trace.c"

static void
prepare(struct trace *t, struct cursor *c, struct path_near *near,
	struct path_trail *trail)
{
	static const uint8_t far[2][16] = {
		{ 192, 0, 2, 1 },
		{ 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	};
	const bool six = cursor_u8(c) % 2 == 1;
	size_t hops = cursor_u8(c) % (PATH_HOPS_MAX + 1);

	memset(near, 0, sizeof *near);
	memset(trail, 0, sizeof *trail);
	near->trial.far.family = six ? 6 : 4;
	memcpy(near->trial.far.bytes, far[six], 16);
	for (size_t hop = 0; hop < hops; hop++) {
		for (enum field_trace k = 0; k < FIELD_TRACES; k++) {
			struct sent *sent = &t->sent[hop][k];

			sent->sport = cursor_u16(c);
			sent->values.known = UINT32_MAX;
		}
	}
}

static void
check_trail(const struct trace *t)
{
	CHECK(t->reached <= PATH_HOPS_MAX);
	for (unsigned hop = 1; hop <= PATH_HOPS_MAX; hop++) {
		const struct path_hop *h = &t->trail->hops[hop - 1];

		for (enum field_trace k = 0; k < FIELD_TRACES; k++) {
			CHECK(!h->answered[k] ||
			      t->sent[hop - 1][k].sport != 0);
			CHECK(!h->answered[k] || h->addr.family == 4 ||
			      h->addr.family == 6);
		}
		CHECK(silent(t, hop) <= hop);
	}
	CHECK(t->reached == 0 ||
	      t->sent[t->reached - 1][FIELD_TRACE_PLAIN].sport != 0);
	is_complete(t, PATH_HOPS_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path_near near;
	static struct path_trail trail;
	struct trace t = { .near = &near, .trail = &trail };
	struct cursor c = cursor_over(data, size);

	prepare(&t, &c, &near, &trail);
	while (!c.bad && cursor_left(&c) > 0) {
		struct cap_packet packet = { .len = cursor_u16(&c) };

		packet.ip = piece(&c, &packet.len);
		packet.wire_len = packet.len;
		take_packet(&t, &packet);
		check_trail(&t);
	}
	return 0;
}
