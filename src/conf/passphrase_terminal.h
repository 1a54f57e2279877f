/*
 * A passphrase from the person at the terminal.
 */
#ifndef TAP_CONF_PASSPHRASE_TERMINAL_H
#define TAP_CONF_PASSPHRASE_TERMINAL_H

#include <stdbool.h>

#include "conf/passphrase.h"

/*
 * Ask on the controlling terminal, without echo; with `again`, twice,
 * for a new one.  Returns 0, or -1 with the reason in why
 * (VALUE_WHY_MAX).  A signal that ends the process does so after the
 * terminal is as it was.
 */
int passphrase_terminal(struct sealed_passphrase *out, const char *question,
			bool again, char *why);

#endif
