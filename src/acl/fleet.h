/*
 * `tap acl status --fleet`: what servers report.
 */
#ifndef TAP_ACL_FLEET_H
#define TAP_ACL_FLEET_H

#include "acl/common.h"

int access_fleet(const struct access_options *o);

#endif
