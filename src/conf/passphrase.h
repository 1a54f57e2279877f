/*
 * Passphrases from a descriptor, or made.
 */
#ifndef TAP_CONF_PASSPHRASE_H
#define TAP_CONF_PASSPHRASE_H

#include <signal.h>

#include "conf/sealed_file.h"

/* Read the first line of a descriptor, and no byte more.  0 or -1. */
int passphrase_fd(struct sealed_passphrase *out, int fd, char *why);
/* The same, until a signal comes that sets *stop. */
int passphrase_read(struct sealed_passphrase *out, int fd,
		    const volatile sig_atomic_t *stop, char *why);

/*
 * Ask by ask(), and for a new one, with `again`, twice: both have to be the
 * same.  0 or -1, likewise.
 */
int passphrase_ask(struct sealed_passphrase *out,
		   int (*ask)(struct sealed_passphrase *, const char *question,
			      char *why),
		   const char *question, bool again, char *why);

/*
 * Make one of 80 random bits, to be told by a person: abcd-0123-efgh-4567.
 * 0 or -1, likewise.
 */
int passphrase_make(struct sealed_passphrase *out, char *why);

/* Takes the value of --passphrase-fd, into an int: a descriptor. */
int passphrase_option(void *into, const char *value, char *why);

#endif
