/*
 * Holes made on purpose, one at a time, for the tests of tap replay-test:
 * a server that lets in what it should refuse.  Only a build with
 * TAP_FAULTS has them (make FAULTS=1); in every other one fault() is
 * false at compile time, and no trace of them is left.
 *
 * Pure.
 */
#ifndef TAP_BASE_FAULT_H
#define TAP_BASE_FAULT_H

#include <stdbool.h>

enum fault {
	FAULT_NONE,
	FAULT_NO_MEMORY,        /* accepted groups are not remembered */
	FAULT_MEMORY_OF_TEN,    /* the eleventh displaces the first */
	FAULT_MEMORY_LOST,      /* a restart forgets, and does not say so */
	FAULT_FUTURE_ACCEPTED,  /* times are checked for being old alone */
	FAULT_FLAGS_IGNORED,    /* unknown bits of them are passed over */
	FAULT_PORT_UNCHECKED,   /* any port counts as the first one hidden */
	FAULT_SOURCE_UNCHECKED, /* frames are grouped wherever they are from */
};

/* Groups that FAULT_MEMORY_OF_TEN remembers. */
#define FAULT_MEMORY 10u

#ifdef TAP_FAULTS
/* Choose one by its name; false: there is none of that name. */
bool fault_choose(const char *name);
bool fault(enum fault which);
#else
#define fault(which) ((void)(which), false)
#endif

#endif
