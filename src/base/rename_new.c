#include "base/rename_new.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* musl has no renameat2() of its own. */
int
naming_new(int dir, const char *from, const char *to)
{
	if (syscall(SYS_renameat2, dir, from, dir, to, RENAME_NOREPLACE) < 0) {
		/* EINVAL: the file system cannot do that, as NFS. */
		if (errno != EINVAL || linkat(dir, from, dir, to, 0) < 0) {
			return -errno;
		}
		unlinkat(dir, from, 0);
	}
	return 0;
}
