#include "replay_test/recording.h"

#include <string.h>

#include "protocol/frame.h"

/* Frames with one window that are looked at: two whole groups of seven. */
#define KIN_MAX 16u
#define PROTOCOL_TCP 6

void
recording_init(struct recording *r, const struct packet_addr *to,
	       size_t to_count, uint16_t port)
{
	memset(r, 0, sizeof *r);
	r->to = to;
	r->to_count = to_count;
	r->port = port;
}

static bool
is_service(const struct recording *r, const struct packet_addr *addr,
	   uint16_t port)
{
	for (size_t i = 0; i < r->to_count && port == r->port; i++) {
		if (packet_addr_equal(&r->to[i], addr)) {
			return true;
		}
	}
	return false;
}

static bool
is_kin(const struct recording_syn *s, const struct packet *p, uint64_t ns)
{
	return s->window == p->window && packet_addr_equal(&s->src, &p->src) &&
		packet_addr_equal(&s->dst, &p->dst) &&
		(s->ns > ns ? s->ns - ns : ns - s->ns) <= RECORDING_SPAN_NS;
}

/* The SYNs with this one's window, in the order in which they were seen. */
static size_t
find_kin(struct recording *r, const struct packet *p, uint64_t ns,
	 struct recording_syn *kin[KIN_MAX])
{
	/* In a full ring, leave out the oldest: it is replaced next. */
	size_t held =
		r->next < RECORDING_PENDING ? r->next : RECORDING_PENDING - 1;
	size_t count = 0;

	for (size_t i = r->next - held; i < r->next && count < KIN_MAX - 1;
	     i++) {
		struct recording_syn *s = &r->pending[i % RECORDING_PENDING];

		if (is_kin(s, p, ns)) {
			kin[count++] = s;
		}
	}
	return count;
}

/*
 * Whether these are a group with frame zero as SYN0: each other role once,
 * and as many as SYN1 says.  Fills in role_of: which frame has each role.
 */
static bool
fits(struct recording_syn *const *kin, size_t count, size_t zero,
     size_t role_of[FRAME_MAX])
{
	unsigned seen = 0;

	role_of[FRAME_SYN0] = zero;
	for (size_t i = 0; i < count; i++) {
		enum frame_role role = frame_role_of(kin[i]->seq);

		if (i == zero) {
			continue;
		}
		if (role >= count || seen & 1u << role) {
			return false;
		}
		seen |= 1u << role;
		role_of[role] = i;
	}
	return frame_flags(kin[role_of[FRAME_SYN1]]->seq) == count - FRAME_BASE;
}

/*
 * An ISN may look like a SYN1, so that a part of this group was taken for a
 * shorter one: replace that. Otherwise replace the oldest.
 */
static struct recording_group *
place_for(struct recording *r, const struct recording_syn *zero, size_t count)
{
	struct recording_group *last =
		&r->groups[(r->found - 1) % RECORDING_GROUPS_MAX];

	if (r->found > 0 && last->frames.mark == zero->window &&
	    last->frames.count < count &&
	    packet_addr_equal(&last->src, &zero->src) &&
	    packet_addr_equal(&last->dst, &zero->dst) &&
	    zero->ns - last->ns + RECORDING_SPAN_NS <= 2 * RECORDING_SPAN_NS) {
		return last;
	}
	return &r->groups[r->found++ % RECORDING_GROUPS_MAX];
}

static void
keep(struct recording *r, struct recording_syn *const *kin, size_t count,
     const size_t role_of[FRAME_MAX], uint64_t ns)
{
	const struct recording_syn *zero = kin[role_of[FRAME_SYN0]];
	struct recording_group *g = place_for(r, zero, count);

	memset(g, 0, sizeof *g);
	g->src = zero->src;
	g->dst = zero->dst;
	g->ns = ns;
	g->syn_len = zero->syn_len;
	memcpy(g->syn, zero->syn, zero->syn_len);
	g->frames.count = count;
	g->frames.mark = zero->window;
	for (size_t role = 0; role < count; role++) {
		g->frames.seq[role] = kin[role_of[role]]->seq;
		g->frames.sport[role] = kin[role_of[role]]->sport;
	}
}

/*
 * The headers of a recorded SYN that are sent again: an IP header of our
 * own, and TCP's.  Options of IP, as source routing, and extension headers
 * are somebody else's word on where packets go, and stay behind.
 */
