/*
 * The receiver in random histories: arrivals in order and out of it, losses,
 * duplicates, replays, forgeries, tables too small for them, clocks that
 * are set, reloads and restarts.  Beside it runs a reference made from
 * PROTOCOL's words alone, slow and obvious: it keeps every frame and tries
 * them all.  It holds that
 *   - no group is accepted twice,
 *   - nothing is accepted that it refuses,
 *   - no group in order is refused while there is room for it,
 * and the bench that no table grows and every number adds up.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* A history is short: its seeds and sizes are then as varied as its steps. */
#define HISTORY 20000
#define SOURCES 16 /* some of them attack; see HONEST */
#define HONEST 12
#define ATTEMPTS 12  /* groups on their way at once */
#define FORGED_MAX 2 /* frames of others in one of them */
#define LOG 4096     /* frames within the time of assembly */
#define ACCEPTED HISTORY
#define NO_FLOOD 1000000
/* ms until a source has all of its guesses again */
#define GUESS_WAIT ((GUESS_BURST + 1) * GUESS_REFILL_MS)

enum { STRICT_PORT = 22, LOOSE_PORT = 80, CLOSED_PORT = 443, OPEN_PORT = 8080 };

/* A frame that reached the receiver since it began. */
struct arrival {
	struct packet_addr src;
	uint16_t sport, dport, window;
	uint32_t seq;
	uint64_t ms;
	uint64_t flight; /* 0: a stranger's */
};

/* A group that was accepted: what its HMAC is over. */
struct known {
	uint16_t key_no;
	uint32_t seq[3];
	uint64_t instant;
	unsigned life;  /* of the replay memory, which may be lost */
	bool forgotten; /* made room for others, and raised the floor */
};

struct attempt {
	uint64_t id; /* 0: none */
	struct group g;
	const struct acl_key *key;
	const struct acl_rule *rule;
	uint64_t instant;
	size_t source, next;
	size_t order[FRAME_MAX];
	bool in_order;
	bool owed;       /* an honest group, so far without a mishap */
	unsigned forged; /* frames of others in it */
	/* When its first frame came: */
	uint64_t ms, evicted, held_early;
	unsigned change; /* of clock, list or receiver */
};

static struct history {
	struct bench *b;
	uint64_t seed;
	unsigned life, change;
	uint64_t begin_ms; /* when the memory began */
	struct arrival log[LOG];
	size_t log_count; /* in all; the log goes round */
	struct known known[ACCEPTED];
	size_t known_count;
	struct attempt attempts[ATTEMPTS];
	struct group old[64]; /* to be sent again */
	size_t old_count;
	uint64_t outstanding_ids;
	uint64_t guessed_ms[SOURCES]; /* when it may have guessed last */
	bool has_guessed[SOURCES];
	struct acl other; /* the list of another reload */
} h;

static struct totals {
	unsigned long steps, accepted, owed, kept, lost;
} totals;

static uint32_t
below(uint32_t n)
{
	return random_below(&h.seed, n);
}

static struct packet_addr
source(size_t i)
{
	return i % 4 == 3 ? addr6((uint32_t)i, 7) : addr4((uint32_t)i + 1);
}

/* ---- the reference */

static bool
in_time(const struct arrival *a)
{
	return h.b->now.ms - a->ms <= h.b->limits.assembly_ms;
}

/* The frames that may belong together with one. */
static bool
are_kin(const struct arrival *a, const struct arrival *b, bool loose)
{
	return a->dport == b->dport && packet_addr_equal(&a->src, &b->src) &&
		(loose || a->window == b->window);
}

static uint64_t
apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The last instant that nothing is known of, by the clock as it is now. */
static uint64_t
begin_instant(void)
{
	return h.b->now.instant - (h.b->now.ms - h.begin_ms) * 256 / 1000;
}

