/*
 * `tap acl test`: would it get in.
 */
#ifndef TAP_ACL_WOULD_ADMIT_H
#define TAP_ACL_WOULD_ADMIT_H

#include "acl/common.h"

/*
 * An exit status: TAP_OK if so, TAP_NO if not.
 */
int access_test(const struct access_options *o);

#endif
