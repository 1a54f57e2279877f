/*
 * Frames as libpcap hands them out: where the IP packet begins, for the
 * link types that Linux devices have (tcpdump.org/linktypes.html).
 *
 * Pure.
 */
#ifndef TAP_OS_LINKTYPE_H
#define TAP_OS_LINKTYPE_H

#include <stddef.h>
#include <stdint.h>

/* As libpcap numbers them on Linux. */
enum linktype {
	LINKTYPE_NULL = 0, /* BSD loopback: a family in host order */
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW_DLT = 12,     /* tun, WireGuard: IP at once */
	LINKTYPE_RAW = 101,        /* the same, in files */
	LINKTYPE_LOOP = 108,       /* OpenBSD loopback: big-endian family */
	LINKTYPE_LINUX_SLL = 113,  /* cooked */
	LINKTYPE_LINUX_SLL2 = 276, /* cooked, with a device: "any" */
};

/* Whether linktype_ip() knows it. */
int linktype_known(int type);

/*
 * The number of bytes before the IP packet in a frame of len bytes, or
 * -1 where it holds none.  Up to two VLAN tags are stepped over.
 */
ptrdiff_t linktype_ip(int type, const uint8_t *frame, size_t len);

/*
 * The same where the link type is another one: by the look of an IP
 * header, of a frame that carries TCP.
 */
ptrdiff_t linktype_search(const uint8_t *frame, size_t len);

#endif