static const struct acl_rule *
rule_of(uint16_t port)
{
	for (size_t i = 0; i < h.b->receiver.acl->rules_count; i++) {
		if (h.b->receiver.acl->rules[i].ports[0].low == port) {
			return &h.b->receiver.acl->rules[i];
		}
	}
	return NULL;
}

static const struct arrival *
find_frame(const struct arrival *const *kin, size_t count, uint32_t seq)
{
	for (size_t i = 0; i < count; i++) {
		if (kin[i]->seq == seq) {
			return kin[i];
		}
	}
	return NULL;
}

/* One assignment, against all that a receiver has to check. */
static const struct acl_key *
check_assignment(const struct acl_rule *rule, uint16_t port, uint32_t *seq,
		 const struct arrival *const *kin, size_t count,
		 uint64_t *instant)
{
	const struct acl_key *key =
		acl_key_by_no(h.b->receiver.acl, (uint16_t)(seq[1] >> 8));
	uint64_t now = h.b->now.instant;

	*instant = frame_instant(seq[1], seq[2], now);
	if (!key || (seq[1] >> 24 & 31) != key->mac.extra ||
	    apart(*instant, now) > (uint64_t)rule->tolerance * 256 ||
	    now < key->not_before || now >= key->not_after ||
	    !acl_allows(h.b->receiver.acl, port, key->no) ||
	    *instant <= begin_instant()) {
		return NULL;
	}
	mac_sign(&key->mac, port, seq, NULL);
	for (size_t i = 3; i < 4u + key->mac.extra; i++) {
		if (!find_frame(kin, count, seq[i])) {
			return NULL;
		}
	}
	return key;
}

static void
learn(const struct acl_key *key, const uint32_t *seq, uint64_t instant)
{
	struct known *k = &h.known[h.known_count];

	for (size_t i = 0; i < h.known_count; i++) {
		if (h.known[i].life == h.life && h.known[i].key_no == key->no &&
		    memcmp(h.known[i].seq, seq, sizeof k->seq) == 0) {
			fail_msg("a group was accepted twice");
		}
	}
	assert_true(h.known_count < ACCEPTED);
	*k = (struct known){ .key_no = key->no,
			     .instant = instant,
			     .life = h.life };
	memcpy(k->seq, seq, sizeof k->seq);
	h.known_count++;
}

/* This SYN0 was let in: there must have been a group that it belongs to. */
static void
check_accepted(const struct arrival *syn0)
{
	const struct arrival *kin[LOG];
	const struct acl_rule *rule = rule_of(syn0->dport);
	size_t count = 0;

	assert_non_null(rule);
	for (size_t i = 0; i < LOG && i < h.log_count; i++) {
		const struct arrival *a = &h.log[i];

		if (in_time(a) && are_kin(a, syn0, rule->window_loose) &&
		    (a->seq != syn0->seq || a->sport != syn0->sport)) {
			kin[count++] = a;
		}
	}
	for (size_t i1 = 0; i1 < count; i1++) {
		for (size_t i2 = 0; i2 < count; i2++) {
			uint32_t seq[FRAME_MAX] = { syn0->seq, kin[i1]->seq,
						    kin[i2]->seq };
			const struct acl_key *key;
			uint64_t instant;

			if (seq[1] >> 29 != 1 || seq[2] >> 29 != 2) {
				continue;
			}
			key = check_assignment(rule, syn0->dport, seq, kin,
					       count, &instant);
			if (key) {
				learn(key, seq, instant);
				totals.accepted++;
				return;
			}
		}
	}
	fail_msg("accepted, and the reference refuses it");
}

/* The oldest group of this life that is remembered, or NULL. */
static struct known *
oldest_known(size_t *count)
{
	struct known *oldest = NULL;

	*count = 0;
	for (size_t i = 0; i < h.known_count; i++) {
		struct known *k = &h.known[i];

		if (k->life != h.life || k->forgotten) {
			continue;
		}
		++*count;
		if (!oldest || k->instant < oldest->instant) {
			oldest = k;
		}
	}
	return oldest;
}

