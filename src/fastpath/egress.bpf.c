/*
 * The client's program: runs in the kernel where packets leave by a device
 * (tc), behind routing, netfilter and address translation.  The firewall's
 * rules give the SYNs that it is to take a priority, in place of queueing
 * them: nothing routes or filters by that.  It sends the frames of a group
 * ahead of each, as the outbound does.
 *
 * A frame is the SYN itself, changed, cloned and sent.  It comes here once
 * more, with the priority of its socket: so it passes.
 *
 * Rules are about the connection that its socket has asked for: what
 * address translation has made of it is only for the wire.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "fastpath/egress_map.h"
#include "fastpath/bpf_mac.h"
#include "fastpath/bpf_net.h"
#include "protocol/extension_header.h"
#include "protocol/packet.h"

#define SECTION(name) __attribute__((section(name), used))
#define SECOND 1000000000ull
#define ETHERNET 14 /* bytes of its header, which some devices have not */
#define swap16 __builtin_bswap16
#define SOCKET_STREAM 1 /* SOCK_STREAM */
#define OPTIONS_MAX 40
#define OTHERS_MAX (FRAME_MAX - 1) /* frames ahead of SYN0 */

static uint64_t (*clock_tai_ns)(void) = (void *)BPF_FUNC_ktime_get_tai_ns;
static uint32_t (*random_u32)(void) = (void *)BPF_FUNC_get_prandom_u32;
static long (*load_bytes)(const void *, uint32_t, void *,
			  uint32_t) = (void *)BPF_FUNC_skb_load_bytes;
static long (*load_ip)(const void *, uint32_t, void *, uint32_t,
		       uint32_t) = (void *)BPF_FUNC_skb_load_bytes_relative;
static long (*replay_file_bytes)(void *, uint32_t, const void *, uint32_t,
				 uint64_t) = (void *)BPF_FUNC_skb_store_bytes;
static int64_t (*csum_diff)(const void *, uint32_t, const void *, uint32_t,
			    uint32_t) = (void *)BPF_FUNC_csum_diff;
static long (*l4_csum_replace)(void *, uint32_t, uint64_t, uint64_t,
			       uint64_t) = (void *)BPF_FUNC_l4_csum_replace;
static long (*clone_redirect)(void *, uint32_t,
			      uint64_t) = (void *)BPF_FUNC_clone_redirect;
static uint32_t (*socket_uid)(void *) = (void *)BPF_FUNC_get_socket_uid;
static struct bpf_sock *(*fullsock)(void *) = (void *)BPF_FUNC_sk_fullsock;
static struct bpf_tcp_sock *(*tcp_sock)(void *) = (void *)BPF_FUNC_tcp_sock;
static void *(*ring_reserve)(const void *, uint64_t,
			     uint64_t) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*ring_submit)(void *, uint64_t) = (void *)BPF_FUNC_ringbuf_submit;

/* The maps, by the names that the loader knows them by. */
extern const char config_map, rules_map, ports_map, counts_map, events_map;

/* The fields that differ between frames, in network order. */
struct fields {
	uint16_t sport, window;
	uint32_t seq;
};

struct syn {
	uint32_t tcp_at;
	uint32_t rule;         /* its place */
	uint16_t sport, dport; /* as the rules know them */
	uint8_t family, has_data, is_signed;
	struct fields fields;
};

/*
 * Room for one packet at a time.  What is known of it is kept here and not
 * on the stack: what it knows nothing of, the verifier follows once for all
 * packets.
 */
struct scratch {
	struct ingress_work work;
	uint8_t header[40] __attribute__((aligned(8)));
	uint8_t tcp[20] __attribute__((aligned(8)));
	uint8_t options[64] __attribute__((aligned(8))); /* for the verifier */
	uint32_t place;                                  /* in options */
	struct ingress_addr src, dst; /* as the rules know them */
	uint32_t device, uid, link;
	uint32_t is_others; /* a rule is for another user's */
	struct syn syn;
	uint32_t seq[INGRESS_FRAMES];
	uint16_t port[OTHERS_MAX];
};

