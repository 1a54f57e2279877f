/*
 * Connections that were there before the rules: the kernel is to track
 * them from now on, so that they go on even without the daemon.
 */
#ifndef TAP_SERVER_ADOPT_H
#define TAP_SERVER_ADOPT_H

#include "protocol/acl.h"

/* Those to services of this host that are protected; what fails is logged. */
void adopt_connections(const struct acl *acl);

#endif
