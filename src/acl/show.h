/*
 * `tap acl show`: who may use what.
 */
#ifndef TAP_ACL_SHOW_H
#define TAP_ACL_SHOW_H

#include "acl/common.h"

/*
 * An exit status.
 */
int access_show(const struct access_options *o);

#endif
