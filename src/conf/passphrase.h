/*
 * Passphrases from the person at the terminal, or from a descriptor.
 */
#ifndef TAP_CONF_PASSPHRASE_H
#define TAP_CONF_PASSPHRASE_H

#include <stdbool.h>

#include "conf/sealed_file.h"

/*
 * Ask on the controlling terminal, without echo; with `again`, twice,
 * for a new one.  Returns 0, or -1 with the reason in why
 * (VALUE_WHY_MAX).  A signal that ends the process does so after the
 * terminal is as it was.
 */
int passphrase_terminal(struct sealed_passphrase *out, const char *question,
			bool again, char *why);

/* Read the first line of a descriptor, and no byte more.  0 or -1. */
int passphrase_fd(struct sealed_passphrase *out, int fd, char *why);

/*
 * Make one of 80 random bits, to be told by a person: abcd-0123-efgh-4567.
 * 0 or -1, likewise.
 */
int passphrase_make(struct sealed_passphrase *out, char *why);

/* Takes the value of --passphrase-fd, into an int: a descriptor. */
int passphrase_option(void *into, const char *value, char *why);

#endif
