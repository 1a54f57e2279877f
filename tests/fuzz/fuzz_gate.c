/* SPDX-License-Identifier: ISC */
/*
 * The receiver: packets, time and changes of the access list as the input
 * says.  Whatever comes: each held packet is released once, no table
 * grows beyond its bound, and nothing is accepted but the SYN0 of a
 * group that a sender with the key has made, and that only once.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"

#include "protocol/receiver.h"

#define GROUPS 64u    /* that senders make */
#define PACKETS 1024u /* held ones are known by their number */
#define START_MS 100000u
#define START_SECOND 1798761600u

/* What is made of one SYN, by one of the keys. */
struct group {
	struct packet p; /* of SYN0 */
	uint32_t seq[FRAME_MAX];
	uint16_t sport[FRAME_MAX];
	size_t count;
	bool accepted;
};

static struct receiver receiver; /* large: receiver_init() clears it */

static struct rig {
	struct receiver_limits limits;
	struct receiver_now now;
	struct group groups[GROUPS];
	uint32_t made;  /* groups, so far */
	uint32_t given; /* packets, so far */
	uint8_t held[PACKETS];
	uint32_t seq[PACKETS]; /* of each packet given */
	size_t held_count;
	struct receiver_result result;
} rig;

static const uint8_t secrets[3][16] = { "first secret key", "secondsecret key",
					"third secret key" };
static struct acl acls[2];
static struct acl_key keys[3];
static struct acl_range ports[] = {
	{ 22, 22 },
	{ 80, 80 },
	{ 443, 443 },
	{ 25, 25 },
};
static struct acl_rule rules[] = {
	{ .ports = &ports[0], .ports_count = 1, .tolerance = 30 },
	{ .ports = &ports[1],
	  .ports_count = 1,
	  .tolerance = 5,
	  .window_loose = true },
	{ .ports = &ports[2],
	  .ports_count = 1,
	  .tolerance = 600,
	  .hide = ACL_CLOSED },
	{ .ports = &ports[3],
	  .ports_count = 1,
	  .tolerance = 30,
	  .hide = ACL_DECOY,
	  .decoy = { 4, { 192, 0, 2, 9 } },
	  .decoy_port = 25 },
};
static struct acl_range numbers[] = { { 1, 3 }, { 2, 2 } };
static struct acl_entry entries[2][1] = {
	{ { .ports = { 1, 1023 }, .keys = &numbers[0], .keys_count = 1 } },
	{ { .ports = { 1, 1023 }, .keys = &numbers[1], .keys_count = 1 } },
};
static void *memory, *store;

