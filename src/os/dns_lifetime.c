#include "os/dns_lifetime.h"

#include "base/bytes.h"

/* A name of labels; a pointer (two bytes, from 0xc0 on) is its end. */
static void
skip_name(struct cursor *c)
{
	uint8_t len = cursor_u8(c);

	while (len > 0 && len < 0xc0 && !c->bad) {
		cursor_bytes(c, len);
		len = cursor_u8(c);
	}
	if (len >= 0xc0) {
		cursor_u8(c);
	}
}

uint32_t
dns_lifetime(const uint8_t *message, size_t len)
{
	struct cursor c = cursor_over(message, len);
	uint32_t shortest = DNS_LIFETIME_NONE;
	unsigned questions, answers;

	cursor_u32(&c);
	questions = cursor_u16(&c);
	answers = cursor_u16(&c);
	cursor_u32(&c);
	for (unsigned i = 0; i < questions && !c.bad; i++) {
		skip_name(&c);
		cursor_u32(&c);
	}
	for (unsigned i = 0; i < answers && !c.bad; i++) {
		uint32_t ttl;

		skip_name(&c);
		cursor_u32(&c);
		ttl = cursor_u32(&c);
		cursor_bytes(&c, cursor_u16(&c));
		/* RFC 2181, 8: with the highest bit set it is 0. */
		ttl = ttl >> 31 ? 0 : ttl;
		shortest = !c.bad && ttl < shortest ? ttl : shortest;
	}
	return shortest;
}
