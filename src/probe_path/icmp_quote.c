#include "probe_path/icmp_quote.h"

#include <string.h>

#include "base/bytes.h"

#define PROTOCOL_ICMP 1
#define PROTOCOL_ICMP6 58
#define EXCEEDED4 11
#define EXCEEDED6 3
/* With RFC 4884's extensions, a quotation ends here at the earliest. */
#define QUOTED_MIN 128u

static void
skip_ip4(struct quote *q, struct cursor *c)
{
	size_t header = (cursor_u8(c) & 15) * 4u;
	const uint8_t *src;

	cursor_bytes(c, 5);
	c->bad |= (cursor_u16(c) & 0x1fff) != 0;
	cursor_u8(c);
	c->bad |= cursor_u8(c) != PROTOCOL_ICMP;
	cursor_u16(c);
	src = cursor_bytes(c, 4);
	cursor_bytes(c, 4);
	c->bad |= header < PACKET_IP4_HEADER;
	if (c->bad) {
		return;
	}
	cursor_bytes(c, header - PACKET_IP4_HEADER);
	q->router.family = 4;
	memcpy(q->router.bytes, src, 4);
}

static void
skip_ip6(struct quote *q, struct cursor *c)
{
	const uint8_t *src;

	cursor_bytes(c, 6);
	c->bad |= cursor_u8(c) != PROTOCOL_ICMP6;
	cursor_u8(c);
	src = cursor_bytes(c, 16);
	cursor_bytes(c, 16);
	if (c->bad) {
		return;
	}
	q->router.family = 6;
	memcpy(q->router.bytes, src, 16);
}

int
quote_parse(struct quote *q, const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);
	uint8_t type;
	size_t length;

	memset(q, 0, sizeof *q);
	if (len == 0) {
		return -1;
	}
	if (bytes[0] >> 4 == 4) {
		skip_ip4(q, &c);
	} else if (bytes[0] >> 4 == 6) {
		skip_ip6(q, &c);
	} else {
		return -1;
	}
	type = cursor_u8(&c);
	cursor_bytes(&c, 3);
	/* RFC 4884: the quotation's length, in words of 4 or 8 bytes. */
	length = q->router.family == 4 ? (cursor_u16(&c) & 255) * 4u
				       : (cursor_u16(&c) >> 8) * 8u;
	cursor_u16(&c);
	if (c.bad || type != (q->router.family == 4 ? EXCEEDED4 : EXCEEDED6)) {
		return -1;
	}
	if (length >= QUOTED_MIN && length < cursor_left(&c)) {
		c.end = c.pos + length;
	}
	return field_read(&q->seen, c.pos, cursor_left(&c));
}
