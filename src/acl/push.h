/*
 * `tap acl push`: the server's files as a bundle, to where servers take it up.
 */
#ifndef TAP_ACL_PUSH_H
#define TAP_ACL_PUSH_H

#include "acl/common.h"

#define PUSH_PLACES_MAX 64u
#define PUSH_HOST_PATH "/etc/tap/bundle" /* on another host, if not named */

int access_push(const struct access_options *o);

#endif
