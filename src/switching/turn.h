/*
 * Where a decoy continues.  A turn is what a client says between two answers.
 * Within a turn what the decoy answers is counted along with what the real
 * service does, and dropped up to as much: the rest waits.  At a switch the
 * client gets the decoy's from the same offset.
 *
 * A client that speaks before it has all of an answer does not begin a turn:
 * whose bytes the next ones are could not be told.
 *
 * Pure.
 */
#ifndef TAP_SWITCHING_TURN_H
#define TAP_SWITCHING_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct turn {
	uint64_t number;
	uint64_t real, decoy; /* bytes of their answers that were taken */
};

enum turn_place {
	TURN_LEVEL,  /* the decoy's next byte is the client's */
	TURN_BEHIND, /* it has some of the answer still to say */
	TURN_SILENT, /* it said nothing in this turn */
};

/*
 * The client spoke; heard_all: it has acknowledged all that was answered.
 * Whether this begins a turn: then what waits of the decoy's is of the last.
 */
bool turn_client(struct turn *t, bool heard_all);
/* Bytes of the decoy's that may be dropped now. */
uint64_t turn_to_drop(const struct turn *t);
/* Where the decoy is, at a switch. */
enum turn_place turn_place(const struct turn *t);

#endif