static size_t
take_headers(uint8_t out[PACKET_HEADERS_MAX], const uint8_t *bytes,
	     const struct packet *p)
{
	const size_t tcp_len = p->data_at - p->tcp_at;
	const bool v4 = p->src.family == 4;
	const size_t at = v4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER;

	memcpy(out, bytes, at);
	if (v4) {
		out[0] = 0x45;
		be16_store(out + 2, (uint16_t)(at + tcp_len));
		/* No fragment, and no reserved bit. */
		out[6] &= 0x40;
		out[7] = 0;
		out[9] = PROTOCOL_TCP;
	} else {
		be16_store(out + 4, (uint16_t)tcp_len);
		out[6] = PROTOCOL_TCP;
	}
	memcpy(out + at, bytes + p->tcp_at, tcp_len);
	return at + tcp_len;
}

static void
take_syn(struct recording *r, const uint8_t *bytes, const struct packet *p,
	 uint64_t ns)
{
	struct recording_syn *s = &r->pending[r->next % RECORDING_PENDING];
	struct recording_syn *kin[KIN_MAX];
	size_t role_of[FRAME_MAX] = { 0 };
	size_t count = find_kin(r, p, ns, kin);

	r->syns++;
	for (size_t i = 0; i < count; i++) {
		/* Some captures have each packet twice. */
		if (kin[i]->seq == p->seq && kin[i]->sport == p->sport) {
			return;
		}
	}
	*s = (struct recording_syn){
		.src = p->src,
		.dst = p->dst,
		.seq = p->seq,
		.sport = p->sport,
		.window = p->window,
		.ns = ns,
	};
	s->syn_len = take_headers(s->syn, bytes, p);
	r->next++;
	kin[count++] = s;
	if (count < FRAME_BASE || count > FRAME_MAX) {
		return;
	}
	for (size_t zero = count; zero-- > 0;) {
		if (fits(kin, count, zero, role_of)) {
			keep(r, kin, count, role_of, s->ns);
			return;
		}
	}
}

/* The frame that was answered is SYN0, even if another one was taken for it. */
static bool
is_answer_to(struct recording_group *g, const struct packet *p)
{
	struct sender_group *f = &g->frames;

	if (!packet_addr_equal(&g->src, &p->dst) ||
	    !packet_addr_equal(&g->dst, &p->src)) {
		return false;
	}
	for (size_t role = 0; role < f->count; role++) {
		uint32_t seq = f->seq[role];
		uint16_t sport = f->sport[role];

		if (sport != p->dport || seq + 1 != p->ack ||
		    (role > 0 && frame_role_of(f->seq[0]) != role)) {
			continue;
		}
		f->seq[role] = f->seq[0];
		f->sport[role] = f->sport[0];
		f->seq[0] = seq;
		f->sport[0] = sport;
		return true;
	}
	return false;
}

static void
take_answer(struct recording *r, const struct packet *p)
{
	size_t count = recording_count(r);

	for (size_t i = 0; i < count; i++) {
		r->groups[i].answered |= is_answer_to(&r->groups[i], p);
	}
}

void
recording_packet(struct recording *r, const uint8_t *bytes, size_t len,
		 size_t wire_len, uint64_t ns)
{
	struct packet p;

	if (packet_parse(&p, bytes, len, wire_len) != PACKET_OK) {
		return;
	}
	r->packets++;
	if (packet_is_syn(&p)) {
		if (is_service(r, &p.dst, p.dport) && p.data_len == 0) {
			take_syn(r, bytes, &p, ns);
		}
	} else if ((p.flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) ==
			   (PACKET_SYN | PACKET_ACK) &&
		   is_service(r, &p.src, p.sport)) {
		take_answer(r, &p);
	}
}

size_t
recording_count(const struct recording *r)
{
	return r->found < RECORDING_GROUPS_MAX ? (size_t)r->found
					       : RECORDING_GROUPS_MAX;
}

const struct recording_group *
recording_at(const struct recording *r, size_t at)
{
	return &r->groups[(r->found - 1 - at) % RECORDING_GROUPS_MAX];
}

const struct recording_group *
recording_best(const struct recording *r)
{
	for (size_t at = 0; at < recording_count(r); at++) {
		if (recording_at(r, at)->answered) {
			return recording_at(r, at);
		}
	}
	return recording_at(r, 0);
}
