/* Fills in one frame and sends it; see flood.c. */
#include <linux/bpf.h>

#include "flood_map.h"

#define swap16 __builtin_bswap16
#define swap32 __builtin_bswap32

static void *(*map_lookup)(const void *,
			   const void *) = (void *)BPF_FUNC_map_lookup_elem;
static uint64_t (*clock_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static uint32_t (*random)(void) = (void *)BPF_FUNC_get_prandom_u32;
static long (*redirect)(uint32_t, uint64_t) = (void *)BPF_FUNC_redirect;

extern const char config_map, state_map;

static inline __attribute__((always_inline)) uint16_t
checksum(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline __attribute__((always_inline)) uint32_t
halves(uint32_t word)
{
	return (word >> 16) + (word & 0xffff);
}

/* The sequence number of a step: SYN2, SYN1, SYN3, ..., SYN0. */
static inline __attribute__((always_inline)) uint32_t
sequence(const struct flood_config *c, const struct flood_state *s)
{
	const uint32_t bits = (1u << 29) - 1;

	if (s->step == 0) {
		return 2u << 29 | (s->second & bits);
	}
	if (s->step == 1) {
		return 1u << 29 | c->extra << 24 | c->key_no << 8 | s->fraction;
	}
	if (s->step > 2 + c->extra) {
		return random();
	}
	switch (s->step) {
	case 2:
		return 3u << 30 | random() >> 2;
	case 3:
		return 2u << 30 | random() >> 2;
	case 4:
		return random() & bits;
	default:
		return 3u << 29 | (random() & bits);
	}
}

__attribute__((section("xdp"), used)) int
flood(struct xdp_md *ctx)
{
	uint8_t *at = (uint8_t *)(uint64_t)ctx->data;
	const uint8_t *end = (const uint8_t *)(uint64_t)ctx->data_end;
	uint32_t zero = 0, sport, seq, sum;
	const struct flood_config *c = map_lookup(&config_map, &zero);
	struct flood_state *s = map_lookup(&state_map, &zero);
	uint8_t *tcp;

	if (!c || !s || at + 74 > end) {
		return XDP_ABORTED;
	}
	if (s->step == 0) {
		uint64_t now = clock_ns();
		uint64_t utc = now + c->utc_offset;

		/* This time is waited for by making none. */
		if (c->rate &&
		    s->sent * 1000000000 > c->rate * (now - c->begin)) {
			return XDP_DROP;
		}
		s->src = c->src | (random() & c->src_mask);
		s->mark = random() & 0xffff;
		s->second = (uint32_t)(utc / 1000000000);
		s->fraction = (uint32_t)(utc % 1000000000 * 256 / 1000000000);
	}
	sport = 1024 + (random() & 0x7fff);
	seq = c->group ? sequence(c, s) : random();
	sum = c->tcp_sum + halves(s->src) + sport + halves(seq) + s->mark;
	if (c->ip6) {
		*(uint32_t *)(at + 34) = swap32(s->src);
		tcp = at + 54;
	} else {
		*(uint32_t *)(at + 26) = swap32(s->src);
		*(uint16_t *)(at + 24) =
			swap16(checksum(c->ip_sum + halves(s->src)));
		tcp = at + 34;
	}
	*(uint16_t *)tcp = swap16((uint16_t)sport);
	*(uint32_t *)(tcp + 4) = swap32(seq);
	*(uint16_t *)(tcp + 14) = swap16((uint16_t)s->mark);
	*(uint16_t *)(tcp + 16) = swap16(checksum(sum));
	s->step = c->group && s->step < 3 + c->extra ? s->step + 1 : 0;
	s->sent++;
	return (int)redirect(c->device, 0);
}