/* The oldest makes room for what was accepted. */
static void
make_room(void)
{
	size_t count;
	struct known *oldest = oldest_known(&count);

	if (count > h.b->limits.replays) {
		oldest->forgotten = true;
	}
}

/* What is not later than this may be refused. */
static uint64_t
highest_floor(void)
{
	size_t count;
	const struct known *oldest = oldest_known(&count);
	uint64_t floor = count < h.b->limits.replays ? 0 : oldest->instant;

	for (size_t i = 0; i < h.known_count; i++) {
		const struct known *k = &h.known[i];

		if (k->life == h.life && k->forgotten && k->instant > floor) {
			floor = k->instant;
		}
	}
	return floor;
}

/* ---- what reaches the receiver */

static void
check_events(const struct packet *p)
{
	const struct receiver_result *r = &h.b->result;

	for (size_t i = 0; i < r->events_count; i++) {
		const struct receiver_event *e = &r->events[i];
		const struct arrival syn0 = {
			.src = e->src,
			.sport = e->sport,
			.dport = e->dport,
			.seq = h.b->sent[h.b->accepted_id].seq,
			.window = p->window,
		};

		if (e->reason == VERIFY_ACCEPTED) {
			check_accepted(&syn0);
			make_room();
		}
	}
}

/* Time goes on before the log has too many frames in it. */
static void
keep_log_short(void)
{
	if (h.log_count >= LOG && in_time(&h.log[h.log_count % LOG])) {
		bench_wait(h.b, h.b->limits.assembly_ms + 1);
	}
}

static void
give(const struct packet *p, const uint8_t *options, uint64_t flight)
{
	enum receiver_verdict verdict;

	keep_log_short();
	h.log[h.log_count++ % LOG] = (struct arrival){
		.src = p->src,
		.sport = p->sport,
		.dport = p->dport,
		.window = p->window,
		.seq = p->seq,
		.ms = h.b->now.ms,
		.flight = flight,
	};
	verdict = bench_packet(h.b, p, options, NULL);
	assert_int_equal(verdict == RECEIVER_PASS, rule_of(p->dport) == NULL);
	assert_true(p->dport != CLOSED_PORT || verdict != RECEIVER_HOLD);
	check_events(p);
}

/* Whether nothing else came that its frames may be taken for. */
static bool
is_alone(const struct attempt *f)
{
	const struct arrival self = { .src = f->g.src,
				      .dport = f->g.dport,
				      .window = f->g.window[0] };
	uint64_t others[2] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < LOG && i < h.log_count; i++) {
		const struct arrival *a = &h.log[i];

		if (!in_time(a) || !are_kin(a, &self, f->rule->window_loose) ||
		    a->flight == f->id) {
			continue;
		}
		/* Without the mark, one connection or two beside it are fine.
		 */
		if (!f->rule->window_loose || a->flight == 0 ||
		    (others[0] && a->flight != others[0] && others[1] &&
		     a->flight != others[1])) {
			return false;
		}
		others[others[0] && a->flight != others[0]] = a->flight;
		count++;
	}
	return count < REASSEMBLY_FRAMES_LOOSE / 2;
}

/* All of a group came: is it one that has to be let in? */
static bool
is_owed(const struct attempt *f)
{
	const struct receiver *g = &h.b->receiver;

	return f->owed && f->change == h.change &&
		f->evicted == g->counters.evicted &&
		f->held_early == g->counters.held_early &&
		h.b->now.ms - f->ms <= h.b->limits.assembly_ms &&
		rule_of(f->g.dport) == f->rule &&
		(f->in_order ||
		 (f->forged == 0 && f->rule->hide == ACL_FILTERED &&
		  g->limits.flood_per_second == NO_FLOOD)) &&
		apart(f->instant, h.b->now.instant) <=
		(uint64_t)f->rule->tolerance * 256 &&
		acl_key_valid_at(f->key, h.b->now.instant) &&
		acl_allows(g->acl, f->g.dport, f->key->no) &&
		f->instant > begin_instant() && f->instant > highest_floor() &&
		(f->key->mac.extra > 0 || !h.has_guessed[f->source]) &&
		is_alone(f);
}

