/*
 * `tap acl show`: who may use what.
 */
#ifndef TAP_ACCESS_SHOW_H
#define TAP_ACCESS_SHOW_H

#include "access.h"

/*
 * An exit status.
 */
int access_show(const struct access_options *o);

#endif
