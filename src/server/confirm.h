/*
 * What was started with --confirm has to be confirmed in time, or its rules
 * are taken away.  Until then they hold for as long as the server lives:
 * however it ends, they hide nothing without it (firewall/ruleset.h), and
 * neither does the door, which is not pinned.
 */
#ifndef TAP_SERVER_CONFIRM_H
#define TAP_SERVER_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "daemon/control.h"

struct confirmation {
	bool missing;  /* it is to come */
	bool awaited;  /* somebody has given it, and waits for the end */
	uint64_t ends; /* ms; 0: not before the rules are there */
	struct control_peer peer;
};

/* The rules are there: it has so many seconds. */
void confirm_begin(struct confirmation *c, unsigned seconds);
/* CONTROL_CONFIRM came.  As daemon_answer() has it. */
bool confirm_ask(struct confirmation *c, const struct control_peer *peer,
		 struct text *t);
/* Whether nobody gave it in time. */
bool confirm_failed(const struct confirmation *c);
/*
 * The rules are to stay now, and the door with them; or (err) could not be
 * made to: then it is still to come.  Whoever waits is told, by a socket.
 */
void confirm_end(struct confirmation *c, int fd, const char *err);

#endif
