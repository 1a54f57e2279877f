/*
 * Both ends of new keys, put in place together: the clients' files and the
 * server's lines, all of them or none.
 *
 * A client's file is written as .NAME.DIGEST first, where the digest tells
 * its key.  Then the server's file is replaced, which is the moment that
 * counts, and the clients' get their names.  Where that was cut short, the
 * next run finds such files: those whose key the server's file has are given
 * their names, and the others removed.
 */
#ifndef TAP_KEYGEN_BOTH_H
#define TAP_KEYGEN_BOTH_H

#include "conf/atomic_file.h"
#include "conf/keyfile.h"
#include "base/secret.h"

#define BOTH_NAME_MAX 32u /* TAPclientd-65535.conf */
#define BOTH_DIGEST 16u   /* digits */

struct both_file {
	char name[BOTH_NAME_MAX];
	char digest[BOTH_DIGEST + 1];
	size_t at, len; /* its bytes */
};

struct both {
	struct rewrite dir;      /* the clients', locked */
	struct both_file *files; /* owned */
	size_t count, room;
	struct secret_buf bytes; /* of all, one after the other */
	size_t staged; /* files that are written, without their names */
};

/*
 * Open and lock the clients' directory, unless it is the one that `keys`
 * has locked, and end what an earlier run began, by the server's file.
 * Functions return 0, or a negative errno with the error in err
 * (CONF_ERROR_MAX); -EEXIST: a client's file is there already.
 */
int both_open(struct both *both, const char *dir, const struct rewrite *keys,
	      const struct conf_file *server, char *err);
/* One more client's file, with the key that is in it.  0 or -ENOMEM. */
int both_add(struct both *both, const char *name, const struct key_spec *spec,
	     const struct secret_buf *text);
/* Write them all, as yet without their names; -EINTR: a signal waits. */
int both_stage(struct both *both, char *err);
/* Give them their names. */
int both_place(struct both *both, char *err);
/* Remove what was written, names or not. */
void both_undo(struct both *both);
void both_close(struct both *both);

#endif