static inline_always void
count(uint32_t what)
{
	uint64_t *n = map_lookup(&counts_map, &what);

	if (n) {
		(*n)++;
	}
}

static inline_always void
tell(const struct scratch *s, uint8_t what, uint16_t key_no)
{
	struct egress_event *event =
		ring_reserve(&events_map, sizeof *event, 0);

	if (event) {
		event->src = s->src;
		event->dst = s->dst;
		event->seq = swap32(s->syn.fields.seq);
		event->sport = s->syn.sport;
		event->dport = s->syn.dport;
		event->key_no = key_no;
		event->family = s->syn.family;
		event->what = what;
		ring_submit(event, 0);
	}
}

/* ---- the packet */

static inline_always uint16_t
word_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* So much is left ahead of IP: whether that is a link header, or none. */
static inline_always bool
has_link(struct scratch *s, uint32_t left)
{
	s->link = left;
	return left == ETHERNET || left == 0;
}

/* Where TCP begins, or 0: it is none, or not whole. */
static inline_always uint32_t
skip_ip4(struct __sk_buff *skb, struct scratch *s)
{
	const uint8_t *ip = s->header;
	uint32_t header, total;

	if (load_ip(skb, 0, s->header, 20, BPF_HDR_START_NET) < 0) {
		return 0;
	}
	header = (uint32_t)(ip[0] & 15) * 4;
	total = word_at(ip + 2);
	if (ip[0] >> 4 != 4 || header < 20 || header > total ||
	    ip[9] != PACKET_TCP || word_at(ip + 6) & 0x3fff ||
	    !has_link(s, skb->len - total)) {
		return 0;
	}
	s->src.word[0] = *(const uint32_t *)(ip + 12);
	s->dst.word[0] = *(const uint32_t *)(ip + 16);
	return s->link + header;
}

/* As packet_parse() does, and what it refuses at once. */
static inline_always uint32_t
skip_extensions(struct __sk_buff *skb, struct scratch *s, uint8_t next)
{
	uint32_t at = s->link + PACKET_IP6_HEADER;

	for (int n = 0; n < IP6_EXTENSIONS_MAX && next != PACKET_TCP; n++) {
		const uint8_t *first = s->tcp, kind = next;
		uint32_t size;

		if (load_bytes(skb, at, s->tcp, IP6_EXTENSION_MIN) < 0) {
			return 0;
		}
		size = ip6_extension_size(kind, first[1]);
		next = first[0];
		at += size;
		if (size == 0 || ip6_is_to_be_routed(kind, first) ||
		    ip6_is_fragment(kind, first) ||
		    at > s->link + PACKET_IP_HEADER_MAX) {
			return 0;
		}
	}
	return next == PACKET_TCP ? at : 0;
}

static inline_always uint32_t
skip_ip6(struct __sk_buff *skb, struct scratch *s)
{
	const uint8_t *ip = s->header;

	if (load_ip(skb, 0, s->header, PACKET_IP6_HEADER, BPF_HDR_START_NET) <
		    0 ||
	    ip[0] >> 4 != 6 ||
	    !has_link(s, skb->len - word_at(ip + 4) - PACKET_IP6_HEADER)) {
		return 0;
	}
	__builtin_memcpy(&s->src, ip + 8, 16);
	__builtin_memcpy(&s->dst, ip + 24, 16);
	return skip_extensions(skb, s, ip[6]);
}

/* One option at a place: its size, or 0 where it can't be so. */
static inline_always uint32_t
option_size(struct scratch *s, uint32_t at, uint32_t left)
{
	const uint32_t kind = s->options[at & 63];
	const uint32_t size = s->options[(at + 1) & 63];

	if (kind == 1) {
		return 1;
	}
	if (left < 2 || size < 2 || size > left) {
		return 0;
	}
	if (kind == 19 || kind == 29) {
		if (s->syn.is_signed || (kind == 19 ? size != 18 : size < 5)) {
			return 0;
		}
		s->syn.is_signed = 1;
	}
	return size;
}

