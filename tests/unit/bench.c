/* The bench and the groups of support.h. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct bench *
bench_new(void)
{
	/* A bench that a failed test left behind is no leak. */
	static struct bench *last;
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	last = b;
	assert_ptr_equal(last, b);
	b->limits = (struct receiver_limits){
		.reassembly = { .groups = 64, .frames = 512, .held = 256 },
		.assembly_ms = 1000,
		.flood_per_second = 20000,
		.replays = 1024,
		.guesses = 1024,
	};
	b->now.instant = (UINT64_C(1795132800) << 8) + 77;
	b->now.ms = 123456789;
	b->acl.rules = b->rules;
	b->acl.keys = b->keys;
	b->acl.entries = b->entries;
	return b;
}

void
bench_free(struct bench *b)
{
	free(b->memory);
	free(b->store);
	free(b->empty_store);
	free(b->empty_index);
	free(b->sent);
	free(b);
}

struct acl_rule *
bench_rule(struct bench *b, uint16_t port, bool loose)
{
	size_t i = b->acl.rules_count++;

	assert_true(i < BENCH_MAX);
	b->rule_ports[i] = (struct acl_range){ port, port };
	b->rules[i] = (struct acl_rule){
		.ports = &b->rule_ports[i],
		.ports_count = 1,
		.window_loose = loose,
		.tolerance = 30,
	};
	return &b->rules[i];
}

struct acl_key *
bench_key(struct bench *b, uint16_t no, enum mac_suite suite, unsigned extra)
{
	size_t i = b->acl.keys_count++;
	uint64_t seed = 0x6b657900u + no;
	uint8_t secret[MAC_SECRET_MIN];

	assert_true(i < BENCH_MAX);
	be64_store(secret, random_u64(&seed));
	be64_store(secret + 8, random_u64(&seed));
	b->keys[i] = (struct acl_key){
		.no = no,
		.not_after = UINT64_MAX,
		.bits = (uint8_t)frame_auth_bits(extra),
	};
	mac_key_init(&b->keys[i].mac, suite, extra, secret, sizeof secret, NULL,
		     0);
	return &b->keys[i];
}

void
bench_allow(struct bench *b, uint16_t port, uint16_t low, uint16_t high)
{
	size_t i = b->acl.entries_count++;

	assert_true(i < BENCH_MAX);
	b->entry_keys[i] = (struct acl_range){ low, high };
	b->entries[i] = (struct acl_entry){
		.ports = { port, port },
		.keys = &b->entry_keys[i],
		.keys_count = 1,
	};
}

static const struct hash_key bench_hash = { 0x0123456789abcdef, 42 };

void
bench_start(struct bench *b)
{
	const size_t replay_file_size = replay_store_size(b->limits.replays);
	const size_t index_size = replay_index_size(b->limits.replays);

	acl_index(&b->acl);
	b->memory = calloc(1, receiver_size(&b->limits));
	b->store = malloc(replay_file_size);
	b->empty_store = malloc(replay_file_size);
	b->empty_index = malloc(index_size);
	assert_non_null(b->memory);
	assert_non_null(b->store);
	assert_non_null(b->empty_store);
	assert_non_null(b->empty_index);
	replay_format(b->store, b->limits.replays);
	assert_int_equal(receiver_init(&b->receiver, b->memory, b->store,
				       &b->limits, &b->acl, &bench_hash),
			 0);
	b->empty = b->receiver.replay;
	memcpy(b->empty_store, b->store, replay_file_size);
	memcpy(b->empty_index, b->receiver.replay.heap, index_size);
}

void
bench_restart(struct bench *b)
{
	assert_int_equal(b->held, 0);
	memset(b->by_reason, 0, sizeof b->by_reason);
	assert_int_equal(receiver_init(&b->receiver, b->memory, b->store,
				       &b->limits, &b->acl, &bench_hash),
			 0);
}

/* By copy: making a store and its index anew takes a hash for each slot. */
void
bench_forget(struct bench *b)
{
	b->receiver.replay = b->empty;
	memcpy(b->store, b->empty_store, replay_store_size(b->limits.replays));
	memcpy(b->receiver.replay.heap, b->empty_index,
	       replay_index_size(b->limits.replays));
}

static void
note_verdict(struct bench *b, uint64_t id, enum receiver_verdict verdict)
{
	b->sent[id].verdict = verdict;
	if (verdict == RECEIVER_ACCEPT) {
		b->accepted++;
		b->accepted_id = id;
	}
}

