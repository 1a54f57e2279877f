#include "linktype.h"

#include <stdbool.h>

#include "bytes.h"

#define TAGS_MAX 2 /* 802.1ad: one VLAN in another */

enum ethertype {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_VLAN_OUTER = 0x88a8,
};

int
linktype_known(int type)
{
	switch (type) {
	case LINKTYPE_NULL:
	case LINKTYPE_ETHERNET:
	case LINKTYPE_RAW_DLT:
	case LINKTYPE_RAW:
	case LINKTYPE_LOOP:
	case LINKTYPE_LINUX_SLL:
	case LINKTYPE_LINUX_SLL2:
		return true;
	default:
		return false;
	}
}

/* Behind `skip` bytes stands an EtherType, perhaps of a VLAN tag. */
static ptrdiff_t
behind_ethertype(const uint8_t *frame, size_t len, size_t skip, size_t after)
{
	struct cursor c = cursor_over(frame, len);
	uint16_t kind;

	cursor_bytes(&c, skip);
	kind = cursor_u16(&c);
	cursor_bytes(&c, after);
	for (int tags = 0; tags < TAGS_MAX && (kind == ETHERTYPE_VLAN ||
					       kind == ETHERTYPE_VLAN_OUTER);
	     tags++) {
		cursor_u16(&c);
		kind = cursor_u16(&c);
	}
	if (c.bad || (kind != ETHERTYPE_IP4 && kind != ETHERTYPE_IP6)) {
		return -1;
	}
	return c.pos - frame;
}

ptrdiff_t
linktype_ip(int type, const uint8_t *frame, size_t len)
{
	switch (type) {
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		/* The family's number depends on the system; IP's does not. */
		return len > 4 ? 4 : -1;
	case LINKTYPE_ETHERNET:
		return behind_ethertype(frame, len, 12, 0);
	case LINKTYPE_RAW_DLT:
	case LINKTYPE_RAW:
		return len > 0 ? 0 : -1;
	case LINKTYPE_LINUX_SLL:
		return behind_ethertype(frame, len, 14, 0);
	case LINKTYPE_LINUX_SLL2:
		return behind_ethertype(frame, len, 0, 18);
	default:
		return -1;
	}
}
