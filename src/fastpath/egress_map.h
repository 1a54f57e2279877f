/*
 * What the client's program in the kernel (egress.bpf.c) and tap share: the
 * layout of its maps.  Numbers are in host order unless said otherwise.
 */
#ifndef TAP_FASTPATH_EGRESS_MAP_H
#define TAP_FASTPATH_EGRESS_MAP_H

#include <stdint.h>

#include "fastpath/ingress_map.h"

/* Rules looked through for a SYN; what is beyond is left to the queue. */
#define EGRESS_RULES_MAX 64
/* Ranges of ports of a rule, likewise. */
#define EGRESS_RANGES_MAX 8
/*
 * Source ports that are held ready: a power of two, for forty groups of the
 * longest kind before the first is used again.
 */
#define EGRESS_PORTS 256
#define EGRESS_EVENTS_SIZE (1u << 16) /* bytes: a thousand events */

/* One entry, mapped by tap: what may change at any time. */
struct egress_config {
	uint64_t tai_utc; /* ns: TAI less UTC; wraps */
	uint32_t mark;    /* the priority of SYNs that the program is to take */
	uint32_t rules;   /* how many */
	uint32_t verbose; /* each group is worth an event */
	uint32_t unused;
};

/* One entry, mapped by tap, which reserves the ports. */
struct egress_ports {
	uint32_t next;               /* so many were used; wraps */
	uint16_t port[EGRESS_PORTS]; /* 0: none */
};

struct egress_rule {
	struct ingress_addr src, src_mask, dst, dst_mask;
	struct ingress_range range[EGRESS_RANGES_MAX];
	uint32_t ranges;                 /* 0: any port */
	uint32_t device;                 /* its index, or 0: any */
	uint32_t src_family, dst_family; /* 4, 6, or 0: any */
	uint16_t service_port;           /* 0: the packet's */
	uint16_t key_no;
	uint32_t has_user, uid; /* whose socket it is, or anybody's */
	uint32_t unused;
	struct ingress_key key;
};

enum egress_what {
	EGRESS_AUTHENTICATED, /* told of when verbose */
	EGRESS_UNANSWERED,    /* not counted: sent for the third time */
	EGRESS_DATA,
	EGRESS_SIGNATURE,
	EGRESS_KEY,     /* not valid now */
	EGRESS_PORT,    /* no source port */
	EGRESS_DEVICE,  /* the device did not take a frame */
	EGRESS_NO_RULE, /* told of when sent for the third time */
	EGRESS_SEEN,    /* all of them; not told of */
	EGRESS_COUNTS,
};

/* How often a SYN is sent before that is worth an event. */
#define EGRESS_UNANSWERED_TIMES 3

/* To tap: what became of a SYN. */
struct egress_event {
	struct ingress_addr src, dst;
	uint32_t seq; /* its own ISN */
	uint16_t sport, dport;
	uint16_t key_no; /* with AUTHENTICATED */
	uint8_t family, what;
};

#endif