/* Look for a signature.  Below 0: options that can't be so. */
static inline_always int
look_at_options(struct scratch *s, uint32_t len)
{
	/* Where it is the verifier need not know. */
	volatile uint32_t *place = &s->place;

	*place = 0;
	for (int i = 0; i < OPTIONS_MAX; i++) {
		const uint32_t at = *place;
		uint32_t size;

		if (at >= len || s->options[at & 63] == 0) {
			break;
		}
		size = option_size(s, at, len - at);
		if (size == 0) {
			return -1;
		}
		*place = at + size;
	}
	return 0;
}

/* Where TCP begins, or 0. */
static inline_always uint32_t
find_tcp(struct __sk_buff *skb, struct scratch *s)
{
	__builtin_memset(&s->src, 0, sizeof s->src);
	__builtin_memset(&s->dst, 0, sizeof s->dst);
	switch (skb->protocol) {
	case swap16(0x0800):
		s->syn.family = 4;
		return skip_ip4(skb, s);
	case swap16(0x86dd):
		s->syn.family = 6;
		return skip_ip6(skb, s);
	default:
		return 0;
	}
}

/* 0: a first SYN. */
static inline_always int
parse(struct __sk_buff *skb, struct scratch *s)
{
	const uint32_t at = find_tcp(skb, s);
	uint32_t header;

	if (at == 0 || load_bytes(skb, at, s->tcp, 20) < 0) {
		return -1;
	}
	header = (uint32_t)(s->tcp[12] >> 4) * 4;
	if ((s->tcp[13] & 0x17) != 0x02 || header < 20 ||
	    header > skb->len - at) {
		return -1;
	}
	s->syn.tcp_at = at;
	s->syn.is_signed = 0;
	s->syn.has_data = skb->len - at > header;
	s->syn.sport = word_at(s->tcp);
	s->syn.dport = word_at(s->tcp + 2);
	s->syn.fields.sport = *(const uint16_t *)s->tcp;
	s->syn.fields.seq = *(const uint32_t *)(s->tcp + 4);
	s->syn.fields.window = *(const uint16_t *)(s->tcp + 14);
	header -= 20;
	if (header < 4 || header > OPTIONS_MAX) {
		return 0;
	}
	return load_bytes(skb, at + 20, s->options, header) < 0
		? -1
		: look_at_options(s, header);
}

/* What the socket has asked for; a raw one asks for what the packet has. */
static inline_always void
take_connection(const struct bpf_sock *sk, struct scratch *s)
{
	uint32_t *src = (uint32_t *)&s->src, *dst = (uint32_t *)&s->dst;

	if (sk->type != SOCKET_STREAM) {
		return;
	}
	s->syn.sport = (uint16_t)sk->src_port;
	s->syn.dport = swap16(sk->dst_port);
	if (s->syn.family == 4) {
		src[0] = sk->src_ip4;
		dst[0] = sk->dst_ip4;
		return;
	}
	src[0] = sk->src_ip6[0];
	src[1] = sk->src_ip6[1];
	src[2] = sk->src_ip6[2];
	src[3] = sk->src_ip6[3];
	dst[0] = sk->dst_ip6[0];
	dst[1] = sk->dst_ip6[1];
	dst[2] = sk->dst_ip6[2];
	dst[3] = sk->dst_ip6[3];
}

/* ---- the rule */

static inline_always bool
has_port(const struct egress_rule *r, uint16_t port)
{
#pragma clang loop unroll(full)
	for (uint32_t i = 0; i < EGRESS_RANGES_MAX; i++) {
		if (i < r->ranges && port >= r->range[i].low &&
		    port <= r->range[i].high) {
			return true;
		}
	}
	return r->ranges == 0;
}

