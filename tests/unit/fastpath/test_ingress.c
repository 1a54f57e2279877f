/*
 * The ingress program's program against the receiver: what it lets through and
 * hands over comes to the same as all packets.  By XDP; by tc; and by tc when
 * it accepts groups itself.
 */
#include "unit/ingress_support.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fastpath/bpf.h"
#include "server/worker_fastpath.h"
#include "fastpath/ingress_groups.h"
#include "fastpath/ingress_status.h"
#include "fastpath/ingress_tables.h"

/* Of each random test, a thousand; each has some forty steps. */
#define EPISODE 40u
#define EPISODES_USUAL 1000u

static unsigned episodes_max;

static void
each_suite_is_verified(void **state)
{
	(void)state;
	bed_need();
	for (int flood = 0; flood < 2; flood++) {
		for (size_t key = 0; key < KEYS - 1; key++) {
			size_t before = bed.by_ingress->accepted;
			uint64_t verified = bed_counted(INGRESS_VERIFIED);
			struct group g = bed_group(key);
			size_t order[FRAME_MAX];

			bed_set_flood(flood);
			group_order(&g, order);
			for (size_t i = 0; i + 1 < g.frames; i++) {
				assert_int_equal(bed_give_role(&g, order[i]),
						 XDP_DROP);
			}
			assert_int_equal(bed_give_role(&g, FRAME_SYN0),
					 XDP_PASS);
			assert_int_equal(bed.accepted,
					 bed.accepts && key >= KEY_60);
			assert_int_equal(bed.by_ingress->accepted, before + 1);
			assert_true(group_is_accepted(bed.by_ingress, &g));
			assert_int_equal(bed_counted(INGRESS_VERIFIED),
					 verified + 1);
			bed_settle();
		}
	}
	assert_int_equal(bed.all->accepted, bed.by_ingress->accepted);
}

/* Refusals of complete groups, by a receiver at the end. */
static void
assert_told_alike(const uint64_t before[2][VERIFY_REASONS])
{
	for (unsigned reason = 0; reason < VERIFY_ACCEPTED; reason++) {
		assert_int_equal(bed.all->by_reason[reason] - before[0][reason],
				 bed.by_ingress->by_reason[reason] -
					 before[1][reason]);
	}
}

/* One bit wrong, wherever: dropped, and the receiver finds out why. */
static void
each_wrong_bit_is_seen(void **state)
{
	(void)state;
	bed_need();
	for (size_t key = 0; key < KEYS - 1; key++) {
		const struct group right = bed_group(key);
		const size_t before = bed.by_ingress->accepted;

		for (unsigned bit = 0; bit < right.frames * 64; bit++) {
			struct group g = right;
			uint64_t reasons[2][VERIFY_REASONS];
			size_t order[FRAME_MAX];

			bed_set_flood(bit % 2);
			memcpy(reasons[0], bed.all->by_reason,
			       sizeof reasons[0]);
			memcpy(reasons[1], bed.by_ingress->by_reason,
			       sizeof reasons[1]);
			g.seq[bit / 64] ^= 1u << bit / 2 % 32;
			g.src = addr4(random_u32(&bed.seed));
			g.window[0] = (uint16_t)bit;
			for (size_t i = 0; i < g.frames; i++) {
				g.window[i] = g.window[0];
			}
			group_order(&g, order);
			for (size_t i = 0; i < g.frames; i++) {
				const int verdict = bed_give_role(&g, order[i]);

				/* The receiver counts guesses at a short one.
				 */
				if (bit % 2 || key >= KEY_60) {
					assert_int_equal(verdict, XDP_DROP);
				}
			}
			assert_int_equal(bed.all->accepted,
					 bed.by_ingress->accepted);
			bench_drain(bed.all);
			bench_drain(bed.by_ingress);
			bed_set_clock();
			if (bit % 2 == 0) {
				assert_told_alike(reasons);
			}
		}
		assert_int_equal(bed.by_ingress->accepted, before);
		bed_settle();
	}
}

/* A group of a short key, from the address that guesses; in order. */
static void
give_from_guesser(size_t key, uint32_t wrong)
{
	struct group g = bed_group(key);
	size_t order[FRAME_MAX];

	g.src = addr4(0x0a0b0c0d);
	g.seq[FRAME_SYN3] ^= wrong;
	group_order(&g, order);
	for (size_t i = 0; i < g.frames; i++) {
		bed_give_role(&g, order[i]);
	}
}

