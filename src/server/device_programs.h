/*
 * Programs of others at this host's devices: they may take packets from one to
 * another past every rule of the firewall.
 */
#ifndef TAP_SERVER_DEVICE_PROGRAMS_H
#define TAP_SERVER_DEVICE_PROGRAMS_H

#include <stddef.h>

#include "protocol/acl.h"

/*
 * Names of those at tc (TCX, Linux 6.6), "a, b", as far as they fit, or "none";
 * where there are rules that the firewall alone keeps, of another type than
 * LOCAL.  Returns how many there are.
 */
size_t device_programs(const struct acl *acl, char *out, size_t size);
/* A line of the log, where there are any. */
void device_programs_log(const struct acl *acl);

#endif
