/* SPDX-License-Identifier: ISC */
/*
 * The link, beneath this host's own stack: IP packets out to one neighbour,
 * and all that comes in by any device, each with the kernel's time of it.
 */
#ifndef PROBES_WIRE_H
#define PROBES_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/packet.h"

struct wire {
	int out, in;
	bool v6;
	uint8_t link[14]; /* the header of a frame */
};

struct heard {
	uint8_t bytes[PACKET_BYTES]; /* from the IP header on */
	size_t len;
	uint64_t ns; /* of CLOCK_REALTIME */
};

/* Out of a device to the neighbour with this address; or it ends. */
void wire_open(struct wire *w, bool v6, const char *device, const char *mac);

/* Back to back. */
void wire_send(const struct wire *w, const struct packet *packets,
	       size_t count);

/* The next packet of this version of IP, until then; false: none. */
bool wire_next(const struct wire *w, struct heard *h, uint64_t until_ns);

uint64_t wire_now(void); /* CLOCK_REALTIME */

_Noreturn void die(const char *what);

#endif