/* Those that nobody takes: where they fill half of the room, none is made. */
static void
drain_charges(void)
{
	while (ingress_charge(&bed.worker.ingress)) {
		ingress_charge_done(&bed.worker.ingress);
	}
}

/* The receiver knows of wrong guesses that it never saw. */
static void
guesses_under_flood_count(void **state)
{
	const size_t before = bed.by_ingress->accepted;

	(void)state;
	bed_need();
	drain_charges();
	bed_set_flood(true);
	for (unsigned i = 0; i < GUESS_BURST; i++) {
		give_from_guesser(i % KEY_60, 1);
	}
	bed_set_flood(false);
	assert_non_null(ingress_charge(&bed.worker.ingress));
	worker_fastpath_charge(&bed.worker, &bed.by_ingress->now);
	assert_null(ingress_charge(&bed.worker.ingress));
	for (size_t key = 0; key < KEY_60; key++) {
		give_from_guesser(key, 0);
		assert_int_equal(bed.by_ingress->accepted, before);
	}
	assert_int_equal(bed.all->accepted, before);
	bed_settle();
}

static void
what_is_not_for_it_passes(void **state)
{
	struct packet p;
	struct group g;

	(void)state;
	bed_need();
	bed_set_flood(true);
	g = bed_group(2);
	p = group_packet(&g, FRAME_SYN0);
	assert_int_equal(bed_run(&p), XDP_DROP);
	p.dport = PORT_OPEN;
	assert_int_equal(bed_run(&p), XDP_PASS);
	p.dport = PORT_LOOSE;
	assert_int_equal(bed_run(&p), XDP_PASS);
	p.dport = PORT_NET;
	p.src = addr4(0x0b000001);
	assert_int_equal(bed_run(&p), XDP_PASS);
	p.src = addr4(0x0a000001);
	assert_int_equal(bed_run(&p), XDP_DROP);
	p.src = addr6(7, 7);
	p.dst = addr6(1, 1);
	assert_int_equal(bed_run(&p), XDP_PASS);
	p.dport = PORT;
	assert_int_equal(bed_run(&p), XDP_DROP);
	p.dst = addr6(1, 2); /* somebody else's */
	assert_int_equal(bed_run(&p), XDP_PASS);
	p.dst = addr6(1, 1);
	assert_int_equal(bed_run(&p), XDP_DROP);
	bed_set_local(&p.dst, false);
	assert_int_equal(bed_run(&p), XDP_PASS);
	bed_set_local(&p.dst, true);
	assert_int_equal(bed_run(&p), XDP_DROP);
	p = group_packet(&g, FRAME_SYN0);
	for (unsigned flags = 0; flags < 256; flags++) {
		p.flags = (uint8_t)flags;
		assert_int_equal(bed_run(&p),
				 packet_is_syn(&p) ? XDP_DROP : XDP_PASS);
	}
	bed_settle();
}

/* As the program has it: of this mark it heard so many ticks ago. */
static void
set_heard(const struct group *g, int64_t ticks)
{
	static struct ingress_marks marks;
	const uint32_t zero = 0;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	marks.heard[g->window[0] % INGRESS_MARKS] =
		(uint32_t)(((int64_t)now.tv_sec * 1000000000 + now.tv_nsec) /
				   (1 << 20) -
			   ticks);
	assert_int_equal(bpf_map_put(bed.worker.ingress.map[INGRESS_MAP_MARKS],
				     &zero, &marks, BPF_ANY),
			 0);
}

/* Give a group in order, its mark set to that between; whether it got in. */
static bool
is_found(bool flood, int64_t ticks)
{
	const size_t before = bed.by_ingress->accepted;
	struct group g = bed_group(KEY_60);
	size_t order[FRAME_MAX];

	bed_set_flood(flood);
	group_order(&g, order);
	for (size_t i = 0; i < g.frames; i++) {
		bed_give_role(&g, order[i]);
		set_heard(&g, ticks);
	}
	bed_settle();
	return bed.by_ingress->accepted > before;
}

/* Under flood a group is looked for only where its mark was heard of. */
static void
groups_are_found_by_their_marks(void **state)
{
	const uint64_t second = 1000000000;
	const uint64_t hour = 3600 * second;
	const uint64_t always =
		bed.cannot ? 0 : bed.worker.ingress.config->assembly;

	(void)state;
	bed_need();
	bed.worker.ingress.config->assembly = hour;
	assert_true(is_found(true, 0));
	assert_true(is_found(true, (int64_t)(hour / 2 >> 20)));
	/* Another processor was a little ahead. */
	assert_true(is_found(true, -1));
	assert_false(is_found(true, (int64_t)((hour + second) >> 20)));
	assert_true(is_found(false, (int64_t)((hour + second) >> 20)));
	bed.worker.ingress.config->assembly = always;
	bed_forget();
}

