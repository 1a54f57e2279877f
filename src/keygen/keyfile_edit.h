/*
 * Changes to a key file: keys appended, and one given an end.  Whatever
 * else is in the file stays byte for byte.
 */
#ifndef TAP_KEYGEN_KEYFILE_EDIT_H
#define TAP_KEYGEN_KEYFILE_EDIT_H

#include "conf/splice.h"
#include "conf/keyfile.h"
#include "protocol/numset.h"
#include "base/secret.h"

/* What is in a key file, which may be empty. */
struct key_edit {
	const struct conf_file *file;
	struct numset taken;         /* the numbers of its keys */
	unsigned line[65536];        /* of each number taken */
	const char *included[65536]; /* and its file, if it is another one */
	struct key_spec old;         /* the key asked for, where has_old */
	bool has_old;
	struct edit_place end; /* its not_after, where old_ends */
	bool old_ends;
	size_t words_end; /* where its last word ends */
};

/*
 * Read a key file to its end and check it; `wanted` is the number of a
 * key to be changed, or -1.  Returns 0, or below 0 with the error in err
 * (CONF_ERROR_MAX).  It has secrets either way: secret_new() and
 * secret_free() are for it.
 */
int key_edit_read(struct key_edit *edit, struct conf_file *file, long wanted,
		  char *err);

/*
 * Take note of the numbers of keys in the files that it includes, which stay
 * as they are.  0, or below 0 with the error in err.
 */
int key_edit_read_included(struct key_edit *edit, const char *path, char *err);

/*
 * Append the new content of the file to out: with `lines`, whole lines,
 * at its end, and the wanted key, if any, ending at not_after.  Returns
 * 0, or below 0 with the error in err: what comes out is checked as a key
 * file.
 */
int key_edit_write(const struct key_edit *edit, uint64_t not_after,
		   const struct secret_buf *lines, struct secret_buf *out,
		   char *err);

#endif
