/*
 * What the protocol itself costs: five SYNs for one, and four of them dropped
 * where they arrive; no HMAC, no memory, no check.  See bound.c.
 */
#include <linux/bpf.h>
#include <stdint.h>

#define SECTION(name) __attribute__((section(name), used))
#define OTHERS 4 /* of a key with 60 bits */
#define NEXT (-1)
#define DROP 2
/* In a frame of Ethernet with IPv4 and no options. */
#define PROTOCOL_AT 23
#define FLAGS_AT 47
#define WINDOW_AT 48
#define SYN 2
#define MARKED 1 /* a window that no stack asks for */

static long (*store)(void *, uint32_t, const void *, uint32_t,
		     uint64_t) = (void *)BPF_FUNC_skb_store_bytes;
static long (*clone_redirect)(void *, uint32_t,
			      uint64_t) = (void *)BPF_FUNC_clone_redirect;

/* The window of a SYN, as it stands there; 0: it is none. */
static inline __attribute__((always_inline)) uint16_t
window_of(const struct __sk_buff *skb)
{
	const uint8_t *at = (const uint8_t *)(uint64_t)skb->data;
	const uint8_t *end = (const uint8_t *)(uint64_t)skb->data_end;

	if (at + WINDOW_AT + 2 > end || at[PROTOCOL_AT] != 6 ||
	    (at[FLAGS_AT] & 0x17) != SYN) {
		return 0;
	}
	return *(const uint16_t *)(at + WINDOW_AT);
}

SECTION("send") int make_others(struct __sk_buff *skb)
{
	const uint16_t window = window_of(skb), marked = MARKED;

	/* Each of the others comes here once more. */
	if (window == 0 || window == MARKED) {
		return NEXT;
	}
	store(skb, WINDOW_AT, &marked, sizeof marked, 0);
	for (int i = 0; i < OTHERS; i++) {
		clone_redirect(skb, skb->ifindex, 0);
	}
	store(skb, WINDOW_AT, &window, sizeof window, 0);
	return NEXT;
}

SECTION("drop") int take_others(struct __sk_buff *skb)
{
	return window_of(skb) == MARKED ? DROP : NEXT;
}