/* What is left of a group of an hour ago is no obstacle to one like it. */
static void
a_mark_comes_again(void **state)
{
	const uint64_t hour = 3600ull * 1000000000;
	const int map =
		bed.cannot ? -1 : bed.worker.ingress.map[INGRESS_MAP_GROUPS];
	const struct ingress_group_key none = {
		0
	}; /* the first comes after it */
	struct ingress_group_key group_key;
	struct ingress_group left;

	(void)state;
	bed_need();
	for (int flood = 0; flood < 2; flood++) {
		const size_t before = bed.by_ingress->accepted;
		struct group g = bed_group(KEY_60);
		size_t order[FRAME_MAX];

		bed_set_flood(flood);
		group_order(&g, order);
		bed_give_role(&g, order[0]);
		assert_int_equal(bpf_map_next(map, &none, &group_key), 0);
		assert_int_equal(bpf_map_get(map, &group_key, &left), 0);
		left.since -= hour;
		left.slow = 1;
		assert_int_equal(bpf_map_put(map, &group_key, &left, BPF_ANY),
				 0);
		set_heard(&g, (int64_t)(hour >> 20));
		bed.worker.ingress.config->assembly = hour / 2;
		for (size_t i = 0; i < g.frames; i++) {
			bed_give_role(&g, order[i]);
		}
		assert_int_equal(bed.by_ingress->accepted, before + 1);
		bed.worker.ingress.config->assembly = BED_ASSEMBLY;
		bed_settle();
	}
	bed_forget();
}

/*
 * Of a group whose first frame came before the program was there, all others
 * are left to the receiver, which has that one.
 */
static void
what_began_before_is_the_receivers(void **state)
{
	struct ingress_config *config = bed.worker.ingress.config;

	(void)state;
	bed_need();
	for (int flood = 0; flood < 2; flood++) {
		const size_t before = bed.by_ingress->accepted;
		struct group g = bed_group(KEY_60);
		struct packet p;
		size_t order[FRAME_MAX];

		bed_set_flood(flood);
		group_order(&g, order);
		p = group_packet(&g, order[0]);
		bench_packet(bed.all, &p, NULL, NULL);
		bench_packet(bed.by_ingress, &p, NULL, NULL);
		config->settled = UINT64_MAX;
		for (size_t i = 1; i < g.frames; i++) {
			assert_int_equal(bed_give_role(&g, order[i]), XDP_PASS);
			/* Once it has begun so, it goes on so. */
			config->settled = 0;
		}
		assert_int_equal(bed.by_ingress->accepted, before + 1);
		g = bed_group(KEY_60);
		assert_int_equal(bed_give_role(&g, order[0]), XDP_DROP);
		bed_settle();
	}
	bed_set_flood(false);
	bed_forget();
}

/*
 * Where tc is behind it, XDP leaves it the last frame, right or wrong; but for
 * as long only as it comes there.
 */
static void
the_last_frame_is_relayed(void **state)
{
	const uint64_t mac = bed.cannot ? 0 : bed_counted(INGRESS_MAC);
	struct ingress_config *config = bed.worker.ingress.config;
	struct packet p;
	struct group g;
	size_t order[FRAME_MAX];

	(void)state;
	bed_need();
	bed_set_flood(true);
	g = bed_group(KEY_60);
	g.seq[FRAME_SYN3] ^= 1;
	group_order(&g, order);
	config->relay = 1;
	config->credit = 2;
	for (size_t i = 0; i + 1 < g.frames; i++) {
		p = group_packet(&g, order[i]);
		assert_int_equal(bed_run(&p), XDP_DROP);
	}
	p = group_packet(&g, FRAME_SYN0);
	if (bed.way == INGRESS_XDP) {
		assert_int_equal(bed_run(&p), XDP_PASS);
		assert_int_equal(bed_run(&p), XDP_PASS);
		assert_int_equal(bed_counted(INGRESS_MAC), mac);
	}
	assert_int_equal(bed_run(&p), XDP_DROP);
	assert_int_equal(bed_counted(INGRESS_MAC), mac + 1);
	assert_int_equal(config->credit, bed.way == INGRESS_XDP ? 0 : 3);
	config->relay = 0;
	bed_settle();
}

