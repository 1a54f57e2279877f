/*
 * A key's successor.
 */
#ifndef TAP_KEYGEN_ROTATE_H
#define TAP_KEYGEN_ROTATE_H

#include "keygen/keyfile_edit.h"
#include "keygen/keygen.h"

/*
 * Give a successor, whose not_before stands, the words of the old key that
 * are not given for it, and tell when the old key is to end.  TAP_OK, or
 * with the error said the exit status.
 */
int keygen_rotate(const struct keygen_options *o, const struct key_edit *edit,
		  const char *path, struct key_spec *spec, uint64_t *old_end);

/* Say so where the old key has an end and the successor got none. */
void keygen_rotate_warn(const struct keygen_options *o,
			const struct key_edit *edit, const char *path,
			const struct key_spec *spec);

#endif
