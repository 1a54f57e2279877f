#include "os/access_acl.h"

#include <errno.h>
#include <stddef.h>
#include <sys/xattr.h>

bool
access_acl_has(const char *path)
{
	if (getxattr(path, "system.posix_acl_access", NULL, 0) >= 0) {
		return true;
	}
	return errno != ENODATA && errno != EOPNOTSUPP;
}