static void
take_group(void *context, const struct ingress_record *r)
{
	struct packet syns[FRAME_MAX];
	const size_t count = worker_fastpath_syns(r, syns);
	size_t *groups = context;

	++*groups;
	for (size_t i = 0; i < count; i++) {
		bench_witness(bed.by_ingress, &syns[i]);
	}
}

/* A group of which the program gets the first frames, and the receiver the
 * rest. */
static size_t
change_hands(size_t first)
{
	struct group g = bed_group(KEY_60);
	size_t order[FRAME_MAX];
	size_t groups = 0;

	group_order(&g, order);
	for (size_t i = 0; i < first; i++) {
		assert_int_equal(bed_give_role(&g, order[i]), XDP_DROP);
	}
	ingress_detach(&bed.worker.ingress);
	assert_int_equal(bpf_wait(), 0);
	ingress_groups_empty(&bed.worker.ingress, take_group, &groups);
	for (size_t i = first; i < g.frames; i++) {
		const struct packet p = group_packet(&g, order[i]);

		bench_packet(bed.all, &p, NULL, NULL);
		bench_packet(bed.by_ingress, &p, NULL, NULL);
	}
	bed_change();
	return groups;
}

/* In the middle of a group the program goes: it is accepted all the same. */
static void
a_group_outlives_the_program(void **state)
{
	(void)state;
	bed_need();
	bed_set_flood(false);
	for (size_t first = 1; first < 5; first++) {
		const size_t before = bed.by_ingress->accepted;

		/* Of its first frame the receiver was told already. */
		assert_int_equal(change_hands(first), first > 1);
		assert_int_equal(bed.by_ingress->accepted, before + 1);
		bed_settle();
	}
	bed_forget();
}

/* Under flood they are left, and so are those whose time is over. */
static void
not_all_groups_are_worth_it(void **state)
{
	struct ingress *s = &bed.worker.ingress;
	struct group g;
	size_t order[FRAME_MAX];
	size_t groups = 0;

	(void)state;
	bed_need();
	bed_set_flood(false);
	g = bed_group(KEY_60);
	group_order(&g, order);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(bed_give_role(&g, order[i]), XDP_DROP);
	}
	s->flood = true;
	ingress_groups_empty(s, take_group, &groups);
	assert_int_equal(groups, 0);
	s->flood = false;
	s->assembly = 0;
	ingress_groups_empty(s, take_group, &groups);
	assert_int_equal(groups, 0);
	/* They are gone. */
	s->assembly = BED_ASSEMBLY;
	ingress_groups_empty(s, take_group, &groups);
	assert_int_equal(groups, 0);
	bed_settle();
}

/* Whatever the frame is: no crash, and what packet.c can't read passes. */
static void
odd_frames_pass(void **state)
{
	(void)state;
	bed_need();
	bed_set_flood(true);
	for (unsigned n = 0; n < episodes_max; n++) {
		struct group g = bed_group(2);
		struct packet p = group_packet(&g, FRAME_SYN0);
		struct packet read;
		uint8_t frame[128];
		size_t len;
		int error, verdict;

		p.data_len = random_below(&bed.seed, 4) ? 0 : 4;
		if (random_below(&bed.seed, 2)) {
			p.src = addr6(3, 3);
			p.dst = addr6(1, 1);
		}
		len = bed_frame(frame, &p, 4 * random_below(&bed.seed, 4));
		for (unsigned i = random_below(&bed.seed, 4); i > 0; i--) {
			frame[12 + random_below(&bed.seed, 60)] =
				(uint8_t)random_u32(&bed.seed);
		}
		/* The kernel wants a header of Ethernet and of IP. */
		len -= random_below(&bed.seed, 3) ? 0
						  : random_below(&bed.seed, 20);
		verdict = bed_run_frame(frame, len);
		error = packet_parse(&read, frame + 14, len - 14, len - 14);
		/* Options are not looked at. */
		if (verdict == XDP_DROP) {
			assert_true(error == PACKET_OK ||
				    error == PACKET_OPTION);
			assert_true(packet_is_syn(&read));
			assert_int_equal(read.dport, PORT);
		}
	}
	bed_settle();
}

