/*
 * Who is served at a time, and who gives way. Each source has one place; a
 * place is never taken from a near side that has proved a key. Pure.
 */
#ifndef TAP_PROBE_PATH_PLACES_H
#define TAP_PROBE_PATH_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define PLACES_MAX 16u
/* The others are for who has yet to prove a key. */
#define PLACES_PROVEN_MAX 12u
/* How long a near side with a plan keeps its place, ms: one trial's time. */
#define PLACES_FAIR_MS 15000u

struct place {
	bool taken;
	bool proven;    /* has proved a key */
	bool announced; /* has said its plan */
	struct packet_addr source;
	uint64_t since; /* ms */
};

struct places {
	struct place at[PLACES_MAX]; /* begins as zeros */
};

/*
 * The place for one more from there, or PLACES_MAX: none.  Where it is
 * taken, who has it is to give way.  IPv6 sources are networks of 64 bits.
 */
size_t places_find(const struct places *p, const struct packet_addr *from,
		   uint64_t ms);
void places_take(struct places *p, size_t at, const struct packet_addr *from,
		 uint64_t ms);
void places_leave(struct places *p, size_t at);
/* It has proved a key; false where too many have. */
bool places_prove(struct places *p, size_t at);

#endif