/* Whether a rule, by its place, is the SYN's. */
FUNCTION int
is_rule(int place)
{
	const uint32_t zero = 0, at = (uint32_t)place;
	const struct egress_rule *r = map_lookup(&rules_map, &at);
	struct scratch *s = map_lookup(&scratch_map, &zero);

	if (!r || !s || (r->device != 0 && r->device != s->device) ||
	    !net_has((struct net){ &r->dst, &r->dst_mask, r->dst_family },
		     s->syn.family, &s->dst) ||
	    !net_has((struct net){ &r->src, &r->src_mask, r->src_family },
		     s->syn.family, &s->src) ||
	    !has_port(r, s->syn.dport)) {
		return false;
	}
	if (r->has_user && r->uid != s->uid) {
		s->is_others = true;
		return false;
	}
	return true;
}

/* Its place is in the scratch: behind the loop, all are alike. */
static inline_always bool
find_rule(const struct egress_config *config, struct scratch *s)
{
	for (uint32_t i = 0; i < EGRESS_RULES_MAX && i < config->rules; i++) {
		if (is_rule((int)i)) {
			s->syn.rule = i;
			return true;
		}
	}
	return false;
}

/* ---- the group */

/* Their sequence numbers; false: the key is not valid now. */
static inline_always bool
sign(struct scratch *s, const struct egress_rule *r, uint64_t utc)
{
	const struct ingress_key *key = &r->key;
	const uint64_t second = utc / SECOND;
	const struct frame_head head = {
		.flags = (uint8_t)extra_of(key),
		.key_no = r->key_no,
		.instant = frame_instant_of((int64_t)second,
					    (uint32_t)(utc % SECOND)),
	};
	const uint16_t port = r->service_port ? r->service_port : s->syn.dport;
	uint32_t first[3];
	uint64_t high, low;

	if (second < key->not_before || second >= key->not_after) {
		return false;
	}
	s->seq[FRAME_SYN0] = swap32(s->syn.fields.seq);
	s->seq[FRAME_SYN1] = frame_syn1(&head);
	s->seq[FRAME_SYN2] = frame_syn2(&head);
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN0; role <= FRAME_SYN2; role++) {
		first[role] = s->seq[role] & frame_mask(role);
	}
	fill_block(s->work.block, key, port, first);
	authenticate(&s->work, key, &high, &low);
#pragma clang loop unroll(full)
	for (uint32_t role = FRAME_SYN3; role <= FRAME_SYN6; role++) {
		s->seq[role] = frame_auth(role, high, low);
	}
	return true;
}

/* One after the other: none twice in a group. */
static inline_always bool
take_ports(struct scratch *s, uint32_t others)
{
	uint32_t zero = 0;
	struct egress_ports *ports = map_lookup(&ports_map, &zero);
	bool all = true;
	uint32_t at;

	if (!ports) {
		return false;
	}
	at = __sync_fetch_and_add(&ports->next, others);
#pragma clang loop unroll(full)
	for (uint32_t i = 0; i < OTHERS_MAX; i++) {
		s->port[i] = *(volatile uint16_t *)&ports
				      ->port[(at + i) & (EGRESS_PORTS - 1)];
		all = all && (i >= others || s->port[i] != 0);
	}
	return all;
}

/* Make the SYN into another frame; now says what it is. */
static inline_always void
become(struct __sk_buff *skb, uint32_t tcp_at, struct fields *now,
       const struct fields *next)
{
	int64_t diff = csum_diff(now, sizeof *now, next, sizeof *next, 0);

	/* It knows what is left to the device to sum up. */
	l4_csum_replace(skb, tcp_at + 16, 0, (uint32_t)diff, 0);
	/* With the hash that it has, so that all take the same queue. */
	replay_file_bytes(skb, tcp_at, &next->sport, sizeof next->sport, 0);
	replay_file_bytes(skb, tcp_at + 4, &next->seq, sizeof next->seq, 0);
	replay_file_bytes(skb, tcp_at + 14, &next->window, sizeof next->window,
			  0);
	*now = *next;
}

