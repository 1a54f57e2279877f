#include "base/rename_new.h"

#include <errno.h>
#include <unistd.h>

int
naming_new(int dir, const char *from, const char *to)
{
	if (linkat(dir, from, dir, to, 0) < 0) {
		return -errno;
	}
	unlinkat(dir, from, 0);
	return 0;
}
