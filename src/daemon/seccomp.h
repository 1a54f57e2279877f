/*
 * The system calls that a running daemon may make (seccomp).
 */
#ifndef TAP_DAEMON_SECCOMP_H
#define TAP_DAEMON_SECCOMP_H

#include "daemon/privileges.h"

/*
 * Kill the process, from now on, for every system call that is not on
 * the role's list.  A build with TAP_DEBUG says which one it was.  0, or
 * -1 with errno.
 */
int seccomp_limit(enum privileges_role role);

#endif