static void
land(struct attempt *f, bool owed)
{
	if (owed) {
		totals.owed++;
		if (!group_is_accepted(h.b, &f->g)) {
			fail_msg("a good group is refused: %s",
				 receiver_reason_name(h.b->event.reason));
		}
	}
	h.old[h.old_count++ % COUNT(h.old)] = f->g;
	f->id = 0;
}

static void
note_guess(size_t i)
{
	h.has_guessed[i] = true;
	h.guessed_ms[i] = h.b->now.ms;
}

static void
next_frame(struct attempt *f)
{
	size_t role = f->order[f->next];
	const struct packet p = group_packet(&f->g, role);
	bool owed;

	if (f->next == 0) {
		f->ms = h.b->now.ms;
		f->evicted = h.b->receiver.counters.evicted;
		f->held_early = h.b->receiver.counters.held_early;
		f->change = h.change;
	}
	/* A SYN0 that looks like another frame is tried in its place. */
	if (!f->in_order || !f->owed) {
		note_guess(f->source);
	}
	if (below(100) == 0) {
		f->owed = false;
		if (++f->next == f->g.frames) {
			land(f, false);
		}
		return;
	}
	give(&p, f->g.options, f->id);
	f->next++;
	owed = f->next == f->g.frames && is_owed(f);
	if (below(20) == 0 && !owed) {
		give(&p, f->g.options, f->id);
	}
	if (f->next == f->g.frames) {
		land(f, owed);
	}
}

/*
 * By somebody who can send from the holder's address, with the group's mark
 * and what can be known of it.
 */
static void
forge_frame(struct attempt *f)
{
	size_t role;
	struct packet p;

	if (!f->owed || f->next == 0 || f->forged == FORGED_MAX) {
		return;
	}
	role = 1 + below((uint32_t)f->g.frames - 1);
	p = group_packet(&f->g, role);
	f->forged++;
	if (f->key->mac.extra == 0) {
		note_guess(f->source);
	}
	p.sport = (uint16_t)random_u32(&h.seed);
	if (role == FRAME_SYN2) {
		p.seq -= 1 + below(4);
	} else {
		p.seq ^= 1 + below(role == FRAME_SYN1 ? 255 : 1u << 28);
	}
	give(&p, f->g.options, f->id);
}

/* ---- what goes on its way */

static struct attempt *
free_attempt(void)
{
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (h.attempts[i].id == 0) {
			return &h.attempts[i];
		}
	}
	return NULL;
}

static void
put_on_way(struct attempt *f, size_t from, bool honest)
{
	f->id = ++h.outstanding_ids;
	f->source = from;
	f->next = 0;
	group_order(&f->g, f->order);
	f->in_order = below(4) > 0;
	if (!f->in_order) {
		order_shuffle(f->order, f->g.frames, &h.seed);
	}
	f->owed = honest;
	f->forged = 0;
}

static void
send_new(void)
{
	static const uint16_t ports[] = { STRICT_PORT, STRICT_PORT, LOOSE_PORT,
					  STRICT_PORT, LOOSE_PORT,  LOOSE_PORT,
					  CLOSED_PORT, OPEN_PORT };
	static const uint32_t marks[] = { 0x20000000, 0x40000000, 0xc0000000,
					  0x80000000, 0x00000000, 0x60000000 };
	struct attempt *f = free_attempt();
	size_t from = below(SOURCES);
	bool honest = from < HONEST;
	int64_t skew = below(8) == 0 ? (int64_t)below(20000) - 10000
				     : (int64_t)below(512) - 256;
	uint32_t isn = marks[below(COUNT(marks))] | random_u32(&h.seed) >> 3;

	if (!f) {
		return;
	}
	f->key = &h.b->keys[below((uint32_t)h.b->acl.keys_count)];
	f->instant = h.b->now.instant + (uint64_t)skew;
	group_make(&f->g, f->key, ports[below(COUNT(ports))], f->instant, isn,
		   &h.seed);
	f->rule = rule_of(f->g.dport);
	f->g.src = source(from);
	/* Time stamps, which tell connections apart. */
	f->g.options[10] = (uint8_t)below(256);
	f->g.options[11] = (uint8_t)below(256);
	for (size_t i = 0; i < FRAME_MAX && !honest; i++) {
		f->g.window[i] = (uint16_t)below(4);
	}
	put_on_way(f, from, honest && f->rule != NULL);
}

