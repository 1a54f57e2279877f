/*
 * The difference of two texts, line by line.
 */
#ifndef TAP_ACL_DIFF_H
#define TAP_ACL_DIFF_H

#include <stddef.h>

#include "base/secret.h"

/*
 * Append it in the unified format, with three lines of context; nothing
 * where the texts are equal.  It is right, and short where changes are
 * short; not always the shortest.  0 or -ENOMEM.
 */
int diff_unified(struct secret_buf *out, const char *path, const char *old,
		 size_t old_len, const char *new, size_t new_len);

#endif