static void
make_acls(void)
{
	static const struct {
		enum mac_suite suite;
		unsigned extra;
	} kinds[] = {
		{ MAC_HMAC_MD5, 0 },
		{ MAC_HMAC_SHA256, 1 },
		{ MAC_HMAC_SHA256, 3 },
	};

	for (unsigned i = 0; i < 3; i++) {
		keys[i] = (struct acl_key){
			.no = (uint16_t)(i + 1),
			.bits = (uint8_t)frame_auth_bits(kinds[i].extra),
			.not_after = UINT64_MAX,
		};
		mac_key_init(&keys[i].mac, kinds[i].suite, kinds[i].extra,
			     secrets[i], sizeof secrets[i], NULL, 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		acls[i].rules = rules;
		acls[i].rules_count = sizeof rules / sizeof rules[0];
		acls[i].keys = keys;
		acls[i].keys_count = 3;
		acls[i].entries = entries[i];
		acls[i].entries_count = 1;
		acl_index(&acls[i]);
	}
}

static void
begin(struct cursor *c)
{
	static const struct hash_key hash = { 1, 2 };

	if (!memory) {
		make_acls();
	}
	free(memory);
	free(store);
	memset(&rig, 0, sizeof rig);
	rig.limits = (struct receiver_limits){
		.reassembly = { .groups = 1u + cursor_u8(c) % 8 },
		.assembly_ms = 1000,
		.flood_per_second = cursor_u8(c),
		.replays = REPLAY_CAPACITY_MIN,
		.guesses = 16,
	};
	rig.limits.reassembly.frames =
		rig.limits.reassembly.groups + cursor_u8(c) % 32;
	rig.limits.reassembly.held = 1u + cursor_u8(c) % 16;
	rig.now =
		(struct receiver_now){ (uint64_t)START_SECOND << 8, START_MS };
	memory = calloc(1, receiver_size(&rig.limits));
	store = malloc(replay_store_size(rig.limits.replays));
	CHECK(memory && store);
	replay_format(store, rig.limits.replays);
	receiver_init(&receiver, memory, store, &rig.limits, &acls[0], &hash);
}

/* By the sequence number of its SYN0. */
static struct group *
group_of(uint32_t seq)
{
	for (uint32_t i = 0; i < rig.made; i++) {
		if (rig.groups[i].seq[FRAME_SYN0] == seq) {
			return &rig.groups[i];
		}
	}
	return NULL;
}

static void
accept(uint32_t id)
{
	struct group *g = group_of(rig.seq[id]);

	CHECK(g);
	CHECK(!g->accepted);
	g->accepted = true;
}

static void
check_result(bool one_packet)
{
	const struct receiver_result *r = &rig.result;
	unsigned accepted = 0;

	CHECK(r->releases_count <= RECEIVER_RELEASES_MAX);
	CHECK(r->events_count <= RECEIVER_EVENTS_MAX);
	for (size_t i = 0; i < r->releases_count; i++) {
		uint64_t id = r->releases[i].id;

		CHECK(id < rig.given && rig.held[id]);
		CHECK(r->releases[i].verdict != RECEIVER_HOLD);
		rig.held[id] = 0;
		rig.held_count--;
		if (r->releases[i].verdict == RECEIVER_ACCEPT) {
			accept((uint32_t)id);
			accepted++;
		}
	}
	if (one_packet && r->verdict == RECEIVER_ACCEPT) {
		accept(rig.given - 1);
		accepted++;
	}
	for (size_t i = 0; i < r->events_count; i++) {
		CHECK(r->events[i].reason < VERIFY_REASONS);
		CHECK(receiver_reason_name(r->events[i].reason));
		accepted -= r->events[i].reason == VERIFY_ACCEPTED;
	}
	CHECK(accepted == 0);
}

static void
check_tables(void)
{
	const struct reassembly *q = &receiver.reassembly;

	CHECK(q->held_used == rig.held_count);
	CHECK(q->held_used <= q->held_max);
	CHECK(q->groups_used <= q->groups_max);
	CHECK(q->frames_used <= q->frames_max);
	CHECK(q->held_used <= q->frames_used);
	CHECK(receiver.replay.count <= rig.limits.replays);
}

static void
give(const struct packet *p)
{
	const struct receiver_packet in = { .packet = p, .id = rig.given };

	const uint64_t macs = receiver.counters.macs;

	if (rig.given == PACKETS) {
		return;
	}
	rig.seq[rig.given++] = p->seq;
	receiver_input(&receiver, &rig.now, &in, &rig.result);
	CHECK(receiver.counters.macs - macs <= VERIFY_WAYS * VERIFY_MACS_LOOSE);
	/* Held by this very call: it may not be released by it, too. */
	check_result(true);
	if (rig.result.verdict == RECEIVER_HOLD) {
		rig.held[rig.given - 1] = 1;
		rig.held_count++;
	}
	check_tables();
	CHECK(rig.result.rule || rig.result.verdict == RECEIVER_PASS);
}

static struct packet
syn(struct cursor *c)
{
	static const uint16_t dports[] = { 22, 80, 443, 25, 22, 80, 22, 8080 };
	uint8_t byte = cursor_u8(c);

	return (struct packet){
		.src = { 4, { 198, 51, 100, byte >> 3 & 3 } },
		.dst = { 4, { 192, 0, 2, 1 } },
		.dport = dports[byte & 7],
		.sport = (uint16_t)(1024 + (byte >> 5)),
		.flags = PACKET_SYN,
		.window = (uint16_t)(cursor_u8(c) & 3),
	};
}

/* A sender makes a group; its frames are given by later steps. */
static void
make_group(struct cursor *c)
{
	struct group *g = &rig.groups[rig.made];
	const struct acl_key *key = &keys[cursor_u8(c) % 3];
	struct frame_head head = {
		.flags = key->mac.extra,
		.key_no = key->no,
		.instant = rig.now.instant +
			(uint64_t)((int64_t)(int8_t)cursor_u8(c) * 64),
	};

	if (rig.made == GROUPS) {
		return;
	}
	/* The ISN looks like any frame, but is not used twice. */
	*g = (struct group){ .p = syn(c),
			     .count = FRAME_BASE + key->mac.extra };
	g->seq[FRAME_SYN0] = (uint32_t)cursor_u8(c) << 24 | rig.made++;
	g->seq[FRAME_SYN1] = frame_syn1(&head);
	g->seq[FRAME_SYN2] = frame_syn2(&head);
	mac_sign(&key->mac, g->p.dport, g->seq, NULL);
	for (size_t i = 0; i < g->count; i++) {
		g->sport[i] = (uint16_t)(g->p.sport + i * 8);
	}
}

static void
give_frame(const struct group *g, size_t role)
{
	struct packet p = g->p;

	p.seq = g->seq[role];
	p.sport = g->sport[role];
	give(&p);
}

static void
give_frames(struct cursor *c)
{
	const struct group *g = &rig.groups[cursor_u8(c) % GROUPS];
	uint8_t which = cursor_u8(c);

	if (g->count == 0) {
		return;
	}
	if (which & 0x80) {
		/* In the order of sending. */
		give_frame(g, FRAME_SYN2);
		give_frame(g, FRAME_SYN1);
		for (size_t role = FRAME_SYN3; role < g->count; role++) {
			give_frame(g, role);
		}
		give_frame(g, FRAME_SYN0);
		return;
	}
	give_frame(g, which % g->count);
}

/* Whatever a stranger may send: with a sequence number seen, or any. */
static void
give_stranger(struct cursor *c)
{
	const struct group *g = &rig.groups[cursor_u8(c) % GROUPS];
	struct packet p = syn(c);
	uint8_t flags = cursor_u8(c);

	p.seq = flags & 0x80 ? cursor_u32(c) : g->seq[flags % FRAME_MAX];
	if (flags & 0x40) {
		p.flags = cursor_u8(c);
		p.ack = cursor_u32(c);
	}
	p.data_len = flags & 0x20 ? 1 : 0;
	give(&p);
}

static void
expire(void)
{
	while (receiver_expire(&receiver, &rig.now, &rig.result)) {
		check_result(false);
		check_tables();
	}
	CHECK(rig.result.releases_count == 0 && rig.result.events_count == 0);
	CHECK(receiver_wait(&receiver, &rig.now) != 0);
}

static void
step(struct cursor *c)
{
	switch (cursor_u8(c) % 9) {
	case 0:
	case 1:
		make_group(c);
		break;
	case 2:
	case 3:
		give_frames(c);
		break;
	case 4:
		give_stranger(c);
		break;
	case 5:
		rig.now.ms += cursor_u16(c);
		rig.now.instant += cursor_u8(c) * 64u;
		break;
	case 6:
		expire();
		break;
	case 7:
		receiver_set_acl(&receiver, &acls[cursor_u8(c) & 1]);
		break;
	default:
		/* The clock is set, in either direction. */
		rig.now.instant +=
			(uint64_t)((int64_t)(int16_t)cursor_u16(c) * 256);
		if (cursor_u8(c) & 1) {
			receiver_begin_unknown(&receiver, &rig.now);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);

	begin(&c);
	while (!c.bad && cursor_left(&c) > 0) {
		step(&c);
	}
	/* At last nothing is left. */
	rig.now.ms += rig.limits.assembly_ms + 1;
	expire();
	CHECK(rig.held_count == 0);
	CHECK(receiver.reassembly.groups_used == 0 &&
	      receiver.reassembly.frames_used == 0);
	CHECK(receiver_wait(&receiver, &rig.now) == -1);
	return 0;
}