/* As it was recorded, or changed a little. */
static void
send_again(void)
{
	struct attempt *f = free_attempt();
	size_t from;

	if (!f || h.old_count == 0) {
		return;
	}
	f->g = h.old[below(h.old_count < COUNT(h.old) ? (uint32_t)h.old_count
						      : COUNT(h.old))];
	f->key = NULL;
	f->rule = rule_of(f->g.dport);
	for (from = 0; from < SOURCES; from++) {
		const struct packet_addr addr = source(from);

		if (packet_addr_equal(&addr, &f->g.src)) {
			break;
		}
	}
	switch (below(6)) {
	case 0:
		f->g.seq[below((uint32_t)f->g.frames)] ^= 1u << below(32);
		break;
	case 1:
		f->g.dport = below(2) ? STRICT_PORT : LOOSE_PORT;
		break;
	case 2:
		from = below(SOURCES);
		f->g.src = source(from);
		break;
	case 3:
		/* Frames of two groups. */
		f->g.seq[below(4)] = h.old[0].seq[below(4)];
		break;
	default:
		break;
	}
	put_on_way(f, from, false);
}

static void
send_stranger(void)
{
	size_t from = HONEST + below(SOURCES - HONEST);
	const struct packet p = {
		.src = source(from),
		.dst = addr4(0xc6336401),
		.sport = (uint16_t)random_u32(&h.seed),
		.dport = below(2) ? STRICT_PORT : LOOSE_PORT,
		.seq = random_u32(&h.seed),
		.window = (uint16_t)below(4),
		.flags = PACKET_SYN,
	};
	static const uint8_t none[1];

	note_guess(from);
	give(&p, none, 0);
}

/* ---- what happens around it */

static void
pass_time(uint32_t ms)
{
	bench_wait(h.b, ms);
	for (size_t i = 0; i < SOURCES; i++) {
		if (h.b->now.ms - h.guessed_ms[i] > GUESS_WAIT) {
			h.has_guessed[i] = false;
		}
	}
}

static void
set_clock(void)
{
	int64_t seconds = below(10) ? (int64_t)below(50) - 25
				    : (int64_t)below(100000) - 50000;

	h.b->now.instant += (uint64_t)(seconds * 256);
	h.change++;
}

/* The process ends and another begins; its memory may be gone. */
static void
restart(bool lost)
{
	const struct hash_key hash = { random_u64(&h.seed), 1 };
	struct receiver_now begin = { .ms = h.begin_ms };
	struct bench *b = h.b;

	if (lost) {
		replay_format(b->store, b->limits.replays);
		begin.ms = h.begin_ms = b->now.ms;
		h.life++;
	}
	assert_int_equal(receiver_init(&b->receiver, b->memory, b->store,
				       &b->limits, &b->acl, &hash),
			 0);
	receiver_begin_unknown(&b->receiver, &begin);
	for (size_t id = 0; id < b->sent_count; id++) {
		b->sent[id].state = BENCH_DECIDED;
	}
	b->held = 0;
	memset(b->by_reason, 0, sizeof b->by_reason);
	h.log_count = 0;
	h.change++;
	totals.kept += !lost;
	totals.lost += lost;
}

