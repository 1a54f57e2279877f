/*
 * `tap acl test`: would it get in.
 */
#ifndef TAP_ACCESS_TEST_H
#define TAP_ACCESS_TEST_H

#include "access.h"

/*
 * An exit status: TAP_OK if so, TAP_NO if not.
 */
int access_test(const struct access_options *o);

#endif
