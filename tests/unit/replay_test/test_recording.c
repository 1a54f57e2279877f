/* Groups in what was overheard; and SYNs that are sent once more. */
#include "unit/support.h"

#include <string.h>

#include "base/bytes.h"
#include "replay_test/forge.h"
#include "measure/probe.h"
#include "replay_test/recording.h"

#define PORT 22
#define SECOND UINT64_C(1000000000)

static struct recording recording;
static struct packet_addr service;

static void
begin(void)
{
	service = addr4(2);
	recording_init(&recording, &service, 1, PORT);
}

/* A frame on the wire, from addr4(1) or of a group's own IP version. */
static void
overhear(const struct packet *p, uint64_t ns)
{
	const struct answer_flow flow = { p->src, p->dst, p->sport, p->dport };
	uint8_t bytes[PROBE_MAX];
	size_t len = probe_build(bytes, PROBE_SYN, &flow, 0);
	struct packet parsed;

	assert_int_equal(packet_parse(&parsed, bytes, len, len), PACKET_OK);
	bytes[parsed.tcp_at + 13] = p->flags;
	be32_store(bytes + parsed.tcp_at + 8, p->ack);
	packet_rewrite(bytes, &parsed, p->sport, p->seq, p->window);
	recording_packet(&recording, bytes, len, len, ns);
}

/*
 * The same by way of another host: loose source routing (RFC 791), or a
 * routing header that is done with and destination options (RFC 8200).
 */
static void
overhear_routed(const struct packet *p)
{
	static const uint8_t route4[8] = { 0x83, 7, 4, 10, 0, 0, 99, 0 };
	static const uint8_t route6[16] = { 60, 0, 4, 0, 0, 0, 0, 0,
					    6,  0, 1, 4, 0, 0, 0, 0 };
	const bool v4 = p->src.family == 4;
	const size_t at = v4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER;
	const size_t more = v4 ? sizeof route4 : sizeof route6;
	const struct answer_flow flow = { p->src, p->dst, p->sport, p->dport };
	uint8_t bytes[PROBE_MAX + sizeof route6];
	size_t len = probe_build(bytes, PROBE_SYN, &flow, 0);
	struct packet parsed;

	memmove(bytes + at + more, bytes + at, len - at);
	memcpy(bytes + at, v4 ? route4 : route6, more);
	len += more;
	if (v4) {
		bytes[0] = 0x47;
		be16_store(bytes + 2, (uint16_t)len);
	} else {
		bytes[6] = 43;
		be16_store(bytes + 4, (uint16_t)(len - at));
	}
	assert_int_equal(packet_parse(&parsed, bytes, len, len), PACKET_OK);
	assert_false(packet_is_plain(&parsed));
	packet_rewrite(bytes, &parsed, p->sport, p->seq, p->window);
	recording_packet(&recording, bytes, len, len, SECOND);
}

static struct packet
frame(uint32_t seq, uint16_t sport, uint16_t window)
{
	return (struct packet){
		.src = addr4(1),
		.dst = service,
		.sport = sport,
		.dport = PORT,
		.seq = seq,
		.window = window,
		.flags = PACKET_SYN,
	};
}

static void
answer(uint32_t ack, uint16_t sport)
{
	const struct packet p = {
		.src = service,
		.dst = addr4(1),
		.sport = PORT,
		.dport = sport,
		.ack = ack,
		.flags = PACKET_SYN | PACKET_ACK,
	};

	overhear(&p, 9 * SECOND);
}

