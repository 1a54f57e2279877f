#include "probe_path/icmp_quote.h"

#include <string.h>

#include "base/bytes.h"

#define EXCEEDED4 11
#define EXCEEDED6 3
/* With RFC 4884's extensions, a quotation ends here at the earliest. */
#define QUOTED_MIN 128u

int
quote_parse(struct quote *q, const uint8_t *bytes, size_t len)
{
	struct packet_ip ip;
	struct cursor c;
	uint8_t type;
	size_t length;
	bool v4;

	memset(q, 0, sizeof *q);
	if (packet_parse_ip(&ip, bytes, len) != PACKET_OK) {
		return -1;
	}
	q->router = ip.src;
	v4 = ip.src.family == 4;
	c = cursor_over(bytes + ip.at, ip.there);
	type = cursor_u8(&c);
	cursor_bytes(&c, 3);
	/* RFC 4884: the quotation's length, in words of 4 or 8 bytes. */
	length = v4 ? (cursor_u16(&c) & 255) * 4u : (cursor_u16(&c) >> 8) * 8u;
	cursor_u16(&c);
	if (c.bad || ip.protocol != (v4 ? PACKET_ICMP : PACKET_ICMP6) ||
	    type != (v4 ? EXCEEDED4 : EXCEEDED6)) {
		return -1;
	}
	if (length >= QUOTED_MIN && length < cursor_left(&c)) {
		c.end = c.pos + length;
	}
	return field_read(&q->seen, c.pos, cursor_left(&c));
}
