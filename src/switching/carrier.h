/*
 * The carrier: a process that carries accepted connections of rules with
 * switch=mirror to the real service and to a decoy.  Both sides may attack it,
 * so it has no privileges, no keys and no files; what it needs others make for
 * it: listeners to which the door (fastpath/door.h) leads who was accepted,
 * notes of the worker's, sockets of the monitor's.  It never looks at what is
 * said.  If it dies, its sessions do, and nothing else.
 */
#ifndef TAP_SWITCHING_CARRIER_H
#define TAP_SWITCHING_CARRIER_H

#include "switching/carrier_line.h"

struct carrier_setup {
	int listeners[2]; /* of IPv4 and IPv6, or below 0 */
	int notes;        /* struct carrier_note, from the worker */
	int line;         /* struct carrier_message, to and from the monitor */
	struct carrier_counts *counts; /* in shared memory */
	uint64_t seed;                 /* of ports, at random */
};

/* Carry until the line is closed.  SIGPIPE is ignored.  An exit status. */
int carrier_run(const struct carrier_setup *setup);

#endif
