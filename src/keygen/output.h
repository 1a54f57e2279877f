/*
 * What `tap keygen` shows of the keys it makes.
 */
#ifndef TAP_KEYGEN_OUTPUT_H
#define TAP_KEYGEN_OUTPUT_H

#include "keygen/keygen.h"
#include "base/secret.h"

/* Whether secrets go to standard output in the clear. */
bool keygen_prints_secrets(const struct keygen_options *o);

struct keygen_made {
	const struct key_spec *spec;
	const char *server_file, *client_file; /* or NULL */
	const char *invite;                    /* the line, or NULL */
	uint64_t old_end;                      /* of a key that is rotated */
};

/* Append a key as a JSON object on a line of its own.  0 or -ENOMEM. */
int keygen_json(struct secret_buf *out, const struct keygen_options *o,
		const struct keygen_made *made);

/*
 * Say what an invitation's key still needs, and show what was not asked
 * for: the passphrase, and on a terminal the line as a QR code.
 */
void keygen_tell_invite(const struct keygen_options *o, const char *path,
			const struct key_spec *spec, const char *line);

#endif