/* A suite that the program does not name is the receiver's, also in a flood. */
static void
another_suite_is_left_to_the_receiver(void **state)
{
	const int map =
		bed.cannot ? -1 : bed.worker.ingress.map[INGRESS_MAP_KEYS];
	const uint32_t number = bed.cannot ? 0 : bed.all->keys[KEY_60].no;
	struct acl_key other;
	struct ingress_key key, before;

	(void)state;
	bed_need();
	other = bed.all->keys[KEY_60];
	other.mac.suite = MAC_SUITES;
	ingress_tables_key(&key, &other);
	assert_int_equal(key.suite, SUITE_KERNEL_NONE);
	assert_int_equal(key.extra, other.mac.extra);
	assert_int_equal(bpf_map_get(map, &number, &before), 0);
	assert_int_equal(bpf_map_put(map, &number, &key, BPF_ANY), 0);
	for (int flood = 0; flood < 2; flood++) {
		const uint64_t verified = bed_counted(INGRESS_VERIFIED);
		const size_t accepted = bed.by_ingress->accepted;
		struct group g = bed_group(KEY_60);
		size_t order[FRAME_MAX];

		/* One way only by which it can be whole. */
		g.seq[FRAME_SYN0] = 0x12345678 + (uint32_t)flood;
		mac_sign(&bed.all->keys[KEY_60].mac, PORT, g.seq, NULL);
		bed_set_flood(flood);
		group_order(&g, order);
		for (size_t i = 0; i < g.frames; i++) {
			assert_int_equal(bed_give_role(&g, order[i]),
					 i + 1 < g.frames ? XDP_DROP
							  : XDP_PASS);
			assert_false(bed.accepted);
		}
		assert_int_equal(bed.by_ingress->accepted, accepted + 1);
		assert_int_equal(bed_counted(INGRESS_VERIFIED), verified);
		bed_settle();
	}
	assert_int_equal(bpf_map_put(map, &number, &before, BPF_ANY), 0);
	bed_forget();
}

/*
 * A SYN1 comes to the same whether or not there is such a key, and it may use
 * the port, and has that length: the rest of the group decides.
 */
static void
a_syn1_tells_nothing_of_its_key(void **state)
{
	static const uint16_t numbers[] = { 10, 12, 14, 200, 201, 65535 };

	(void)state;
	bed_need();
	for (unsigned n = 0; n < 8 * COUNT(numbers); n++) {
		const uint64_t taken = bed_counted(INGRESS_TAKEN);
		const struct frame_head head = {
			.flags = n / 2 % 4,
			.key_no = numbers[n / 8],
			.instant = bed.all->now.instant,
		};
		static const size_t order[] = { FRAME_SYN1, FRAME_SYN2,
						FRAME_SYN3 };
		struct group g = bed_group(KEY_60);

		bed_set_flood(n % 2);
		g.seq[FRAME_SYN1] = frame_syn1(&head);
		for (size_t i = 0; i < COUNT(order); i++) {
			const struct packet p = group_packet(&g, order[i]);

			assert_int_equal(bed_run(&p), XDP_DROP);
		}
		assert_int_equal(bed_counted(INGRESS_TAKEN), taken + 3);
		bed_hand_over();
		bed_settle();
	}
	bed_set_flood(false);
}

/*
 * Whatever number a stranger sends, in one window or in many, the receiver is
 * told of it, and gets no packet.
 */
static void
strangers_take_no_queue(void **state)
{
	uint64_t passed, syns;

	(void)state;
	bed_need();
	bed_set_flood(false);
	passed = bed_counted(INGRESS_PASSED);
	syns = bed.by_ingress->receiver.counters.syns;
	for (unsigned n = 0; n < 2000; n++) {
		struct group g = bed_group(KEY_60 + n % 3);
		struct packet p;

		g.src = addr4(0x0b000000 + n / 500);
		p = bed_forge(&g, random_below(&bed.seed, FRAME_MAX));
		p.window = n % 2 ? 7 : (uint16_t)random_u32(&bed.seed);
		p.data_len = n % 16 == 0;
		assert_int_equal(bed_run(&p), XDP_DROP);
		/* And go on to where the rules drop others', too. */
		assert_true(bed.way == INGRESS_XDP || bed.mark & BED_STRANGERS);
		bed_hand_over();
	}
	assert_int_equal(bed_counted(INGRESS_PASSED), passed);
	assert_true(bed.by_ingress->receiver.counters.syns > syns + 1000);
	bed_settle();
}

