/*
 * What the door's program in the kernel and tap share: the layout of its
 * maps.  Numbers are in host order unless said otherwise.  Pure.
 */
#ifndef TAP_DOOR_MAP_H
#define TAP_DOOR_MAP_H

#include <stdint.h>

/* Rules looked at for one port; a port with more is without a door. */
#define DOOR_RULES_MAX 8

/*
 * How long an accepted connection may still have to be looked up: a SYN
 * cookie is good for two minutes (tcp_syncookies), of whole ones.  A SYN-ACK
 * and its retransmissions have a socket of their own, which needs no door.
 */
#define DOOR_LIFE_NS (125ull * 1000000000)

/* In the value: the carrier has its listener (switching/carrier.h). */
#define DOOR_CARRIED (1ull << 63)

/*
 * A connection that was accepted; the value is a uint64_t, when it expires
 * (ns, monotonic), and DOOR_CARRIED.  Not its address and port at this host,
 * which NAT of the host's own may still change: but a class, which all ports
 * share that the same keys may use, so that nobody comes further than his key
 * does.
 */
struct door_key {
	uint8_t addr[16]; /* of the peer; IPv4 in the first four, then 0 */
	uint32_t keys;    /* the class: see door_class() */
	uint8_t port[2];  /* of the peer, in network order */
	uint16_t family;  /* 4 or 6 */
};

/* Of each local port. */
struct door_port {
	uint32_t list; /* its rules; the first list protects nothing */
	uint32_t keys; /* see struct door_key */
};

/*
 * What is looked at of a packet, as words: a rule wants some of their bits
 * to be as its own.
 */
enum door_word {
	DOOR_SRC, /* two words each, in network order */
	DOOR_DST = DOOR_SRC + 2,
	DOOR_META = DOOR_DST + 2,
	DOOR_WORDS,
};

/* The bits of DOOR_META; above them, the number of the device's name. */
#define DOOR_FAMILY 0xffu    /* 4 or 6 */
#define DOOR_LOOPBACK 0x100u /* from this host itself */
#define DOOR_NEVER 0x200u    /* no packet has it */
#define DOOR_DEVICE_SHIFT 32
/* Numbers of devices: from 1 on those that rules name. */
#define DOOR_DEVICE_OTHER 0u

struct door_rule {
	uint64_t want[DOOR_WORDS], mask[DOOR_WORDS];
};

/* Rules in no order: a packet that one of them matches is protected. */
struct door_list {
	struct door_rule rule[DOOR_RULES_MAX];
};

/* An address of this host. */
struct door_own {
	uint8_t addr[16];
	uint64_t family;
};

enum door_count {
	DOOR_REFUSED, /* lookups that found no listener by it */
	DOOR_PASSED,  /* that went on, of whatever port */
	DOOR_COUNTS,
};

#endif
