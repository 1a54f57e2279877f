#include "os/linktype.h"

#include <stdbool.h>

#include "base/bytes.h"

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
	for (int tags = 0; tags < TAGS_MAX &&
	     (kind == ETHERTYPE_VLAN || kind == ETHERTYPE_VLAN_OUTER);
	     tags++) {
		cursor_u16(&c);
		kind = cursor_u16(&c);
	}
	if (c.bad || (kind != ETHERTYPE_IP4 && kind != ETHERTYPE_IP6)) {
		return -1;
	}
	return c.pos - frame;
}

/* Bytes of link headers: 802.11 with radiotap has about a hundred. */
#define LINK_HEADER_MAX 256u
#define PROTOCOL_TCP 6
#define PROTOCOL_ICMP6 58

/* By its checksum; of any protocol. */
static bool
is_ip4(const uint8_t *bytes, size_t len)
{
	size_t header;
	uint32_t sum = 0;

	if (len < 20 || bytes[0] >> 4 != 4) {
		return false;
	}
	header = (bytes[0] & 15) * 4u;
	if (header < 20 || header > len || be16_load(bytes + 2) < header) {
		return false;
	}
	for (size_t i = 0; i < header; i += 2) {
		sum += be16_load(bytes + i);
	}
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/* It has no checksum: what it carries has to fit, too. */
static bool
is_ip6(const uint8_t *bytes, size_t len)
{
	size_t payload;

	if (len < 40 + 20 || bytes[0] >> 4 != 6) {
		return false;
	}
	payload = be16_load(bytes + 4);
	if (bytes[6] == PROTOCOL_ICMP6) {
		return payload >= len - 40;
	}
	return bytes[6] == PROTOCOL_TCP && bytes[40 + 12] >> 4 >= 5 &&
		(bytes[40 + 12] >> 4) * 4u <= payload;
}

/* What an error of ICMP quotes is not looked at: it stands behind. */
ptrdiff_t
linktype_search(const uint8_t *frame, size_t len)
{
	for (size_t at = 0; at < len && at < LINK_HEADER_MAX; at++) {
		const uint8_t *ip = frame + at;

		if (is_ip4(ip, len - at)) {
			return ip[9] == PROTOCOL_TCP ? (ptrdiff_t)at : -1;
		}
		if (is_ip6(ip, len - at)) {
			return ip[6] == PROTOCOL_TCP ? (ptrdiff_t)at : -1;
		}
	}
	return -1;
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
