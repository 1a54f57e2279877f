/*
 * Files sealed with a passphrase (seal.h), read and made.
 */
#ifndef TAP_CONF_SEALED_FILE_H
#define TAP_CONF_SEALED_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/grammar.h"
#include "conf/seal.h"
#include "base/secret.h"

/* Holds a secret: to be wiped by its owner. */
struct sealed_passphrase {
	char text[SEAL_PASSPHRASE_MAX];
	size_t len;
};

/* Whether a file can be read and begins as a sealed one. */
bool sealed_is(const char *path);

/*
 * Whether a sealed file is whole, as far as can be told without its
 * passphrase.  0, or below 0 with the error in err (CONF_ERROR_MAX).
 */
int sealed_check(const char *path, char *err);

/*
 * Read a sealed file and open its text as conf_open() would; who else
 * may read the file does not matter.  0, or below 0 with the error in err.
 */
int sealed_open(struct conf_file *file, const char *path,
		const struct sealed_passphrase *passphrase, char *err);
/* The same of one that is in memory, taken apart; path is for errors. */
int sealed_open_parsed(struct conf_file *file, const char *path,
		       const struct seal *seal,
		       const struct sealed_passphrase *passphrase, char *err);

/*
 * Append the sealed form of a text to out, with an iteration count that
 * takes this machine about half a second.  0 or a negative errno;
 * -EFBIG: longer than SEAL_BOX_MAX.
 */
int sealed_make(struct secret_buf *out, const struct secret_buf *text,
		const struct sealed_passphrase *passphrase);

#endif