/* SYN2, SYN1, SYN3 ... of a group with so many extra frames, then SYN0. */
static size_t
make(struct packet *out, unsigned extra, uint32_t isn, uint16_t window)
{
	const struct frame_head head = { (uint8_t)extra, 10, 12345678 };
	struct sender_group g = { .count = FRAME_BASE + extra };

	g.seq[FRAME_SYN0] = isn;
	g.seq[FRAME_SYN1] = frame_syn1(&head);
	g.seq[FRAME_SYN2] = frame_syn2(&head);
	for (unsigned role = FRAME_SYN3; role < g.count; role++) {
		g.seq[role] = frame_prefix(role) | role;
	}
	for (size_t i = 0; i < g.count; i++) {
		enum frame_role role = frame_sent_at(i, g.count);

		out[i] = frame(g.seq[role], (uint16_t)(5000 + role), window);
	}
	return g.count;
}

static void
overhear_all(const struct packet *frames, size_t count, uint64_t ns)
{
	for (size_t i = 0; i < count; i++) {
		overhear(&frames[i], ns + i);
	}
}

/* In any order, whatever the ISN looks like, once it is answered. */
static void
in_any_order(void **state)
{
	static const uint32_t isns[] = {
		0,          0x20000000, 0x21000a00, 0x40000001,
		0x60000000, 0x80000000, 0xc0000001, 0xffffffff,
	};
	size_t order[FRAME_BASE + 1];

	(void)state;
	begin();
	for (size_t n = 0; n < COUNT(isns); n++) {
		order_init(order, FRAME_BASE + 1);
		do {
			struct packet frames[FRAME_MAX];
			size_t count = make(frames, 1, isns[n], 7);
			const struct recording_group *g;

			begin();
			for (size_t i = 0; i < count; i++) {
				overhear(&frames[order[i]], SECOND);
			}
			assert_int_equal(recording_count(&recording), 1);
			answer(isns[n] + 1, 5000);
			g = recording_at(&recording, 0);
			assert_true(g->answered);
			assert_int_equal(g->frames.count, count);
			assert_int_equal(g->frames.mark, 7);
			for (size_t i = 0; i < count; i++) {
				enum frame_role role = frame_sent_at(i, count);

				assert_int_equal(g->frames.seq[role],
						 frames[i].seq);
				assert_int_equal(g->frames.sport[role],
						 frames[i].sport);
			}
		} while (order_next(order, FRAME_BASE + 1));
	}
}

static void
every_length(void **state)
{
	(void)state;
	begin();
	for (unsigned extra = 0; extra <= FRAME_EXTRA_MAX; extra++) {
		struct packet frames[FRAME_MAX];
		size_t count = make(frames, extra, 0xa0000000, 7);

		begin();
		overhear_all(frames, count, SECOND);
		assert_int_equal(recording_count(&recording), 1);
		/* Without an answer, it is not known to be used. */
		assert_false(recording_at(&recording, 0)->answered);
		/* Nor by one to another number, or of another host. */
		answer(0xa0000000, 5000);
		answer(0xa0000001, 5001);
		assert_false(recording_at(&recording, 0)->answered);
		/* One frame less is none. */
		begin();
		overhear_all(frames + 1, count - 1, SECOND);
		assert_int_equal(recording_count(&recording), 0);
	}
}

static void
what_is_no_group(void **state)
{
	struct packet frames[FRAME_MAX];
	size_t count;

	(void)state;
	begin();
	count = make(frames, 1, 0xa0000000, 7);
	/* To another port, from two hosts, with two windows. */
	for (size_t i = 0; i < count; i++) {
		struct packet p = frames[i];

		p.dport = PORT + 1;
		overhear(&p, SECOND);
		p = frames[i];
		p.src = addr4(3 + (uint32_t)i);
		overhear(&p, SECOND);
		p = frames[i];
		p.window = (uint16_t)(100 + i);
		overhear(&p, SECOND);
		/* Too slowly. */
		p = frames[i];
		p.src = addr4(50);
		overhear(&p, SECOND + i * 3 * SECOND);
		/* What is no first SYN. */
		p = frames[i];
		p.src = addr4(51);
		p.flags = PACKET_SYN | PACKET_FIN;
		overhear(&p, SECOND);
	}
	assert_int_equal(recording_count(&recording), 0);
	/* Flags that say another number. */
	frames[1].seq ^= 3u << 24;
	overhear_all(frames, count, 20 * SECOND);
	assert_int_equal(recording_count(&recording), 0);
}

