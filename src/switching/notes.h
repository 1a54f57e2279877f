/*
 * Who is to be carried, until he comes: bounded, by address and port of the
 * client, which is all that NAT of this host's own leaves as it was.
 */
#ifndef TAP_SWITCHING_NOTES_H
#define TAP_SWITCHING_NOTES_H

#include <stddef.h>

#include "switching/carrier_line.h"

#define NOTES_SETS 4096u
#define NOTES_WAYS 4u /* of a hash: the oldest gives way */
/* As long as the door would let it in (DOOR_LIFE_NS). */
#define NOTES_LIFE_MS 125000u

struct notes {
	struct notes_entry {
		struct carrier_note note; /* src.family 0: none */
		uint64_t ms;
	} at[NOTES_SETS][NOTES_WAYS];
};

/* Where a client's address and port are in a table of so many. */
uint32_t notes_hash(const struct packet_addr *src, uint16_t sport,
		    uint32_t size);
/* Whether such a note can be; what is in it need not be so. */
bool notes_is_sound(const struct carrier_note *note);
/* Remember it, in the place of an earlier one of the same client's. */
void notes_put(struct notes *notes, const struct carrier_note *note,
	       uint64_t now_ms);
/* What is known of a client who came; it is forgotten.  False: nothing. */
bool notes_take(struct notes *notes, const struct packet_addr *src,
		uint16_t sport, uint64_t now_ms, struct carrier_note *out);

/*
 * An alarm: whoever it is of and has not come yet goes to the decoy from his
 * first byte on.  How many.
 */
size_t notes_alarm(struct notes *notes, const struct alarm *alarm,
		   uint64_t now_ms);

#endif