/* All in their order, SYN0 left in the packet; or it is what it was. */
static inline_always bool
send_group(struct __sk_buff *skb, const struct scratch *s, uint32_t others)
{
	struct fields now = s->syn.fields, next = s->syn.fields;
	const uint16_t mark = (uint16_t)random_u32();

#pragma clang loop unroll(full)
	for (uint32_t i = 0; i < OTHERS_MAX; i++) {
		if (i < others) {
			next.sport = swap16(s->port[i]);
			next.seq = swap32(s->seq[frame_sent_at(i, others + 1)]);
			next.window = mark;
			become(skb, s->syn.tcp_at, &now, &next);
			if (clone_redirect(skb, skb->ifindex, 0) < 0) {
				next = s->syn.fields;
				become(skb, s->syn.tcp_at, &now, &next);
				return false;
			}
		}
	}
	next = s->syn.fields;
	next.window = mark;
	become(skb, s->syn.tcp_at, &now, &next);
	return true;
}

static inline_always uint32_t
make_group(struct __sk_buff *skb, struct scratch *s,
	   const struct egress_rule *r, const struct egress_config *config)
{
	const uint32_t others = 3 + (extra_of(&r->key) & 3);

	/* TAI goes with UTC wherever that is set, at once. */
	if (!sign(s, r, clock_tai_ns() - config->tai_utc)) {
		return EGRESS_KEY;
	}
	if (!take_ports(s, others)) {
		return EGRESS_PORT;
	}
	return send_group(skb, s, others) ? EGRESS_AUTHENTICATED
					  : EGRESS_DEVICE;
}

/* Whether it is this transmission that nobody answered the ones before of. */
static inline_always bool
is_late(struct bpf_sock *sk)
{
	const struct bpf_tcp_sock *tcp = tcp_sock(sk);

	return tcp && tcp->total_retrans == EGRESS_UNANSWERED_TIMES - 1;
}

static inline_always int
judge(struct __sk_buff *skb, struct scratch *s, struct bpf_sock *sk,
      const struct egress_config *config)
{
	const struct egress_rule *r = map_lookup(&rules_map, &s->syn.rule);
	uint32_t what;

	if (!r) {
		return INGRESS_TC_NEXT;
	}
	what = s->syn.is_signed   ? EGRESS_SIGNATURE
		: s->syn.has_data ? EGRESS_DATA
				  : make_group(skb, s, r, config);
	count(what);
	if (what != EGRESS_AUTHENTICATED || config->verbose) {
		tell(s, (uint8_t)what, r->key_no);
	}
	if (what == EGRESS_AUTHENTICATED && is_late(sk)) {
		tell(s, EGRESS_UNANSWERED, r->key_no);
	}
	return what == EGRESS_SIGNATURE ? INGRESS_TC_DROP : INGRESS_TC_NEXT;
}

/* The name of a section that TCX takes as well. */
SECTION("tc") int egress(struct __sk_buff *skb)
{
	const struct egress_config *config;
	struct scratch *s;
	struct bpf_sock *sk;
	uint32_t zero = 0;

	/* Nearly all packets end here. */
	if (skb->priority == 0) {
		return INGRESS_TC_NEXT;
	}
	config = map_lookup(&config_map, &zero);
	s = map_lookup(&scratch_map, &zero);
	if (!config || !s || skb->priority != config->mark) {
		return INGRESS_TC_NEXT;
	}
	/* Forwarded ones have no socket. */
	sk = skb->sk;
	if (!sk) {
		return INGRESS_TC_NEXT;
	}
	sk = fullsock(sk);
	if (!sk || skb->vlan_present) {
		return INGRESS_TC_NEXT;
	}
	count(EGRESS_SEEN);
	if (parse(skb, s) < 0) {
		count(EGRESS_NO_RULE);
		return INGRESS_TC_NEXT;
	}
	take_connection(sk, s);
	/* It may be another client's. */
	s->device = skb->ifindex;
	s->uid = socket_uid(skb);
	s->is_others = false;
	if (!find_rule(config, s)) {
		count(EGRESS_NO_RULE);
		if (s->is_others && is_late(sk)) {
			tell(s, EGRESS_NO_RULE, 0);
		}
		return INGRESS_TC_NEXT;
	}
	skb->priority = sk->priority;
	return judge(skb, s, sk, config);
}
