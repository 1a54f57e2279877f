#include "base/unnamed_file.h"

#include <errno.h>

int
unnamed_open(int dir)
{
	(void)dir;
	return -EOPNOTSUPP;
}

int
unnamed_link(int fd, int dir, const char *name)
{
	(void)fd;
	(void)dir;
	(void)name;
	return -EOPNOTSUPP;
}
