/*
 * Changes to ACL.conf as an administrator would make them by hand: comments,
 * order and all other lines stay byte for byte.
 */
#ifndef TAP_ACL_ACL_EDIT_H
#define TAP_ACL_ACL_EDIT_H

#include <stdbool.h>

#include "protocol/acl.h"
#include "conf/grammar.h"
#include "base/secret.h"

struct acl_change {
	bool allow; /* or deny */
	struct acl_range ports;
	const struct acl_range *keys;
	size_t keys_count;
};

/*
 * Read an access list, which may be empty, to its end, check it, and
 * append it with the change to out.  An entry of which only some ports
 * change is split; a port without an entry gets one at the end; numbers
 * are sorted, neighbours merged.  Returns 0, or as conf_open() below 0
 * with the error in err (CONF_ERROR_MAX).
 */
int acl_edit(struct conf_file *file, const struct acl_change *change,
	     struct secret_buf *out, char *err);

#endif
