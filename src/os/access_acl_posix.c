#include "os/access_acl.h"

/* POSIX has no way to tell. */
bool
access_acl_has(const char *path)
{
	(void)path;
	return true;
}