static void
check_releases(struct bench *b)
{
	const struct receiver_result *r = &b->result;

	assert_true(r->releases_count <= RECEIVER_RELEASES_MAX);
	for (size_t i = 0; i < r->releases_count; i++) {
		uint64_t id = r->releases[i].id;
		enum receiver_verdict verdict = r->releases[i].verdict;

		assert_true(id < b->sent_count);
		assert_int_equal(b->sent[id].state, BENCH_HELD);
		assert_true(verdict == RECEIVER_DROP ||
			    verdict == RECEIVER_ACCEPT);
		b->sent[id].state = BENCH_RELEASED;
		b->held--;
		note_verdict(b, id, verdict);
	}
}

static void
check_events(struct bench *b, size_t accepted)
{
	const struct receiver_result *r = &b->result;
	uint64_t groups = 0;

	assert_true(r->events_count <= RECEIVER_EVENTS_MAX);
	for (size_t i = 0; i < r->events_count; i++) {
		const struct receiver_event *event = &r->events[i];

		assert_true((unsigned)event->reason < VERIFY_REASONS);
		assert_true(event->src.family == 4 || event->src.family == 6);
		b->event = *event;
		b->by_reason[event->reason]++;
		if (event->reason != VERIFY_ACCEPTED) {
			continue;
		}
		accepted--;
		assert_non_null(event->key);
		assert_int_equal(event->key->no, event->key_no);
		assert_int_equal(event->sport, b->sent[b->accepted_id].sport);
	}
	assert_int_equal(accepted, 0);
	/* Each group that was complete had one end. */
	for (unsigned reason = 0; reason < VERIFY_REASONS; reason++) {
		if (reason != VERIFY_INCOMPLETE && reason != VERIFY_MALFORMED) {
			groups += b->by_reason[reason];
		}
	}
	assert_int_equal(b->receiver.counters.groups, groups);
	assert_memory_equal(b->by_reason, b->receiver.counters.by_reason,
			    sizeof b->by_reason);
}

static void
check_result(struct bench *b, size_t accepted_before)
{
	const struct reassembly *q = &b->receiver.reassembly;

	check_events(b, b->accepted - accepted_before);
	assert_int_equal(b->held, q->held_used);
	assert_true(q->held_used <= q->held_max);
	assert_true(q->frames_used <= q->frames_max);
	assert_true(q->groups_used <= q->groups_max);
	assert_true(q->groups_used <= q->frames_used);
	if (q->groups_used == 0) {
		assert_int_equal(q->frames_used, 0);
		assert_int_equal(receiver_wait(&b->receiver, &b->now), -1);
	} else {
		assert_true(receiver_wait(&b->receiver, &b->now) >= 0);
	}
}

static void
make_room_for_sent(struct bench *b)
{
	if (b->sent_count > b->sent_size) {
		b->sent_size = 2 * b->sent_size + 1024;
		b->sent = realloc(b->sent, b->sent_size * sizeof *b->sent);
		assert_non_null(b->sent);
	}
}

struct packet_addr
addr_beyond(void)
{
	return addr4(0xcb007109);
}

static bool
is_beyond(const struct packet *p)
{
	const struct packet_addr beyond = addr_beyond();

	return packet_addr_equal(&p->dst, &beyond);
}

enum receiver_verdict
bench_packet(struct bench *b, const struct packet *p, const uint8_t *options,
	     const char *indev)
{
	uint64_t id = b->sent_count++;
	size_t accepted = b->accepted;
	const struct receiver_packet in = {
		.packet = p,
		.options = options,
		.forwarded = is_beyond(p),
		.indev = indev,
		.id = id,
	};

	make_room_for_sent(b);
	memset(&b->result, 0xa5, sizeof b->result);
	receiver_input(&b->receiver, &b->now, &in, &b->result);
	b->sent[id] = (struct bench_sent){ .seq = p->seq, .sport = p->sport };
	check_releases(b);
	if (b->result.verdict == RECEIVER_HOLD) {
		b->sent[id].state = BENCH_HELD;
		b->held++;
	}
	note_verdict(b, id, b->result.verdict);
	check_result(b, accepted);
	return b->result.verdict;
}

void
bench_witness(struct bench *b, const struct packet *p)
{
	const struct receiver_packet in = { .packet = p,
					    .forwarded = is_beyond(p) };
	size_t accepted = b->accepted;

	memset(&b->result, 0xa5, sizeof b->result);
	receiver_note_frame(&b->receiver, &b->now, &in, &b->result);
	check_releases(b);
	check_result(b, accepted);
	assert_int_equal(b->accepted, accepted);
}