/* The last ones are kept; each packet may be there twice. */
static void
many(void **state)
{
	(void)state;
	begin();
	for (uint32_t n = 0; n < 5 * RECORDING_GROUPS_MAX; n++) {
		struct packet frames[FRAME_MAX];
		size_t count = make(frames, 0, 0xa0000000 + n, (uint16_t)n);

		for (size_t i = 0; i < count; i++) {
			overhear(&frames[i], SECOND + n);
			overhear(&frames[i], SECOND + n);
		}
	}
	assert_int_equal(recording.found, 5 * RECORDING_GROUPS_MAX);
	assert_int_equal(recording_count(&recording), RECORDING_GROUPS_MAX);
	for (uint32_t at = 0; at < RECORDING_GROUPS_MAX; at++) {
		assert_int_equal(recording_at(&recording, at)->frames.seq[0],
				 0xa0000000 + 5 * RECORDING_GROUPS_MAX - 1 -
					 at);
	}
}

static void
check_build(const struct packet_addr *src, const struct packet_addr *dst)
{
	const struct answer_flow flow = { *src, *dst, 1, 2 };
	const struct forgery f = {
		.src = *dst,
		.dst = *src,
		.sport = 1000,
		.dport = 2000,
		.seq = 0x01020304,
		.window = 77,
		.words = 2,
		.data = 16,
	};
	uint8_t syn[PROBE_MAX], out[FORGERY_MAX], parts[2][FORGERY_MAX];
	size_t syn_len = probe_build(syn, PROBE_SYN, &flow, 9);
	size_t ip, len, lens[2];
	struct packet p, forged;

	assert_int_equal(packet_parse(&p, syn, syn_len, syn_len), PACKET_OK);
	len = forgery_build(out, syn, &p, &f);
	assert_int_equal(len, syn_len + 8 + 16);
	assert_int_equal(packet_parse(&forged, out, len, len), PACKET_OK);
	assert_true(packet_addr_equal(&forged.src, dst));
	assert_true(packet_addr_equal(&forged.dst, src));
	assert_int_equal(forged.sport, 1000);
	assert_int_equal(forged.dport, 2000);
	assert_int_equal(forged.seq, 0x01020304);
	assert_int_equal(forged.window, 77);
	assert_int_equal(forged.data_len, 16);
	assert_int_equal(forged.options_len, p.options_len + 8);
	assert_int_equal(packet_tcp_checksum(out, &forged),
			 be16_load(out + forged.tcp_at + 16));

	/* Two parts, which make the whole again. */
	ip = forged.tcp_at;
	for (unsigned i = 0; i < 2; i++) {
		lens[i] = forgery_fragment(parts[i], out, len, i, 24, 5);
		assert_true(lens[i] > 0);
		assert_int_equal(packet_parse(&p, parts[i], lens[i], lens[i]),
				 PACKET_FRAGMENT);
	}
	if (src->family == 6) {
		assert_memory_equal(parts[0] + ip, parts[1] + ip, 1);
		assert_int_equal(be16_load(parts[0] + ip + 2), 1);
		assert_int_equal(be16_load(parts[1] + ip + 2), 24);
		ip += 8;
	} else {
		assert_int_equal(be16_load(parts[0] + 6), 0x2000);
		assert_int_equal(be16_load(parts[1] + 6), 3);
		assert_memory_equal(parts[0] + 4, parts[1] + 4, 2);
	}
	assert_memory_equal(parts[0] + ip, out + forged.tcp_at, 24);
	assert_memory_equal(parts[1] + ip, out + forged.tcp_at + 24,
			    len - forged.tcp_at - 24);
	assert_int_equal(lens[0] + lens[1] - 2 * ip, len - forged.tcp_at);
	/* Nothing is left for the second part. */
	assert_int_equal(
		forgery_fragment(parts[0], out, len, 0, len - forged.tcp_at, 5),
		0);
}

