#include "protocol/header_chain.h"

#include "base/bytes.h"
#include "protocol/extension_header.h"

/* Above this no packet has anything else; a filter would go on. */
#define HEADERS_MAX 64

#define HEADER_TCP 6

/* Options of one byte, and of the others those that each host knows. */
enum option { OPTION_PAD1 = 0, OPTION_PADN = 1, OPTION_HOME = 0xc9 };

/* What an unknown option asks for, in its two upper bits: an error is 2 or 3.
 */
#define OPTION_ACTION_SHIFT 6

struct walk {
	struct cursor c;
	uint8_t next;
	bool first; /* of the headers */
	bool refused;
};

static bool
has_refused_option(struct cursor c)
{
	while (cursor_left(&c) > 0) {
		const uint8_t kind = cursor_u8(&c);

		if (kind == OPTION_PAD1) {
			continue;
		}
		if (kind != OPTION_PADN && kind != OPTION_HOME &&
		    kind >> OPTION_ACTION_SHIFT >= 2) {
			return true;
		}
		if (!cursor_bytes(&c, cursor_u8(&c))) {
			return false;
		}
	}
	return false;
}

/* The one that `next` says.  False: it is none that others follow. */
static bool
take_header(struct walk *w)
{
	const uint8_t kind = w->next;
	const uint8_t *header = w->c.pos;
	size_t len;

	if (!ip6_is_extension(kind) || cursor_left(&w->c) < IP6_EXTENSION_MIN) {
		return false;
	}
	len = ip6_extension_size(kind, header[1]);
	if (!cursor_bytes(&w->c, len)) {
		return false;
	}
	w->refused |= kind == IP6_FRAGMENT ||
		(kind == IP6_HOP_BY_HOP && !w->first) ||
		ip6_is_to_be_routed(kind, header) ||
		(kind == IP6_DESTINATION &&
		 has_refused_option(cursor_over(header + 2, len - 2)));
	w->next = header[0];
	w->first = false;
	/* The others have no ports. */
	return !ip6_is_later_fragment(kind, header);
}

bool
header_chain_find(struct packet *p, const uint8_t *bytes, size_t len)
{
	struct walk w = { .first = true };

	if (len < PACKET_IP6_HEADER) {
		return false;
	}
	w.c = cursor_over(bytes, len);
	cursor_bytes(&w.c, PACKET_IP6_HEADER);
	w.next = bytes[6];
	for (int i = 0; w.next != HEADER_TCP; i++) {
		if (i == HEADERS_MAX || !take_header(&w)) {
			return w.refused;
		}
	}
	if (cursor_left(&w.c) >= 4) {
		p->sport = be16_load(w.c.pos);
		p->dport = be16_load(w.c.pos + 2);
	}
	if (cursor_left(&w.c) >= 14) {
		p->flags = w.c.pos[13];
	}
	return w.refused;
}