void
bench_learn(struct bench *b, const struct receiver_accepted *a)
{
	const struct packet *syn0 = &a->frames[FRAME_SYN0];
	uint64_t id = b->sent_count++;
	size_t accepted = b->accepted;

	make_room_for_sent(b);
	b->sent[id] =
		(struct bench_sent){ .seq = syn0->seq, .sport = syn0->sport };
	memset(&b->result, 0xa5, sizeof b->result);
	receiver_note_accepted(&b->receiver, a, &b->result);
	/* Others have counted it. */
	b->receiver.counters.groups += b->result.events_count;
	b->receiver.counters.by_reason[VERIFY_ACCEPTED] +=
		b->result.events_count;
	note_verdict(b, id,
		     b->result.events_count > 0 ? RECEIVER_ACCEPT
						: RECEIVER_DROP);
	check_releases(b);
	check_result(b, accepted);
}

bool
bench_expire(struct bench *b)
{
	size_t accepted = b->accepted;
	bool due = receiver_wait(&b->receiver, &b->now) == 0;
	bool more;

	memset(&b->result, 0xa5, sizeof b->result);
	more = receiver_expire(&b->receiver, &b->now, &b->result);
	assert_int_equal(more, due);
	if (!more) {
		assert_int_equal(b->result.releases_count, 0);
		assert_int_equal(b->result.events_count, 0);
	}
	check_releases(b);
	check_result(b, accepted);
	assert_int_equal(b->accepted, accepted);
	return more;
}

void
bench_wait(struct bench *b, uint64_t ms)
{
	b->now.ms += ms;
	b->now.instant += ms * 256 / 1000;
}

void
bench_drain(struct bench *b)
{
	bench_check_reassembly(&b->receiver.reassembly);
	bench_wait(b, b->limits.assembly_ms + 1);
	while (bench_expire(b)) {
	}
	assert_int_equal(b->held, 0);
	assert_int_equal(b->receiver.reassembly.groups_used, 0);
	assert_int_equal(b->receiver.reassembly.frames_used, 0);
	for (size_t id = 0; id < b->sent_count; id++) {
		assert_int_not_equal(b->sent[id].state, BENCH_HELD);
	}
	/* One lot of packets is done with. */
	if (b->sent_count > 100000) {
		b->sent_count = 0;
	}
}

/* Of one group: its frames, and how many of them are held. */
static size_t
check_group(struct reassembly *q, struct reassembly_group *g, size_t *held)
{
	uint64_t arrived = 0;
	size_t frames = 0;

	assert_ptr_equal(reassembly_find(q, &g->key), g);
	for (struct reassembly_frame *f = reassembly_first(q, g); f;
	     f = reassembly_next(q, f)) {
		assert_true(f->arrived >= arrived);
		arrived = f->arrived;
		*held += f->held;
		if (++frames == g->count) {
			assert_ptr_equal(&q->frames[g->last - 1], f);
		}
		assert_true(frames <= g->count);
	}
	assert_int_equal(frames, g->count);
	assert_true(g->arrived >= arrived);
	return frames;
}

static void
check_held(struct reassembly *q)
{
	size_t count = 0;
	uint32_t before = 0;
	uint32_t at = q->held_first;

	for (; at != 0; before = at, at = q->frames[at - 1].held_next) {
		assert_true(++count <= q->held_used);
		assert_true(q->frames[at - 1].held);
		assert_int_equal(q->frames[at - 1].held_prev, before);
	}
	assert_int_equal(q->held_last, before);
	assert_int_equal(count, q->held_used);
	assert_ptr_equal(reassembly_held(q),
			 q->held_first ? &q->frames[q->held_first - 1] : NULL);
}

static void
check_free(const struct reassembly *q)
{
	size_t groups = 0;
	size_t frames = 0;

	for (uint32_t at = q->free_group; at; at = q->groups[at - 1].next) {
		assert_true(++groups <= q->groups_max);
	}
	for (uint32_t at = q->free_frame; at; at = q->frames[at - 1].next) {
		assert_true(++frames <= q->frames_max);
	}
	assert_int_equal(groups + q->groups_used, q->groups_max);
	assert_int_equal(frames + q->frames_used, q->frames_max);
}

