#include "os/access_acl.h"

#include <errno.h>
#include <stddef.h>
#include <sys/xattr.h>

const char access_acl_private[] = "chmod 600 it";
const char access_acl_no_write[] = "chmod go-w it";

bool
access_acl_has(const char *path)
{
	if (getxattr(path, "system.posix_acl_access", NULL, 0) >= 0) {
		return true;
	}
	return errno != ENODATA && errno != EOPNOTSUPP;
}
