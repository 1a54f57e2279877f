/*
 * `tap acl allow` and `tap acl deny`.
 */
#ifndef TAP_ACL_CHANGE_H
#define TAP_ACL_CHANGE_H

#include "acl/common.h"

/*
 * An exit status: TAP_NO where no server runs that could reload.
 */
int access_change(const struct access_options *o, bool allow);

#endif
