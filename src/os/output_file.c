#include "os/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A device or a pipe may be anybody's; what is a file is to be ours alone,
 * and is not emptied before that is known.
 */
static int
take(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return 0;
	}
	if (st.st_uid != geteuid() || st.st_nlink != 1) {
		return -EPERM;
	}
	return ftruncate(fd, 0) < 0 ? -errno : 0;
}

int
output_file_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : take(fd);

	if (fd >= 0 && rc < 0) {
		close(fd);
	}
	return rc < 0 ? rc : fd;
}

const char *
output_file_error(int rc)
{
	switch (-rc) {
	case ELOOP:
		return "is a symbolic link, which is not followed";
	case EPERM:
		return "is another user's file, or has another name";
	default:
		return strerror(-rc);
	}
}