void
bench_check_reassembly(struct reassembly *q)
{
	size_t groups = 0;
	size_t frames = 0;
	size_t held = 0;
	uint32_t older = 0;
	uint64_t arrived = 0;

	for (uint32_t at = q->oldest; at; at = q->groups[at - 1].newer) {
		struct reassembly_group *g = &q->groups[at - 1];

		assert_true(++groups <= q->groups_used);
		assert_int_equal(g->older, older);
		assert_true(g->count == 0 || g->arrived >= arrived);
		arrived = g->count == 0 ? arrived : g->arrived;
		older = at;
		frames += check_group(q, g, &held);
	}
	assert_int_equal(q->newest, older);
	assert_int_equal(groups, q->groups_used);
	assert_int_equal(frames, q->frames_used);
	assert_int_equal(held, q->held_used);
	check_held(q);
	check_free(q);
}

struct packet_addr
addr4(uint32_t number)
{
	struct packet_addr addr = { .family = 4 };

	be32_store(addr.bytes, number);
	return addr;
}

struct packet_addr
addr6(uint32_t prefix, uint64_t host)
{
	struct packet_addr addr = { .family = 6 };

	be32_store(addr.bytes, 0x20010db8);
	be32_store(addr.bytes + 4, prefix);
	be64_store(addr.bytes + 8, host);
	return addr;
}

void
group_make_flags(struct group *g, const struct acl_key *key, uint16_t port,
		 uint64_t instant, uint32_t isn, uint8_t flags, uint64_t *seed)
{
	const struct frame_head head = {
		.flags = flags,
		.key_no = key->no,
		.instant = instant,
	};
	uint16_t mark = (uint16_t)random_u32(seed);
	uint16_t sport = (uint16_t)random_u32(seed);

	*g = (struct group){
		.src = addr4(random_u32(seed)),
		.dst = addr4(0xc6336401),
		.dport = port,
		.frames = FRAME_BASE + key->mac.extra,
		.seq = { isn, frame_syn1(&head), frame_syn2(&head) },
		/* MSS, SACK permitted, NOP, window scale */
		.options = { 2, 4, 5, 180, 4, 2, 1, 3, 3, 7 },
	};
	mac_sign(&key->mac, port, g->seq, NULL);
	for (size_t i = 0; i < FRAME_MAX; i++) {
		g->window[i] = mark;
		g->sport[i] = (uint16_t)(sport + 977 * i);
	}
}

void
group_make(struct group *g, const struct acl_key *key, uint16_t port,
	   uint64_t instant, uint32_t isn, uint64_t *seed)
{
	group_make_flags(g, key, port, instant, isn, key->mac.extra, seed);
}

struct packet
group_packet(const struct group *g, size_t role)
{
	return (struct packet){
		.src = g->src,
		.dst = g->dst,
		.sport = g->sport[role],
		.dport = g->dport,
		.seq = g->seq[role],
		.window = g->window[role],
		.flags = PACKET_SYN,
		.options_len = sizeof g->options,
	};
}

void
group_order(const struct group *g, size_t *order)
{
	size_t n = 0;

	order[n++] = FRAME_SYN2;
	order[n++] = FRAME_SYN1;
	for (size_t role = FRAME_SYN3; role < g->frames; role++) {
		order[n++] = role;
	}
	order[n] = FRAME_SYN0;
}

enum receiver_verdict
group_send_one(struct bench *b, const struct group *g, size_t role)
{
	const struct packet p = group_packet(g, role);

	return bench_packet(b, &p, g->options, NULL);
}

void
group_send(struct bench *b, const struct group *g, const size_t *order)
{
	size_t sending[FRAME_MAX];

	group_order(g, sending);
	for (size_t i = 0; i < g->frames; i++) {
		group_send_one(b, g, order ? order[i] : sending[i]);
	}
}

bool
group_is_accepted(const struct bench *b, const struct group *g)
{
	return b->accepted > 0 &&
		b->sent[b->accepted_id].verdict == RECEIVER_ACCEPT &&
		b->sent[b->accepted_id].seq == g->seq[FRAME_SYN0] &&
		b->sent[b->accepted_id].sport == g->sport[FRAME_SYN0];
}

struct packet
group_forge(const struct group *g, unsigned role, uint64_t *seed)
{
	struct packet p = group_packet(g, FRAME_SYN0);
	const uint32_t seq = random_u32(seed);

	p.sport = (uint16_t)random_u32(seed);
	switch (role) {
	case FRAME_SYN1:
		p.seq = g->seq[FRAME_SYN1] ^ (1 + seq % 255);
		break;
	case FRAME_SYN2:
		p.seq = g->seq[FRAME_SYN2] - 5 + seq % 5;
		break;
	default:
		p.seq = frame_prefix((enum frame_role)role) |
			(seq & frame_mask((enum frame_role)role));
	}
	return p;
}