static void
forged(void **state)
{
	const struct packet_addr v4[] = { addr4(1), addr4(2) };
	const struct packet_addr v6[] = { addr6(1, 1), addr6(2, 2) };

	(void)state;
	check_build(&v4[0], &v4[1]);
	check_build(&v6[0], &v6[1]);
}

/* No more options than there is room for. */
static void
full_of_options(void **state)
{
	const struct packet_addr a = addr4(1), b = addr4(2);
	const struct answer_flow flow = { a, b, 1, 2 };
	const struct forgery f = {
		.src = a, .dst = b, .words = 255, .data = 255
	};
	uint8_t syn[PROBE_MAX], out[FORGERY_MAX];
	size_t len = probe_build(syn, PROBE_SYN, &flow, 9);
	struct packet p;

	(void)state;
	assert_int_equal(packet_parse(&p, syn, len, len), PACKET_OK);
	len = forgery_build(out, syn, &p, &f);
	assert_int_equal(packet_parse(&p, out, len, len), PACKET_OK);
	assert_int_equal(p.data_at - p.tcp_at, PACKET_TCP_HEADER_MAX);
	assert_int_equal(p.data_len, FORGERY_DATA_MAX);
}

static void
a_reset(void **state)
{
	const struct packet_addr a = addr6(1, 1), b = addr6(2, 2);
	const struct answer_flow flow = { a, b, 1, 2 };
	const struct forgery f = { .src = a,
				   .dst = b,
				   .sport = 3,
				   .dport = 4,
				   .seq = 5,
				   .words = 2,
				   .data = 3 };
	uint8_t syn[PROBE_MAX], out[FORGERY_MAX];
	size_t len = probe_build(syn, PROBE_SYN, &flow, 9);
	struct packet p;

	(void)state;
	assert_int_equal(packet_parse(&p, syn, len, len), PACKET_OK);
	len = forgery_reset(out, syn, &p, &f);
	assert_int_equal(packet_parse(&p, out, len, len), PACKET_OK);
	assert_int_equal(p.flags, PACKET_RST);
	assert_int_equal(p.seq, 5);
	assert_int_equal(p.sport, 3);
	assert_int_equal(p.dport, 4);
	assert_int_equal(p.options_len + p.data_len, 0);
	assert_int_equal(packet_tcp_checksum(out, &p),
			 be16_load(out + p.tcp_at + 16));
}

/* Where packets go is not for a recording to say. */
static void
source_routed(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct packet frames[FRAME_MAX];
		const struct recording_group *g;
		struct packet syn;
		size_t count;

		begin();
		if (v6) {
			service = addr6(0xfd000000, 2);
		}
		count = make(frames, 1, 0x12345678, 99);
		for (size_t i = 0; i < count; i++) {
			frames[i].dst = service;
			frames[i].src = v6 ? addr6(0xfd000000, 1) : addr4(1);
			overhear_routed(&frames[i]);
		}
		assert_int_equal(recording_count(&recording), 1);
		g = recording_at(&recording, 0);
		assert_int_equal(
			packet_parse(&syn, g->syn, g->syn_len, g->syn_len),
			PACKET_OK);
		assert_true(packet_is_plain(&syn));
		assert_int_equal(syn.data_at, g->syn_len);
		assert_true(packet_addr_equal(&syn.dst, &service));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_any_order),
		cmocka_unit_test(every_length),
		cmocka_unit_test(what_is_no_group),
		cmocka_unit_test(many),
		cmocka_unit_test(forged),
		cmocka_unit_test(full_of_options),
		cmocka_unit_test(source_routed),
		cmocka_unit_test(a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
