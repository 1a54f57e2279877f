/*
 * Keys as people call them: numbers and the names of the key file.
 */
#ifndef TAP_ACL_KEY_NAMES_H
#define TAP_ACL_KEY_NAMES_H

#include "acl/common.h"

/*
 * Make o->keys of o->keys_text, which is ANY, a name, or a list of numbers,
 * ranges of them and names.  A name stands for every key that has it.  The
 * key file is read only for names.  TAP_OK, or with the error said an exit
 * status: TAP_NO where no key has the name.
 */
int access_resolve_keys(struct access_options *o);

#endif