static void
reload(void)
{
	receiver_set_acl(&h.b->receiver,
			 h.b->receiver.acl == &h.other ? &h.b->acl : &h.other);
	h.change++;
}

static void
happen(uint32_t what)
{
	switch (what) {
	case 0:
		set_clock();
		break;
	case 1:
		reload();
		break;
	default:
		restart(below(3) == 0);
	}
}

static void
begin_history(uint64_t seed)
{
	struct receiver_now begin;
	struct bench *b = bench_new();

	memset(&h, 0, sizeof h);
	h.seed = seed;
	h.b = b;
	if (below(4) == 0) {
		/* Too small for what comes. */
		b->limits.reassembly.groups = 1 + below(64);
		b->limits.reassembly.held = 1 + below(32);
	} else {
		b->limits.reassembly.groups = 4096;
		b->limits.reassembly.held = 4096;
	}
	b->limits.reassembly.frames =
		b->limits.reassembly.groups * (1 + below(8));
	b->limits.replays = REPLAY_CAPACITY_MIN + below(below(4) ? 8000 : 64);
	b->limits.flood_per_second = below(3) ? NO_FLOOD : below(100);
	bench_rule(b, STRICT_PORT, false);
	bench_rule(b, LOOSE_PORT, true)->tolerance = 5;
	bench_rule(b, CLOSED_PORT, false)->hide = ACL_CLOSED;
	bench_key(b, 10, MAC_HMAC_MD5, 0);
	bench_key(b, 11, MAC_HMAC_SHA256, 0)->not_before =
		b->now.instant + 10 * FRAME_SECOND;
	bench_key(b, 12, MAC_HMAC_SHA256, 1)->not_after =
		b->now.instant + 30 * FRAME_SECOND;
	bench_key(b, 13, MAC_HMAC_SHA256, 2);
	bench_key(b, 0x1fff, MAC_HMAC_SHA256, 3);
	bench_allow(b, STRICT_PORT, 0, 65535);
	bench_allow(b, LOOSE_PORT, 10, 13);
	bench_allow(b, CLOSED_PORT, 11, 65535);
	bench_start(b);
	/* Another list: of the same rules, with fewer entries. */
	h.other = b->acl;
	h.other.entries_count = 1;
	acl_index(&h.other);
	begin = b->now;
	h.begin_ms = begin.ms;
	receiver_begin_unknown(&b->receiver, &begin);
	pass_time(2000);
}

static void
step(void)
{
	uint32_t what = below(1000);
	struct attempt *f = &h.attempts[below(ATTEMPTS)];

	if (what < 20 && f->id != 0) {
		forge_frame(f);
	} else if (what < 800 && f->id != 0) {
		next_frame(f);
	} else if (what < 860) {
		send_new();
	} else if (what < 880) {
		send_again();
	} else if (what < 900) {
		send_stranger();
	} else if (what < 960) {
		pass_time(below(40));
	} else if (what < 985) {
		bench_expire(h.b);
	} else if (what < 991) {
		pass_time(below(3000));
	} else if (below(10) == 0) {
		happen(what % 3);
	}
}

static void
holds_to_the_protocol(void **state)
{
	const unsigned long steps = property_steps(3000000);
	uint64_t seed = property_seed();

	(void)state;
	totals = (struct totals){ 0 };
	while (totals.steps < steps) {
		begin_history(seed++);
		for (int i = 0; i < HISTORY && totals.steps < steps; i++) {
			step();
			totals.steps++;
		}
		bench_drain(h.b);
		bench_free(h.b);
	}
	print_message("%lu steps: %lu groups accepted, %lu of them had to be; "
		      "%lu restarts, %lu with the memory lost\n",
		      totals.steps, totals.accepted, totals.owed,
		      totals.kept + totals.lost, totals.lost);
	/* That it tests something; but for a few steps under valgrind. */
	assert_true(totals.accepted >= steps / 200 || steps < HISTORY);
	assert_true(totals.owed >= steps / 500 || steps < HISTORY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_to_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
