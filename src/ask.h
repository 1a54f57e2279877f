/*
 * Ask a running daemon how it is.
 */
#ifndef TAP_ASK_H
#define TAP_ASK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Print the status of the "server" or "client" of a queue, or else of
 * the usual one.  An exit status: TAP_NO where none runs.
 */
int ask_status(const char *side, uint16_t queue, uint16_t usual, bool json);

/* Confirm the rules of a server that was started with --confirm. */
int ask_confirm(uint16_t queue, uint16_t usual);

#endif