/* What comes to other ports passes, and nothing comes of it. */
static void
other_ports_are_left_alone(void **state)
{
	const uint16_t ports[] = { PORT_OPEN, PORT_NET };
	uint64_t before[INGRESS_COUNTS], after[INGRESS_COUNTS];

	(void)state;
	bed_need();
	ingress_counts(&bed.worker.ingress, before);
	for (unsigned n = 0; n < 4 * COUNT(ports); n++) {
		struct group g = bed_group(KEY_60);
		size_t order[FRAME_MAX], groups = 0;

		bed_set_flood(n % 2);
		bed_set_clock();
		g.dport = ports[n / 4];
		g.src = addr4(0x0b000001);
		mac_sign(&bed.all->keys[KEY_60].mac, g.dport, g.seq, NULL);
		g.seq[FRAME_SYN3] ^= n / 2 % 2;
		group_order(&g, order);
		for (size_t i = 0; i < g.frames; i++) {
			const struct packet p = group_packet(&g, order[i]);

			assert_int_equal(bed_run(&p), XDP_PASS);
			assert_true(bed.way == INGRESS_XDP ||
				    bed.mark == (BED_MARK | 5));
		}
		assert_null(ingress_record(&bed.worker.ingress));
		assert_null(ingress_charge(&bed.worker.ingress));
		ingress_groups_empty(&bed.worker.ingress, take_group, &groups);
		assert_int_equal(groups, 0);
	}
	ingress_counts(&bed.worker.ingress, after);
	assert_memory_equal(before, after, sizeof after);
	bed_settle();
}

/* A wrong group there, and its last frame again and again. */
static void
other_ports_fill_no_ring(void **state)
{
	struct group wrong, right;
	size_t order[FRAME_MAX];
	uint64_t lost, verified;
	struct packet p;

	(void)state;
	bed_need();
	bed_set_flood(false);
	bed_set_clock();
	wrong = bed_group(KEY_60);
	wrong.dport = PORT_OPEN;
	wrong.src = addr4(0x0b000002);
	group_order(&wrong, order);
	for (size_t i = 0; i < wrong.frames; i++) {
		p = group_packet(&wrong, order[i]);
		assert_int_equal(bed_run(&p), XDP_PASS);
	}
	p = group_packet(&wrong, FRAME_SYN0);
	for (unsigned n = 0; n < 2 * INGRESS_RECORDS_MAX; n++) {
		p.seq = random_u32(&bed.seed);
		assert_int_equal(bed_run(&p), XDP_PASS);
	}
	lost = bed_counted(INGRESS_LOST);
	verified = bed_counted(INGRESS_VERIFIED);
	right = bed_group(KEY_60);
	group_order(&right, order);
	for (size_t i = 0; i < right.frames; i++) {
		p = group_packet(&right, order[i]);
		bed_run(&p);
	}
	assert_int_equal(bed_counted(INGRESS_VERIFIED), verified + 1);
	assert_int_equal(bed_counted(INGRESS_LOST), lost);
	bed_hand_over();
	bed_settle();
}

/* ---- frames of others in a group, from its own address */

#define TRIES 40 /* of each kind */

static struct group
group_by(size_t key, bool ip6)
{
	struct group g = bed_group(key);

	if (ip6) {
		g.src = addr6(7, random_u64(&bed.seed));
		g.dst = addr6(1, 1);
	}
	return g;
}

/* All of a group in order, among so many forged frames of each role. */
static void
give_among(const struct group *g, unsigned forged)
{
	unsigned left[FRAME_MAX] = { 0 };
	uint32_t others = 0;
	size_t order[FRAME_MAX];
	size_t next = 0;

	for (size_t role = FRAME_SYN1; role <= g->frames && role < FRAME_MAX;
	     role++) {
		left[role] = forged;
		others += forged;
	}
	group_order(g, order);
	while (next < g->frames) {
		uint32_t one = random_below(
			&bed.seed, others + (uint32_t)(g->frames - next));
		uint32_t role = 0;
		struct packet p;

		if (one >= others) {
			bed_give_role(g, order[next++]);
			continue;
		}
		for (; one >= left[role]; role++) {
			one -= left[role];
		}
		left[role]--;
		others--;
		p = bed_forge(g, role);
		bed_give(&p);
	}
}

/* Wrong guesses are forgotten, and groups. */
static void
pass_guesses(void)
{
	drain_charges();
	bed.all->now.ms += GUESS_BURST * GUESS_REFILL_MS;
	bed.by_ingress->now.ms = bed.all->now.ms;
	bed_settle();
	bed_forget();
}

/* By the kernel, or by the receiver to which it leaves them: all get in. */
static void
forged_frames_spoil_no_group(void **state)
{
	(void)state;
	bed_need();
	for (unsigned n = 0; n < 2 * 2 * TRIES; n++) {
		const unsigned forged = 1 + n / 2 % 2;

		bed_set_flood(n % 2);
		for (size_t key = forged > 1 ? KEY_60 : 0; key < KEYS - 1;
		     key++) {
			const size_t before = bed.by_ingress->accepted;
			const size_t before_all = bed.all->accepted;
			struct group g = group_by(key, n / 4 % 2);

			give_among(&g, forged);
			assert_int_equal(bed.by_ingress->accepted, before + 1);
			assert_true(group_is_accepted(bed.by_ingress, &g));
			assert_int_equal(bed.all->accepted, before_all + 1);
			pass_guesses();
		}
	}
	bed_set_flood(false);
}

