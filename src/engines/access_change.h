/*
 * `tap acl allow` and `tap acl deny`.
 */
#ifndef TAP_ACCESS_CHANGE_H
#define TAP_ACCESS_CHANGE_H

#include "access.h"

/*
 * An exit status: TAP_NO where no server runs that could reload.
 */
int access_change(const struct access_options *o, bool allow);

#endif
