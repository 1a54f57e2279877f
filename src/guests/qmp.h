/*
 * QEMU's machine protocol (docs/interop/qmp-spec): where a guest-physical
 * address is in the memory of QEMU's process, as that says.
 */
#ifndef TAP_GUESTS_QMP_H
#define TAP_GUESTS_QMP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

/* Whoever else is connected there lets nobody in. */
#define QMP_WAIT_MS 3000u

/*
 * Connect, and make ready to ask; *pid is whose socket it is.  A descriptor,
 * or -errno with the reason in why.
 */
int qmp_open(const char *path, pid_t *pid, char why[WHY_MAX]);
/* 0, or -errno: -ENOENT where there is no RAM. */
int qmp_address(int fd, uint64_t physical, uint64_t *address);

#endif
