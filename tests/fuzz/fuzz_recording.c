/* SPDX-License-Identifier: ISC */
/*
 * Packets of anybody's, in which groups are looked for.  Whatever comes:
 * what is kept is a group, as frame.h has it, and its headers can be
 * forged again.  Each packet is its length, in two bytes, the hundredths of
 * a second since the last one, in another, and its bytes.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"
#include "replay_test/forge.h"
#include "protocol/frame.h"
#include "replay_test/recording.h"

static struct recording recording;

static void
check_forgery(const struct recording_group *g)
{
	uint8_t bytes[FORGERY_MAX], part[FORGERY_MAX];
	const struct forgery f = {
		.src = g->dst,
		.dst = g->src,
		.sport = 1,
		.dport = 2,
		.seq = 3,
		.window = 4,
		.words = FORGERY_WORDS_MAX,
		.data = FORGERY_DATA_MAX,
	};
	struct packet p, forged;
	size_t len;

	CHECK(packet_parse(&p, g->syn, g->syn_len, g->syn_len) == PACKET_OK);
	len = forgery_build(bytes, g->syn, &p, &f);
	CHECK(len <= sizeof bytes);
	CHECK(packet_parse(&forged, bytes, len, len) == PACKET_OK);
	CHECK(forged.sport == 1 && forged.dport == 2 && forged.seq == 3);
	CHECK(forged.window == 4 && forged.data_len == FORGERY_DATA_MAX);
	CHECK(packet_addr_equal(&forged.src, &g->dst));
	CHECK(packet_tcp_checksum(bytes, &forged) ==
	      be16_load(bytes + forged.tcp_at + 16));
	for (unsigned i = 0; i < FORGERY_PARTS; i++) {
		size_t part_len = forgery_fragment(part, bytes, len, i, 24, 9);

		CHECK(part_len <= sizeof part);
		CHECK(part_len > 0 || !packet_is_plain(&forged));
	}
	len = forgery_reset(bytes, g->syn, &p, &f);
	CHECK(packet_parse(&forged, bytes, len, len) == PACKET_OK);
	CHECK(forged.flags == PACKET_RST && forged.data_len == 0);
}

static void
check_group(const struct recording_group *g)
{
	const struct sender_group *f = &g->frames;
	unsigned extra = frame_flags(f->seq[FRAME_SYN1]);

	CHECK(f->count == FRAME_BASE + extra && f->count <= FRAME_MAX);
	for (unsigned role = FRAME_SYN1; role < f->count; role++) {
		CHECK(frame_role_of(f->seq[role]) == role);
	}
	check_forgery(g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Where the corpus' groups go to. */
	static const struct packet_addr to[] = {
		{ 4, { 192, 0, 2, 2 } },
		{ 6, { 0x20, 1, 0xd, 0xb8, [15] = 2 } },
	};
	struct cursor c = cursor_over(data, size);
	uint64_t ns = 1;

	recording_init(&recording, to, 2, 80);
	while (!c.bad && cursor_left(&c) > 0) {
		size_t len = cursor_u16(&c);
		const uint8_t *bytes;

		ns += cursor_u8(&c) * UINT64_C(10000000);
		len = len < cursor_left(&c) ? len : cursor_left(&c);
		bytes = cursor_bytes(&c, len);
		recording_packet(&recording, bytes, len, len, ns);
		CHECK(recording_count(&recording) <= RECORDING_GROUPS_MAX);
		CHECK(recording.found <= recording.syns);
	}
	for (size_t i = 0; i < recording_count(&recording); i++) {
		check_group(recording_at(&recording, i));
	}
	return 0;
}
