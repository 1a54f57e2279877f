#include "base/unnamed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
unnamed_open(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0) {
		return fd;
	}
	/* Which one it is depends on kernel and file system. */
	return errno == EISDIR || errno == EINVAL || errno == ENOENT ||
			errno == ENOSYS
		? -EOPNOTSUPP
		: -errno;
}

int
unnamed_link(int fd, int dir, const char *name)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) == 0 ||
	    (errno == ENOENT &&
	     linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0)) {
		return 0;
	}
	/* No /proc, and no CAP_DAC_READ_SEARCH for AT_EMPTY_PATH. */
	return errno == ENOENT || errno == EPERM ? -EOPNOTSUPP : -errno;
}