/*
 * Frames of the client's address in every group that it could have, 1.1 of
 * them in each; then groups of its own.
 */
static void
sweep(const struct group *g, unsigned roles)
{
	for (uint32_t n = 0; n < 72000; n++) {
		uint32_t role = random_below(&bed.seed, FRAME_MAX);
		struct packet p;

		while (!(roles >> role & 1)) {
			role = (role + 1) % FRAME_MAX;
		}
		p = bed_forge(g, role);
		p.window = (uint16_t)n;
		assert_int_equal(bed_run(&p), XDP_DROP);
	}
}

static void
a_sweep_keeps_nobody_out(void **state)
{
	static const unsigned kinds[] = { 1u << FRAME_SYN2, 0x7f };

	(void)state;
	bed_need();
	bed_set_flood(true);
	for (size_t kind = 0; kind < COUNT(kinds); kind++) {
		const struct group by = group_by(KEY_60 + kind, kind == 1);

		bed_set_clock();
		sweep(&by, kinds[kind]);
		for (unsigned n = 0; n < 20; n++) {
			const size_t key = KEY_60 + n % (KEYS - 1 - KEY_60);
			const size_t before = bed.by_ingress->accepted;
			struct group g = group_by(key, kind == 1);
			size_t order[FRAME_MAX];

			g.src = by.src;
			group_order(&g, order);
			for (size_t i = 0; i < g.frames; i++) {
				bed_give_role(&g, order[i]);
			}
			assert_int_equal(bed.by_ingress->accepted, before + 1);
		}
		pass_guesses();
	}
	bed_set_flood(false);
}

/* ---- at random */

/* Groups, some of them broken, mixed frame by frame. */
#define MIXED 4

struct mixed {
	struct group group;
	size_t order[FRAME_MAX];
	size_t next;
	/* Others of its mark may lend it a SYN1 or SYN2, alike if made at once.
	 */
	bool sound;
};

enum {
	IN_ORDER = 1,
	SAME_MARK = 2, /* some have one mark and one source */
	FLOOD = 4,
};

/* Under an ISN of the test's choice. */
static void
set_isn(struct group *g, uint32_t isn)
{
	const struct acl_key *key =
		acl_key_by_no(&bed.all->acl, frame_key_no(g->seq[FRAME_SYN1]));

	g->seq[FRAME_SYN0] = isn;
	mac_sign(&key->mac, g->dport, g->seq, NULL);
}

static void
make_mixed(struct mixed *m, unsigned how)
{
	size_t role;

	m->group = bed_group(random_below(&bed.seed, KEYS));
	m->next = 0;
	m->sound = true;
	group_order(&m->group, m->order);
	if (!(how & IN_ORDER) && random_below(&bed.seed, 2)) {
		order_shuffle(m->order, m->group.frames, &bed.seed);
	}
	role = random_below(&bed.seed, (uint32_t)m->group.frames);
	switch (random_below(&bed.seed, 12)) {
	case 0:
	case 1:
		m->group.seq[role] ^= 1u << random_below(&bed.seed, 32);
		m->sound = role == FRAME_SYN1 || role == FRAME_SYN2;
		break;
	case 2: /* the last is lost */
		m->group.frames--;
		break;
	case 3: /* old, but not by much */
		m->group.seq[FRAME_SYN2] -= 20 + random_below(&bed.seed, 30);
		set_isn(&m->group, m->group.seq[FRAME_SYN0]);
		break;
	default:
		break;
	}
}

/* All frames of some groups, mixed. */
static void
send_mixed(struct mixed *m, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		left += m[i].group.frames;
	}
	while (left > 0) {
		struct mixed *one =
			&m[random_below(&bed.seed, (uint32_t)count)];
		size_t role;

		if (one->next == one->group.frames) {
			continue;
		}
		role = one->order[one->next++];
		left--;
		bed_give_role(&one->group, role);
		/* The network makes copies. */
		if (random_below(&bed.seed, 16) == 0) {
			bed_give_role(&one->group, role);
		}
	}
}

