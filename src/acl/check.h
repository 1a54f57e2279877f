/*
 * `tap acl check`: errors and warnings.
 */
#ifndef TAP_ACL_CHECK_H
#define TAP_ACL_CHECK_H

#include "acl/common.h"

/*
 * An exit status: TAP_USAGE where there are errors, TAP_NO where there
 * are warnings and o->strict.
 */
int access_check(const struct access_options *o);

#endif
