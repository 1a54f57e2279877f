/*
 * What is said to the carrier, and by it: whole messages (SOCK_SEQPACKET)
 * between processes of one program.  The worker sends notes of who is to be
 * carried, before their SYNs go on.  The monitor sends sockets and alarms, and
 * hears how many of the first are wanted, and what came of the second.
 */
#ifndef TAP_SWITCHING_CARRIER_LINE_H
#define TAP_SWITCHING_CARRIER_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "switching/alarm.h"

/*
 * Ports that clients hardly use: below those that Linux, Windows and the BSDs
 * give to connections, and above services'.
 */
#define CARRIER_PORT_LOW 1024u
#define CARRIER_PORT_HIGH 32767u
/* To choose from: one may be the client's own, or in use. */
#define CARRIER_PORTS 2u

/* From the worker: a connection that was accepted, and its rule's words. */
struct carrier_note {
	struct packet_addr src, dst, decoy;
	uint16_t sport, dport, decoy_port;
	uint16_t wait_ms; /* switch_wait= */
	uint32_t buffer;  /* mirror_buffer= */
	int32_t key_no;
	/*
	 * From which, and the client's address, the real service is called: the
	 * door knows them.
	 */
	uint16_t ports[CARRIER_PORTS];
	uint8_t own_source;  /* decoy_source=own */
	uint8_t service_own; /* likewise for the service: no rules lead back */
	uint8_t to_decoy;    /* from its first byte on: no real service */
	char name[ACL_NAME_MAX + 1]; /* of the key, or empty */
};

enum carrier_message_kind {
	CARRIER_SOCKETS = 's', /* to it: up to two, see carrier_sockets */
	CARRIER_ALARM = 'a',   /* to it */
	CARRIER_WANTS = 'w',   /* from it: so many sockets */
	CARRIER_DONE = 'd',    /* from it: what an alarm came to */
};

struct carrier_message {
	uint8_t kind;
	uint8_t family;  /* of sockets: 4 or 6 */
	uint32_t count;  /* sockets wanted; sessions switched */
	uint32_t cut;    /* sessions that were cut instead */
	uint32_t number; /* of an alarm: its answer has the same */
	struct alarm alarm;
};

/* Counters in memory that the carrier writes and the monitor reads. */
struct carrier_counts {
	uint64_t carried;  /* sessions at present */
	uint64_t mirrored; /* of them, with a decoy that hears all */
	uint64_t switched, cut, behind, gone; /* sessions, from the start on */
	uint64_t log_lost;
};

#endif