static void
episode(unsigned how)
{
	const size_t before = bed.by_ingress->accepted;
	const size_t before_all = bed.all->accepted;
	size_t sound = 0;
	struct mixed m[MIXED];

	for (size_t i = 0; i < MIXED; i++) {
		make_mixed(&m[i], how);
		sound += m[i].sound;
	}
	if (how & SAME_MARK) {
		m[1].group.src = m[0].group.src;
		memcpy(m[1].group.window, m[0].group.window,
		       sizeof m[1].group.window);
	}
	send_mixed(m, MIXED);
	assert_true(bed.by_ingress->accepted - before <= sound);
	if (!(how & (SAME_MARK | FLOOD))) {
		assert_int_equal(bed.by_ingress->accepted - before,
				 bed.all->accepted - before_all);
	}
}

static void
episodes(unsigned how)
{
	const uint64_t lost = bed_counted(INGRESS_LOST);
	const size_t before = bed.by_ingress->accepted;

	bed_set_flood(how & FLOOD);
	bed.entangled = how & SAME_MARK;
	for (unsigned n = 0; n < episodes_max; n++) {
		episode(how);
		/* Before the small tables of the benches are full. */
		if (n % 8 == 0) {
			bed_settle();
			drain_charges();
		}
		if (n % 64 == 0) {
			bed_forget();
		}
	}
	bed_settle();
	bed_forget();
	bed.entangled = false;
	assert_int_equal(bed_counted(INGRESS_LOST), lost);
	/* Not in vain: under flood many a reordered one is lost. */
	assert_true(bed.by_ingress->accepted - before > episodes_max / 4);
}

static void
groups_in_order_are_judged_alike(void **state)
{
	(void)state;
	bed_need();
	episodes(IN_ORDER);
}

/* Also under flood: it insists on an order, and this is it. */
static void
groups_in_order_pass_a_flood(void **state)
{
	const size_t before = bed.by_ingress->accepted;
	const size_t before_all = bed.all->accepted;

	(void)state;
	bed_need();
	episodes(IN_ORDER | FLOOD);
	assert_int_equal(bed.by_ingress->accepted - before,
			 bed.all->accepted - before_all);
}

/* Without a flood nothing is lost that came in another order. */
static void
groups_in_any_order_are_judged_alike(void **state)
{
	(void)state;
	bed_need();
	episodes(0);
}

static void
nothing_false_is_accepted(void **state)
{
	(void)state;
	bed_need();
	episodes(SAME_MARK);
	episodes(SAME_MARK | FLOOD);
	episodes(SAME_MARK | IN_ORDER | FLOOD);
}

int
main(void)
{
	static const struct {
		const char *name;
		enum ingress_way way;
		bool accepts;
	} ways[] = {
		{ "XDP", INGRESS_XDP, false },
		{ "tc", INGRESS_TC, false },
		{ "tc, accepting", INGRESS_TC, true },
	};
	int failed = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_suite_is_verified),
		cmocka_unit_test(each_wrong_bit_is_seen),
		cmocka_unit_test(guesses_under_flood_count),
		cmocka_unit_test(what_is_not_for_it_passes),
		cmocka_unit_test(groups_are_found_by_their_marks),
		cmocka_unit_test(a_mark_comes_again),
		cmocka_unit_test(what_began_before_is_the_receivers),
		cmocka_unit_test(the_last_frame_is_relayed),
		cmocka_unit_test(a_group_outlives_the_program),
		cmocka_unit_test(not_all_groups_are_worth_it),
		cmocka_unit_test(odd_frames_pass),
		cmocka_unit_test(another_suite_is_left_to_the_receiver),
		cmocka_unit_test(a_syn1_tells_nothing_of_its_key),
		cmocka_unit_test(strangers_take_no_queue),
		cmocka_unit_test(other_ports_are_left_alone),
		cmocka_unit_test(other_ports_fill_no_ring),
		cmocka_unit_test(forged_frames_spoil_no_group),
		cmocka_unit_test(a_sweep_keeps_nobody_out),
		cmocka_unit_test(groups_in_order_are_judged_alike),
		cmocka_unit_test(groups_in_order_pass_a_flood),
		cmocka_unit_test(groups_in_any_order_are_judged_alike),
		cmocka_unit_test(nothing_false_is_accepted),
	};

	episodes_max =
		(unsigned)property_steps(EPISODES_USUAL * EPISODE) / EPISODE;
	for (size_t i = 0; i < COUNT(ways); i++) {
		bed.way = ways[i].way;
		bed.accepts = ways[i].accepts;
		failed += cmocka_run_group_tests_name(ways[i].name, tests,
						      bed_setup, bed_teardown);
	}
	return failed;
}
