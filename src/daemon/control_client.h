/*
 * Ask a running daemon how it is.
 */
#ifndef TAP_DAEMON_CONTROL_CLIENT_H
#define TAP_DAEMON_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct ask_daemon {
	const char *side; /* "server" or "client" */
	long queue; /* its own; -1: as conf has it, or else the usual one */
	const char *conf; /* a path */
	uint16_t usual;
};

/* Print its status.  An exit status: TAP_NO where none runs. */
int ask_status(const struct ask_daemon *daemon, bool json);

/* Confirm the rules of a server that was started with --confirm. */
int ask_confirm(const struct ask_daemon *daemon);

#endif
